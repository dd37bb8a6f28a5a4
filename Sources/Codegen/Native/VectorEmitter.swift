import DescentGraph

/// Writes the instructions of a vector program for one vector of elements, or for two at once.
struct VectorEmitter {
  let selection: InstructionSelection
  let split: LoopSplit
  /// The registers of what is done before the loop, of what is done for each vector, and for two at once.
  private let before: RegisterAllocation
  private let allocation: RegisterAllocation
  private let pairAllocation: RegisterAllocation?
  let isWide: Bool

  /// The number that stands for the register of the kernel's core until the code is written.
  static let coreRegister: UInt8 = 255
  /// The mask register, or with AVX2 the vector register, that selects the elements of a partial vector.
  static func tailRegister(isWide: Bool) -> Register { isWide ? .k(1) : .ymm(15) }

  /// The vector registers a program may use where the code around it needs none.
  static func vectors(for selection: InstructionSelection) -> [UInt8] {
    let stored = selection.resultTypes
    if selection.isWide { return Array(0..<(stored.contains(.bool) ? 31 : 32)) }
    return Array(0..<(stored.contains { $0.byteCount != 4 } ? 14 : 15))
  }

  /// The mask registers a program may use where the code around it needs none.
  static let masks: [UInt8] = [2, 3, 4, 5, 6, 7]

  /// Allocates registers from pools to a selection, whose first results are stored: at the end, or those of some
  /// numbers early, where nothing that is still to be read lies.
  ///
  /// The code around a program that is hoisted from runs it for vector after vector, and first writes what
  /// `writeConstants` and `writeInvariants` do; from there to the loop's end it leaves the registers alone, except the
  /// first vector register and masks 2 and 7, which nothing stays in. If all that distinguishes vectors is where they
  /// lie, it may ask for a program for two at once, which there then is if it pays.
  ///
  /// - Precondition: The checker accepts the allocations.
  init(
    _ selection: InstructionSelection, stores: Int, early: Set<Int> = [], vectors: [UInt8],
    masks: [UInt8] = VectorEmitter.masks, hoisting: LoopSplit.Hoisting = .nothing,
    inPairs: Bool = false
  ) {
    self.selection = selection
    isWide = selection.isWide
    var pools: [RegisterBank: [UInt8]] = [.vector: vectors, .mask: masks]
    let core = selection.core.map { [$0: VectorEmitter.coreRegister] } ?? [:]
    let lasting: [RegisterBank: [UInt8]] = [
      .vector: Array(vectors.dropFirst()), .mask: masks.filter { $0 != 2 && $0 != 7 },
    ]
    var split = LoopSplit(
      selection, stores: stores, early: early, inPairs: inPairs,
      pools: pools.mapValues { $0.count }, lasting: lasting.mapValues { $0.count }, hoisting)
    var before = VectorEmitter.allocate(
      split.before, split.banks, lasting, fixed: [:], live: split.kept)
    if before.slotCount > 0 {
      split = LoopSplit(unsplit: selection, stores: stores, early: early)
      before = RegisterAllocation()
    }
    let all = pools
    for value in split.kept {
      pools[split.banks[Int(value)], default: []].removeAll { $0 == before.outcome[value] }
    }
    func allocated(_ body: LoopSplit.Body) -> RegisterAllocation {
      VectorEmitter.allocate(
        body.operations, split.banks, pools, fixed: core.merging(before.outcome) { $1 },
        live: body.results.joined() + split.kept)
    }
    // A value that lost its register in the loop would not be there for the next vector.
    func loses(_ allocation: RegisterAllocation) -> Bool {
      split.kept.contains { allocation.outcome[$0] != before.outcome[$0] }
    }
    var body = allocated(split.body)
    let pair = split.pair.map(allocated)
    if loses(body) {
      split = LoopSplit(unsplit: selection, stores: stores, early: early)
      (before, pools) = (RegisterAllocation(), all)
      body = allocated(split.body)
    }
    pairAllocation = split.pair == nil ? nil : pair.flatMap { loses($0) ? nil : $0 }
    (self.split, self.before, allocation) = (split, before, body)
  }

  private static func allocate(
    _ operations: [MachineOperation], _ banks: [RegisterBank], _ pools: [RegisterBank: [UInt8]],
    fixed: [VirtualRegister: UInt8], live: [VirtualRegister]
  ) -> RegisterAllocation {
    let (steps, live) = (operations.map(\.step), Set(live))
    let allocation = RegisterAllocation(
      steps: steps, banks: banks, pools: pools, fixed: fixed, live: live)
    assert(
      allocation.fault(steps: steps, banks: banks, pools: pools, fixed: fixed, live: live) == nil)
    return allocation
  }

  /// The number of elements in a vector.
  var width: Int { isWide ? 16 : 8 }
  /// The bytes of stack that spilled values take, and what a report keeps there.
  var spillBytes: Int { (slotCount + (reports ? 1 : 0)) * 64 }
  var slotCount: Int {
    max(before.slotCount, allocation.slotCount, pairAllocation?.slotCount ?? 0)
  }
  private var reports: Bool { split.body.operations.contains { $0.fault != nil } }

  /// The most vectors that can be worked on at once.
  var vectorsAtOnce: Int { pairAllocation == nil ? 1 : 2 }

  /// Where a stream's elements lie for a vector of those that are worked on at once; writes code to find it if it must.
  typealias Streams = (_ index: Int, _ vector: Int, inout Assembler) -> Memory

  /// Writes the program for one vector or more, and the stores of the results that are stored.
  ///
  /// If nothing is stored early, everything has been read before, so that results may lie where operands were.
  ///
  /// - Parameters:
  ///   - assembler: Receives the code.
  ///   - count: How many elements exist; if not all, the tail register selects them.
  ///   - vectors: The number of vectors, at most `vectorsAtOnce`; where there are several, all their elements exist.
  ///   - core: The register that holds what the kernel's core computed.
  ///   - streams: The place in memory of each stream, and, counted on from the streams, of each result that is stored.
  ///   - isStreamed: Whether whole vectors of a result that is stored pass the caches by.
  /// - Returns: For each vector the registers of the results that are not stored.
  func emit(
    to assembler: inout Assembler, count: Int, vectors: Int = 1,
    core: UInt8 = VectorEmitter.coreRegister, streams: Streams,
    isStreamed: (Int) -> Bool = { _ in false }
  ) -> [[Register]] {
    guard let body = vectors == 1 ? split.body : split.pair,
      let allocation = vectors == 1 ? allocation : pairAllocation
    else { preconditionFailure("no program for \(vectors) vectors") }
    emit(allocation.actions[...], body.operations, core, count, streams, isStreamed, &assembler)
    return body.results.map { results in
      results.map { result in
        guard let outcome = allocation.outcome[result] else {
          preconditionFailure("a result of a program is nowhere")
        }
        return register(split.banks[Int(result)], outcome == 255 ? core : outcome)
      }
    }
  }

  /// Writes what the loop needs and no row changes.
  func writeConstants(to assembler: inout Assembler) {
    emit(
      before.actions[..<constantsEnd], split.before, VectorEmitter.coreRegister, width,
      { _, _, _ in preconditionFailure("a constant in a stream") }, { _ in false }, &assembler)
  }

  /// Writes what the loop needs and changes from row to row.
  ///
  /// - Parameters:
  ///   - assembler: Receives the code.
  ///   - streams: The place in memory of each stream that does not change along the last axis.
  func writeInvariants(to assembler: inout Assembler, streams: Streams) {
    emit(
      before.actions[constantsEnd...], split.before, VectorEmitter.coreRegister, width, streams,
      { _ in false }, &assembler)
  }

  /// The number of actions that belong to constants, which come first; a move behind them belongs to what follows.
  private var constantsEnd: Int {
    let last = before.actions.lastIndex {
      if case .operation(let position, _, _) = $0 { position < split.constantCount } else { false }
    }
    return last.map { $0 + 1 } ?? 0
  }

  private func emit(
    _ actions: ArraySlice<RegisterAllocation.Action>, _ operations: [MachineOperation],
    _ core: UInt8, _ count: Int, _ streams: Streams, _ isStreamed: (Int) -> Bool,
    _ assembler: inout Assembler
  ) {
    for action in actions {
      switch action {
      case .operation(let position, let uses, let result):
        emit(
          operations[position], uses: OperandRegisters(uses, core: core),
          result: result == 255 ? core : result, count, streams, isStreamed, &assembler)
      case .spill(let bank, let from, let slot):
        store(bank, from == 255 ? core : from, slot, &assembler)
      case .reload(let bank, let to, let slot):
        let move: Mnemonic = bank == .mask ? .kmovw : .vmovups
        assembler.emit(move, register(bank, to == 255 ? core : to), slotMemory(slot))
      case .move(let bank, let to, let from):
        let move: Mnemonic = bank == .mask ? .kmovw : .vmovaps
        assembler.emit(
          move, register(bank, to == 255 ? core : to), register(bank, from == 255 ? core : from))
      }
    }
  }

  /// Returns the register of a bank by its number, or the half of it.
  func register(_ bank: RegisterBank, _ number: UInt8, isHalf: Bool = false) -> Register {
    switch bank {
    case .mask: .k(Int(number))
    case .vector where isHalf: isWide ? .ymm(Int(number)) : .xmm(Int(number))
    case .vector: isWide ? .zmm(Int(number)) : .ymm(Int(number))
    }
  }

  private func slotMemory(_ slot: Int) -> Memory {
    .at(.rsp, NativeFrame.localBytes + 64 * slot)
  }

  private func store(
    _ bank: RegisterBank, _ number: UInt8, _ slot: Int, _ assembler: inout Assembler
  ) {
    let move: Mnemonic = bank == .mask ? .kmovw : .vmovups
    assembler.emit(move, slotMemory(slot), register(bank, number))
  }
}

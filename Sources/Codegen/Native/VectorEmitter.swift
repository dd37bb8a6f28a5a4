import DescentGraph

/// Writes the instructions of a vector program for one vector of elements, or for two at once.
struct VectorEmitter {
  let selection: InstructionSelection
  private let split: LoopSplit
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
  private var slotCount: Int {
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

  private func register(_ bank: RegisterBank, _ number: UInt8, isHalf: Bool = false) -> Register {
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

// MARK: - Operations

extension VectorEmitter {
  private func emit(
    _ operation: MachineOperation, uses: OperandRegisters, result: UInt8?, _ count: Int,
    _ streams: Streams, _ isStreamed: (Int) -> Bool, _ assembler: inout Assembler
  ) {
    var uses = uses
    if let result = operation.store, case .register(let value) = operation.operands[0] {
      let memory = streams(selection.streams.count + result.number, result.vector, &assembler)
      let register = register(split.banks[Int(value)], uses.next())
      let type = selection.resultTypes[result.number]
      guard type != .i64 else {
        return storeLong(register, half: result.half, to: memory, count: count, &assembler)
      }
      return store(
        register, type, to: memory, count: count, isStreamed: isStreamed(result.number),
        &assembler)
    }
    guard let result, let value = operation.result else {
      return report(operation, register(truthBank, uses.next()), streams, &assembler)
    }
    let target = register(split.banks[Int(value)], result, isHalf: operation.isHalf)
    if operation.operands.last == .existing {
      let mask = uses.first.map { register(truthBank, $0) }
      return limit(mask, to: target, isPartial: count < width, &assembler)
    }
    if operation.operands.count == 1, case .memory(let stream) = operation.operands[0] {
      let mask = uses.first.map { register(.mask, $0) }
      return load(operation.mnemonic, target, stream, mask, count, streams, &assembler)
    }
    var operands = [4 of Operand](repeating: .none)
    var operandCount = 0
    if !operation.isDestructive {
      operands[0] = target.operand
      operandCount = 1
    }
    for source in operation.operands {
      switch source {
      case .register(let value):
        operands[operandCount] = register(split.banks[Int(value)], uses.next()).operand
      case .half: operands[operandCount] = register(.vector, uses.next(), isHalf: true).operand
      case .constant(let bits):
        operands[operandCount] = constant(bits, operation.mnemonic, &assembler).operand
      case .laneNumbers: operands[operandCount] = laneNumbers(&assembler).operand
      case .immediate(let number): operands[operandCount] = .immediate(Int64(number))
      case .memory(let stream)
      where operation.mnemonic == .vpgatherdd || operation.mnemonic == .vpgatherdq:
        // The offsets, which stand before, index the address.
        operandCount -= 1
        guard case .register(let offsets) = operands[operandCount] else {
          preconditionFailure("a gather without offsets")
        }
        let scale = operation.mnemonic == .vpgatherdd ? 4 : 8
        operands[operandCount] =
          gathered(
            streams(stream.index, stream.vector, &assembler), offsets, scale
          ).operand
      case .memory(let stream):
        operands[operandCount] = memory(of: stream, streams, &assembler).operand
      case .existing: preconditionFailure("only a limit asks for the elements that exist")
      }
      operandCount += 1
    }
    let mask: Masking = operation.mask == nil ? .none : .merging(register(.mask, uses.next()))
    assembler.emit(
      Instruction(
        operation.mnemonic, operands[0], operands[1], operands[2], operands[3], mask: mask))
  }

  private var truthBank: RegisterBank { isWide ? .mask : .vector }

  /// Returns a constant in memory in the form an instruction reads it.
  private func constant(
    _ bits: UInt32, _ mnemonic: Mnemonic, _ assembler: inout Assembler
  ) -> Memory {
    if mnemonic == .vbroadcastss { return .constant(assembler.constant(bits)) }
    if isWide { return Memory.constant(assembler.constant(bits)).broadcast }
    return .constant(assembler.constant(repeating: bits, count: 8))
  }

  private func laneNumbers(_ assembler: inout Assembler) -> Memory {
    var bytes = [UInt8](repeating: 0, count: 4 * width)
    for lane in 0..<width { bytes[4 * lane] = UInt8(truncatingIfNeeded: lane) }
    return .constant(assembler.constant(bytes))
  }

  /// Returns where a stream, or a half of it, lies.
  private func memory(
    of stream: MachineOperation.Stream, _ streams: Streams, _ assembler: inout Assembler
  ) -> Memory {
    let memory = streams(stream.index, stream.vector, &assembler)
    return stream.half == 0 ? memory : memory.moved(by: 4 * width)
  }

  /// Returns the places that are so many elements behind an address.
  private func gathered(_ memory: Memory, _ offsets: Register, _ scale: Int) -> Memory {
    precondition(memory.index == nil, "a gather from \(memory)")
    return Memory(
      base: memory.base, index: offsets, scale: scale, displacement: memory.displacement)
  }

  /// Sets a truth value to that of the elements that exist, and where a mask holds if there is one.
  private func limit(
    _ mask: Register?, to target: Register, isPartial: Bool, _ assembler: inout Assembler
  ) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    switch (mask, isPartial) {
    case (let mask?, true): assembler.emit(isWide ? .kandw : .vpand, target, mask, tail)
    case (let mask?, false): assembler.emit(isWide ? .kmovw : .vmovaps, target, mask)
    case (nil, true): assembler.emit(isWide ? .kmovw : .vmovaps, target, tail)
    case (nil, false): assembler.emit(isWide ? .kxnorw : .vpcmpeqd, target, target, target)
    }
  }

  private func load(
    _ mnemonic: Mnemonic, _ target: Register, _ stream: MachineOperation.Stream,
    _ mask: Register?, _ count: Int, _ streams: Streams, _ assembler: inout Assembler
  ) {
    let memory = memory(of: stream, streams, &assembler)
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if let mask {
      assembler.emit(mnemonic, target, memory, mask: .zeroing(mask))
    } else if stream.isSplat || count == width {
      assembler.emit(mnemonic, target, memory)
    } else if isWide {
      assembler.emit(mnemonic, target, memory, mask: .zeroing(tail))
    } else if mnemonic == .vpmovzxbd {
      // No instruction reads so few bytes at once.
      let bytes: Register = .xmm(Int(target.number))
      assembler.emit(.vpxor, bytes, bytes, bytes)
      for lane in 0..<count {
        assembler.emit(.vpinsrb, bytes, bytes, memory.moved(by: lane), lane)
      }
      assembler.emit(.vpmovzxbd, target, bytes)
    } else {
      assembler.emit(.vmaskmovps, target, tail, memory)
    }
  }

  /// Reports a fault where a truth value holds.
  private func report(
    _ operation: MachineOperation, _ mask: Register, _ streams: Streams,
    _ assembler: inout Assembler
  ) {
    guard case .memory(let cell) = operation.operands[1], let fault = operation.fault else {
      preconditionFailure("a report without a cell")
    }
    let none = assembler.makeLabel()
    let slot = NativeFrame.localBytes + 64 * slotCount
    assembler.emit(operation.mnemonic, mask, mask)
    assembler.emit(.je, none)
    assembler.emit(.mov, .at(.rsp, slot), .rax)
    assembler.emit(.mov, .at(.rsp, slot + 8), .rdx)
    NativeFault.write(fault, cell: streams(cell.index, 0, &assembler), &assembler)
    assembler.emit(.mov, .rax, .at(.rsp, slot))
    assembler.emit(.mov, .rdx, .at(.rsp, slot + 8))
    assembler.bind(none)
  }
}

// MARK: - Stores

extension VectorEmitter {
  /// Stores the first elements of a result of a type; the tail register selects them if they are not all.
  ///
  /// A whole aligned vector of 32-bit elements may be stored past the caches.
  func store(
    _ result: Register, _ type: DataType, to memory: Memory, count: Int,
    isStreamed: Bool = false, _ assembler: inout Assembler
  ) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    let isPartial = count < width
    let mask: Masking = isPartial && isWide ? .merging(tail) : .none
    switch type {
    case .bool where isWide:
      // Ones where the mask is set, narrowed to bytes; no value is ever in the last register.
      let lanes: Register = .zmm(31)
      let ones = assembler.constant(UInt32(1))
      assembler.emit(.vpbroadcastd, lanes, .constant(ones), mask: .zeroing(result))
      assembler.emit(.vpmovdb, memory, lanes, mask: mask)
    case .u8 where isWide:
      assembler.emit(.vpmovdb, memory, result, mask: mask)
    case .bool, .u8: storeBytes(result, type, to: memory, count: count, &assembler)
    case .f32, .i32:
      if count == 1 {
        // What is stored under a mask reaches a load of it only by way of the cache.
        assembler.emit(.vmovss, memory, result.viewed(as: .xmm))
      } else if isPartial && !isWide {
        assembler.emit(.vmaskmovps, memory, tail, result)
      } else if isStreamed && !isPartial {
        assembler.emit(.vmovntps, memory, result)
      } else {
        assembler.emit(.vmovups, memory, result, mask: mask)
      }
    case .i64, .f64: preconditionFailure("a vector of \(type) is not one register")
    }
  }

  /// Stores a half of a vector of 64-bit elements, as far as they exist; no value is ever in the first mask or in the
  /// last register but one.
  private func storeLong(
    _ result: Register, half: Int, to memory: Memory, count: Int, _ assembler: inout Assembler
  ) {
    let (all, tail) = (width / 2, VectorEmitter.tailRegister(isWide: isWide))
    let (memory, existing) = (memory.moved(by: 4 * width * half), count - half * all)
    guard existing > 0 else { return }
    if existing >= all {
      assembler.emit(.vmovups, memory, result)
    } else if !isWide {
      let mask: Register = .ymm(14)
      if half > 0 { assembler.emit(.vextracti128, .xmm(14), tail, 1) }
      assembler.emit(.vpmovsxdq, mask, half > 0 ? .xmm(14) : .xmm(15))
      assembler.emit(.vpmaskmovq, memory, mask, result)
    } else if half == 0 {
      assembler.emit(.vmovdqu64, memory, result, mask: .merging(tail))
    } else {
      assembler.emit(.kmovw, .k(0), tail)
      assembler.emit(.kshiftrw, tail, tail, all)
      assembler.emit(.vmovdqu64, memory, result, mask: .merging(tail))
      assembler.emit(.kmovw, tail, .k(0))
    }
  }

  /// Narrows lanes to bytes, first within each half of the vector; no value is ever in the last register but one.
  private func storeBytes(
    _ result: Register, _ type: DataType, to memory: Memory, count: Int,
    _ assembler: inout Assembler
  ) {
    let (lanes, bytes): (Register, Register) = (.ymm(14), .xmm(14))
    var source = result
    if type == .bool {
      let ones = assembler.constant(repeating: UInt32(1), count: 8)
      assembler.emit(.vpand, lanes, result, .constant(ones))
      source = lanes
    }
    let half: [UInt8] = [0, 4, 8, 12] + [UInt8](repeating: 0x80, count: 12)
    assembler.emit(.vpshufb, lanes, source, .constant(assembler.constant(half + half)))
    assembler.emit(.vpermq, lanes, lanes, 0b1000)
    assembler.emit(.vpshufd, bytes, bytes, 0b1000)
    if count == width { return assembler.emit(.vmovq, memory, bytes) }
    for lane in 0..<count {
      assembler.emit(.vpextrb, memory.moved(by: lane), bytes, lane)
    }
  }
}

extension Memory {
  /// The place some bytes behind this one.
  fileprivate func moved(by byteCount: Int) -> Memory {
    Memory(
      base: base, index: index, scale: Int(scale),
      displacement: displacement + Int32(byteCount))
  }
}

/// The operations of a selection, split into what is done once before a loop along the last axis and what is done for
/// each vector.
///
/// Constants, splats and what follows from them alone do not change along a row. Those that the loop uses most are
/// computed before it, as many as there are registers to spare, and stay where they are.
///
/// A long chain of operations leaves most of a processor idle, which looks only so far ahead for others. Then there
/// also is a body for two vectors at once, whose chains stand side by side.
struct LoopSplit {
  /// What is done before the loop rather than for each vector.
  enum Hoisting {
    case nothing
    /// What no place changes.
    case constants
    /// What a place along the last axis does not change.
    case row
  }

  /// What is done before the loop: first the constants, which hold for all rows.
  private(set) var before: [MachineOperation] = []
  /// How many of those are constants.
  private(set) var constantCount = 0
  /// What is done for each vector.
  ///
  /// Stores come last, when all that is read has been, but for those that may come early.
  private(set) var body = Body()
  /// What is done for two vectors at once, if that is worth it.
  private(set) var pair: Body?
  /// The values that stay in registers during the loop.
  private(set) var kept: [VirtualRegister] = []
  private(set) var banks: [RegisterBank]

  /// Operations for one or more vectors.
  struct Body {
    var operations: [MachineOperation] = []
    /// For each vector the results that are not stored, some of which may be values that stay.
    var results: [[VirtualRegister]] = [[]]
  }

  /// Something that may stay in a register.
  private struct Candidate {
    enum Value {
      case constant(UInt32)
      case register(VirtualRegister)
    }
    var value: Value
    /// What the loop is spared.
    var gain: Int
  }

  /// Splits a selection, whose first results are stored.
  ///
  /// The loop then needs no more registers than pools have, and what is done before it no more than there are lasting
  /// ones. It may be asked for pairs of vectors where all that distinguishes them is where they lie.
  init(
    _ selection: InstructionSelection, stores: Int, early: Set<Int> = [], inPairs: Bool = false,
    pools: [RegisterBank: Int], lasting: [RegisterBank: Int], _ hoisting: Hoisting
  ) {
    banks = selection.banks
    var candidates = LoopSplit.candidates(selection, hoisting)
    var isInterleaved = hoisting != .nothing && early.isEmpty
    var isPaired = inPairs && isInterleaved
    while true {
      let stored = split(selection, stores: stores, candidates.map(\.value))
      let plain = body
      body = ordered(plain, stored, early, isInterleaved: isInterleaved)
      if isPaired, LoopSplit.duration(of: body.operations, count: banks.count) < LoopSplit.longChain
      {
        isPaired = false
      }
      pair = isPaired ? paired(plain, stored) : nil
      var excess = max(
        excess(of: body, pools), excess(of: before, held: [], live: kept, lasting))
      if let pair { excess = max(excess, self.excess(of: pair, pools)) }
      if excess == 0 { break }
      if !candidates.isEmpty {
        candidates.removeLast(min(excess, candidates.count))
      } else if isPaired {
        isPaired = false
        candidates = LoopSplit.candidates(selection, hoisting)
      } else if isInterleaved {
        // Values wait longer in that order, and not in registers any more.
        isInterleaved = false
        candidates = LoopSplit.candidates(selection, hoisting)
      } else {
        break
      }
    }
  }

  /// Returns a split that keeps no values, for where registers did not suffice after all.
  init(unsplit selection: InstructionSelection, stores: Int, early: Set<Int> = []) {
    self.init(
      selection, stores: stores, early: early, pools: [:], lasting: [:], .nothing)
  }
}

// MARK: - What stays the same

extension LoopSplit {
  /// Returns whether each operation gives the same for every vector of a row.
  private static func invariance(
    _ selection: InstructionSelection, _ hoisting: Hoisting
  ) -> [Bool] {
    var isVarying = [Bool](repeating: true, count: selection.banks.count)
    let last = selection.domain.count - 1
    return selection.operations.map { operation in
      guard let result = operation.result, operation.fault == nil,
        operation.uses.allSatisfy({ !isVarying[Int($0)] })
      else { return false }
      for source in operation.operands {
        switch source {
        case .existing, .laneNumbers: return false
        case .memory(let stream):
          guard hoisting == .row else { return false }
          switch selection.streams[stream.index] {
          case .element(_, let access, _) where stream.isSplat && (access.strides.last ?? 0) == 0:
            break
          case .place(let axis) where axis != last: break
          default: return false
          }
        case .register, .half, .constant, .immediate: break
        }
      }
      isVarying[Int(result)] = false
      return true
    }
  }

  /// Returns what may stay in registers, what is used most first.
  private static func candidates(
    _ selection: InstructionSelection, _ hoisting: Hoisting
  ) -> [Candidate] {
    guard hoisting != .nothing else { return [] }
    let isInvariant = invariance(selection, hoisting)
    var constants: [UInt32: Int] = [:]
    var uses = [Int](repeating: 0, count: selection.banks.count)
    for (operation, isInvariant) in zip(selection.operations, isInvariant) where !isInvariant {
      operation.forEachUse { uses[Int($0)] += 1 }
      for case .constant(let bits) in operation.operands { constants[bits, default: 0] += 1 }
    }
    var candidates: [Candidate] = []
    for (operation, isInvariant) in zip(selection.operations, isInvariant) where isInvariant {
      guard let result = operation.result, uses[Int(result)] > 0 else { continue }
      if let bits = operation.broadcastConstant {
        // An instruction of its own, where the others have the constant as an operand.
        constants[bits, default: 0] += 2
      } else {
        candidates.append(Candidate(value: .register(result), gain: 2 + uses[Int(result)]))
      }
    }
    candidates += constants.sorted { $0.key < $1.key }.map {
      Candidate(value: .constant($0.key), gain: $0.value)
    }
    return candidates.enumerated()
      .sorted { ($1.element.gain, $0.offset) < ($0.element.gain, $1.offset) }.map(\.element)
  }
}

// MARK: - Splitting

extension LoopSplit {
  /// Splits off some values, and returns the stores that follow the body.
  private mutating func split(
    _ selection: InstructionSelection, stores: Int, _ values: [Candidate.Value]
  ) -> [MachineOperation] {
    banks = selection.banks
    var constants: [UInt32: VirtualRegister] = [:]
    var isKept = [Bool](repeating: false, count: banks.count)
    before = []
    kept = []
    for value in values {
      switch value {
      case .register(let register):
        isKept[Int(register)] = true
        kept.append(register)
      case .constant(let bits):
        let register = VirtualRegister(banks.count)
        banks.append(.vector)
        constants[bits] = register
        kept.append(register)
        before.append(
          MachineOperation(
            mnemonic: .vbroadcastss, result: register, operands: [.constant(bits)]))
      }
    }
    constantCount = before.count
    // A constant that is kept stands for every copy of it.
    var copies: [VirtualRegister: VirtualRegister] = [:]
    let operations = selection.operations.compactMap { operation -> MachineOperation? in
      if let bits = operation.broadcastConstant, let result = operation.result,
        let constant = constants[bits]
      {
        copies[result] = constant
        return nil
      }
      return operation.replacing(copies, constants)
    }
    let all = selection.results.map { copies[$0] ?? $0 }
    let uppers = selection.upperResults.mapValues { copies[$0] ?? $0 }
    before += LoopSplit.needed(
      operations,
      for: values.compactMap { if case .register(let value) = $0 { value } else { nil } },
      without: [], count: banks.count)
    body = Body(
      operations: LoopSplit.needed(
        operations, for: all + uppers.values, without: isKept, count: banks.count,
        keepsReports: true),
      results: [Array(all[stores...])])
    return all[..<stores].enumerated().flatMap { number, value in
      [value, uppers[number]].compactMap(\.self).enumerated().map { half, value in
        MachineOperation(
          mnemonic: .vmovups, result: nil, operands: [.register(value)],
          store: MachineOperation.Store(number: number, half: half))
      }
    }
  }

  /// Returns the operations that some values follow from, but not what follows from others alone.
  private static func needed(
    _ operations: [MachineOperation], for values: [VirtualRegister], without given: [Bool],
    count: Int, keepsReports: Bool = false
  ) -> [MachineOperation] {
    var isNeeded = [Bool](repeating: false, count: count)
    for value in values { isNeeded[Int(value)] = true }
    for (register, isGiven) in given.enumerated() where isGiven { isNeeded[register] = false }
    var needed: [MachineOperation] = []
    for operation in operations.reversed() {
      let isReport = operation.fault != nil && keepsReports
      guard isReport || operation.result.map({ isNeeded[Int($0)] }) ?? false else { continue }
      needed.append(operation)
      operation.forEachUse { use in
        if !(Int(use) < given.count && given[Int(use)]) { isNeeded[Int(use)] = true }
      }
    }
    return needed.reversed()
  }

  /// How many registers more than there are in pools a body would need.
  private func excess(of body: Body, _ pools: [RegisterBank: Int]) -> Int {
    excess(
      of: body.operations, held: kept, live: body.results.joined() + kept, pools)
  }

  /// How many registers more than there are in pools some operations would need, if some values are held from the
  /// start, and some live after the last.
  private func excess(
    of operations: [MachineOperation], held: [VirtualRegister], live: [VirtualRegister],
    _ pools: [RegisterBank: Int]
  ) -> Int {
    var lastUse = [Int](repeating: -1, count: banks.count)
    for (position, operation) in operations.enumerated() {
      operation.forEachUse { lastUse[Int($0)] = position }
    }
    for value in live { lastUse[Int(value)] = Int.max }
    // How many registers of each bank are taken, and are there; -1 where nobody asks.
    var taken = [Int](repeating: 0, count: RegisterBank.allCases.count)
    let sizes = RegisterBank.allCases.map { pools[$0] ?? -1 }
    for value in held { taken[Int(banks[Int(value)].rawValue)] += 1 }
    var excess = 0
    for (position, operation) in operations.enumerated() {
      operation.forEachUse { use in
        guard lastUse[Int(use)] == position else { return }
        // What is read twice is given back once.
        lastUse[Int(use)] = -1
        taken[Int(banks[Int(use)].rawValue)] -= 1
      }
      guard let result = operation.result else { continue }
      taken[Int(banks[Int(result)].rawValue)] += 1
      for (taken, size) in zip(taken, sizes) where size >= 0 { excess = max(excess, taken - size) }
      if lastUse[Int(result)] < 0 { taken[Int(banks[Int(result)].rawValue)] -= 1 }
    }
    return excess
  }

  /// Returns a body for two vectors, the second with registers of its own for all that one vector defines.
  private mutating func paired(_ plain: Body, _ stores: [MachineOperation]) -> Body {
    var copies: [VirtualRegister: VirtualRegister] = [:]
    for case let result? in plain.operations.map(\.result) {
      copies[result] = VirtualRegister(banks.count)
      banks.append(banks[Int(result)])
    }
    let second = plain.operations.map { $0.forSecondVector(copies) }
    let both = Body(
      operations: plain.operations + second,
      results: plain.results + plain.results.map { $0.map { copies[$0] ?? $0 } })
    return ordered(
      both, stores + stores.map { $0.forSecondVector(copies) }, [], isInterleaved: true)
  }
}

extension MachineOperation {
  /// The constant it puts into every lane, if that is all it does.
  fileprivate var broadcastConstant: UInt32? {
    guard mnemonic == .vbroadcastss, case .constant(let bits) = operands[0] else { return nil }
    return bits
  }

  /// Returns the operation with other registers for some registers, and with registers for some constants.
  fileprivate func replacing(
    _ copies: [VirtualRegister: VirtualRegister], _ constants: [UInt32: VirtualRegister]
  ) -> MachineOperation {
    var copy = self
    copy.operands = operands.map { source in
      switch source {
      case .register(let register): .register(copies[register] ?? register)
      case .half(let register): .half(copies[register] ?? register)
      case .constant(let bits): constants[bits].map { .register($0) } ?? source
      case .laneNumbers, .memory, .immediate, .existing: source
      }
    }
    copy.mask = mask.map { copies[$0] ?? $0 }
    return copy
  }

  /// Returns the operation for the second of two vectors, with other registers for some registers.
  fileprivate func forSecondVector(
    _ copies: [VirtualRegister: VirtualRegister]
  ) -> MachineOperation {
    var copy = replacing(copies, [:])
    copy.result = result.map { copies[$0] ?? $0 }
    copy.store?.vector = 1
    copy.operands = copy.operands.map { source in
      guard case .memory(var stream) = source else { return source }
      stream.vector = 1
      return .memory(stream)
    }
    return copy
  }
}

import DescentGraph

/// Writes the instructions of a vector program for one vector of elements.
struct VectorEmitter {
  let selection: InstructionSelection
  let allocation: RegisterAllocation
  let isWide: Bool

  /// The number that stands for the register of the kernel's core until the code is written.
  static let coreRegister: UInt8 = 255
  /// The mask register, or with AVX2 the vector register, that selects the elements of a partial vector.
  static func tailRegister(isWide: Bool) -> Register { isWide ? .k(1) : .ymm(15) }

  /// Allocates registers from a pool to a selection.
  ///
  /// - Precondition: The checker accepts the allocation.
  init(_ selection: InstructionSelection, vectors: [UInt8]) {
    self.selection = selection
    isWide = selection.isWide
    let steps = selection.operations.map(\.step)
    let pools: [RegisterBank: [UInt8]] = [.vector: vectors, .mask: [2, 3, 4, 5, 6, 7]]
    let fixed = selection.core.map { [$0: VectorEmitter.coreRegister] } ?? [:]
    let live = Set(selection.results)
    allocation = RegisterAllocation(
      steps: steps, banks: selection.banks, pools: pools, fixed: fixed, live: live)
    assert(
      allocation.fault(
        steps: steps, banks: selection.banks, pools: pools, fixed: fixed, live: live) == nil)
  }

  /// The number of elements in a vector.
  var width: Int { isWide ? 16 : 8 }
  /// The bytes of stack that spilled values take.
  var spillBytes: Int { allocation.slotCount * 64 }

  /// Writes the program for one vector.
  ///
  /// - Parameters:
  ///   - assembler: Receives the code.
  ///   - isPartial: Whether only the elements that the tail register selects exist.
  ///   - core: The register that holds what the kernel's core computed.
  ///   - streams: The address of the first element of each stream.
  /// - Returns: The registers of the results.
  func emit(
    to assembler: inout Assembler, isPartial: Bool, core: UInt8 = VectorEmitter.coreRegister,
    streams: (Int) -> Memory
  ) -> [Register] {
    for action in allocation.actions {
      switch action {
      case .operation(let position, let uses, let result):
        emit(
          selection.operations[position], uses: uses.map { $0 == 255 ? core : $0 },
          result: result == 255 ? core : result!, isPartial, streams, &assembler)
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
    return selection.results.map { result in
      guard let outcome = allocation.outcome[result] else {
        preconditionFailure("a result of a program is nowhere")
      }
      return register(selection.banks[Int(result)], outcome == 255 ? core : outcome)
    }
  }

  private func register(_ bank: RegisterBank, _ number: UInt8) -> Register {
    switch bank {
    case .mask: .k(Int(number))
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
    _ operation: MachineOperation, uses: [UInt8], result: UInt8, _ isPartial: Bool,
    _ streams: (Int) -> Memory, _ assembler: inout Assembler
  ) {
    let target = register(selection.banks[Int(operation.result)], result)
    if operation.operands.count == 1, case .memory(let stream) = operation.operands[0] {
      return load(operation.mnemonic, target, stream, isPartial, streams, &assembler)
    }
    var remaining = uses[...]
    var operands: [Operand] = operation.isDestructive ? [] : [target.operand]
    for source in operation.operands {
      switch source {
      case .register(let value):
        operands.append(register(selection.banks[Int(value)], remaining.removeFirst()).operand)
      case .constant(let bits):
        operands.append(constant(bits, operation.mnemonic, &assembler).operand)
      case .immediate(let number): operands.append(.immediate(Int64(number)))
      case .memory: preconditionFailure("a load is an operation of its own")
      }
    }
    let mask: Masking =
      operation.mask == nil ? .none : .merging(register(.mask, remaining.removeFirst()))
    while operands.count < 4 { operands.append(.none) }
    assembler.emit(
      Instruction(
        operation.mnemonic, operands[0], operands[1], operands[2], operands[3], mask: mask))
  }

  /// Returns a constant in memory in the form an instruction reads it.
  private func constant(
    _ bits: UInt32, _ mnemonic: Mnemonic, _ assembler: inout Assembler
  ) -> Memory {
    if mnemonic == .vbroadcastss { return .constant(assembler.constant(bits)) }
    if isWide { return Memory.constant(assembler.constant(bits)).broadcast }
    return .constant(assembler.constant(repeating: bits, count: 8))
  }

  private func load(
    _ mnemonic: Mnemonic, _ target: Register, _ stream: MachineOperation.Stream,
    _ isPartial: Bool, _ streams: (Int) -> Memory, _ assembler: inout Assembler
  ) {
    let memory = streams(stream.index)
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if stream.isSplat || !isPartial {
      assembler.emit(mnemonic, target, memory)
    } else if isWide {
      assembler.emit(mnemonic, target, memory, mask: .zeroing(tail))
    } else {
      assembler.emit(.vmaskmovps, target, tail, memory)
    }
  }

  /// Stores a result of a type, the elements that the tail register selects if it is partial.
  func store(
    _ result: Register, _ type: DataType, to memory: Memory, isPartial: Bool,
    _ assembler: inout Assembler
  ) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    let mask: Masking = isPartial && isWide ? .merging(tail) : .none
    switch type {
    case .bool:
      // Ones where the mask is set, narrowed to bytes; no value is ever in the last register.
      let lanes: Register = .zmm(31)
      let ones = assembler.constant(UInt32(1))
      assembler.emit(.vpbroadcastd, lanes, .constant(ones), mask: .zeroing(result))
      assembler.emit(.vpmovdb, memory, lanes, mask: mask)
    case .u8:
      assembler.emit(.vpmovdb, memory, result, mask: mask)
    case .f32, .i32:
      if isPartial && !isWide {
        assembler.emit(.vmaskmovps, memory, tail, result)
      } else {
        assembler.emit(.vmovups, memory, result, mask: mask)
      }
    case .i64, .f64: preconditionFailure("\(type) is not selected")
    }
  }
}

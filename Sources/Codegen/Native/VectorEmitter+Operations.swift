import DescentGraph

extension VectorEmitter {
  /// Writes one operation of the program for a vector.
  func emit(
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

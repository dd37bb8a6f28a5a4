extension InstructionForm {
  /// Whether an instruction can be encoded in this form.
  func matches(_ instruction: Instruction, _ given: [4 of OperandKinds], needsEVEX: Bool) -> Bool {
    guard operandCount == instruction.operandCount else { return false }
    if needsEVEX && encoding.prefix != .evex { return false }
    for place in 0..<operandCount where kinds[place].isDisjoint(with: given[place]) { return false }
    if instruction.rounding != nil && !takesRounding { return false }
    guard accepts(instruction.mask) else { return false }
    // Of a broadcast the stated size is the vector's, which the kinds do not carry.
    let stated = instruction.memory?.byteCount ?? 0
    return stated == 0 || memoryByteCount == 0 || Int(stated) == memoryByteCount
  }

  private func accepts(_ mask: Masking) -> Bool {
    switch mask {
    case .none: masking != .required
    case .merging: masking != .none
    case .zeroing: masking == .mergingOrZeroing
    }
  }

  /// Whether an operand could mean this form or another one that moves another number of bytes.
  func isAmbiguous(with other: InstructionForm) -> Bool {
    guard operandCount == other.operandCount, memoryByteCount > 0, other.memoryByteCount > 0,
      memoryByteCount != other.memoryByteCount
    else {
      return false
    }
    return (0..<operandCount).allSatisfy { place in
      let mine = kinds[place].shapes, others = other.kinds[place].shapes
      return !mine.isDisjoint(with: others)
    }
  }
}

extension OperandKinds {
  /// The kinds with sizes of memory and widths of immediates forgotten.
  fileprivate var shapes: OperandKinds {
    var shapes = self
    if !isDisjoint(with: .anyPlain) { shapes.formUnion(.anyPlain) }
    if !isDisjoint(with: .anyImmediate) { shapes.formUnion(.anyImmediate) }
    return shapes
  }
}

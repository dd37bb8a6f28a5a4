/// What an instruction asks of a form, found once and held against each.
struct FormRequest {
  let operandCount: Int
  /// What each operand may pass for.
  let kinds: [4 of OperandKinds]
  /// Whether a vector register is named that only EVEX reaches.
  let needsEVEX: Bool
  let mask: Masking
  let hasRounding: Bool
  /// The size of the memory operand, if it states one; else 0.
  let memoryByteCount: Int

  init(_ instruction: Instruction) {
    var kinds = [4 of OperandKinds](repeating: [])
    var (needsEVEX, memoryByteCount) = (false, 0)
    for place in 0..<instruction.operandCount {
      switch instruction.operands[place] {
      case .register(let register):
        kinds[place] = register.kinds
        if register.number > 15 { needsEVEX = true }
      case .memory(let memory):
        kinds[place] = memory.kinds
        if let index = memory.index, index.number > 15 { needsEVEX = true }
        memoryByteCount = Int(memory.byteCount)
      case let operand: kinds[place] = operand.kinds
      }
    }
    operandCount = instruction.operandCount
    self.kinds = kinds
    self.needsEVEX = needsEVEX
    mask = instruction.mask
    hasRounding = instruction.rounding != nil
    self.memoryByteCount = memoryByteCount
  }
}

extension InstructionForm {
  /// Whether an instruction that asks for this can be encoded in this form.
  func matches(_ request: FormRequest) -> Bool {
    guard operandCount == request.operandCount else { return false }
    for place in 0..<operandCount where kinds[place].isDisjoint(with: request.kinds[place]) {
      return false
    }
    if request.needsEVEX && encoding.prefix != .evex { return false }
    if request.hasRounding && !takesRounding { return false }
    guard accepts(request.mask) else { return false }
    // Of a broadcast the stated size is the vector's, which the kinds do not carry.
    let stated = request.memoryByteCount
    return stated == 0 || memoryByteCount == 0 || stated == memoryByteCount
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

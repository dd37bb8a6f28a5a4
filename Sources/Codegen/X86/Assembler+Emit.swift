extension Assembler {
  /// Appends an instruction without operands.
  package mutating func emit(_ mnemonic: Mnemonic) { emit(Instruction(mnemonic)) }

  /// Appends an instruction of one operand.
  package mutating func emit(_ mnemonic: Mnemonic, _ operand: some InstructionOperand) {
    emit(Instruction(mnemonic, operand.operand))
  }

  /// Appends a jump or a call; jumps back take the short form where it reaches.
  package mutating func emit(_ mnemonic: Mnemonic, _ target: Label) {
    let label = mnemonic == .call ? target : reaching(target)
    emit(Instruction(mnemonic, .label(label)))
  }

  /// Appends an instruction of two operands.
  package mutating func emit(
    _ mnemonic: Mnemonic, _ first: some InstructionOperand, _ second: some InstructionOperand,
    mask: Masking = .none, rounding: Rounding? = nil
  ) {
    emit(
      Instruction(mnemonic, first.operand, second.operand, mask: mask, rounding: rounding))
  }

  /// Appends an instruction of three operands.
  package mutating func emit(
    _ mnemonic: Mnemonic, _ first: some InstructionOperand, _ second: some InstructionOperand,
    _ third: some InstructionOperand, mask: Masking = .none, rounding: Rounding? = nil
  ) {
    emit(
      Instruction(
        mnemonic, first.operand, second.operand, third.operand, mask: mask, rounding: rounding))
  }

  /// Appends an instruction of four operands.
  package mutating func emit(
    _ mnemonic: Mnemonic, _ first: some InstructionOperand, _ second: some InstructionOperand,
    _ third: some InstructionOperand, _ fourth: some InstructionOperand, mask: Masking = .none
  ) {
    emit(
      Instruction(
        mnemonic, first.operand, second.operand, third.operand, fourth.operand, mask: mask))
  }
}

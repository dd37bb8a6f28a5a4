/// One instruction: a mnemonic and what it works on; it prints, and it becomes bytes.
package struct Instruction: Sendable {
  package let mnemonic: Mnemonic
  /// The operands, the destination first.
  package let operands: [4 of Operand]
  package let operandCount: Int
  /// Which elements are written (AVX-512).
  package let mask: Masking
  /// A rounding other than the usual one (AVX-512).
  package let rounding: Rounding?

  /// Creates an instruction.
  /// - Precondition: A mask is k1 to k7; k0 means none in the encoding.
  package init(
    _ mnemonic: Mnemonic, _ first: Operand = .none, _ second: Operand = .none,
    _ third: Operand = .none, _ fourth: Operand = .none, mask: Masking = .none,
    rounding: Rounding? = nil
  ) {
    if let register = mask.register {
      precondition(register.kind == .mask && register.number > 0, "\(register) cannot mask")
    }
    self.mnemonic = mnemonic
    self.operands = [first, second, third, fourth]
    self.operandCount =
      first.isNone ? 0 : second.isNone ? 1 : third.isNone ? 2 : fourth.isNone ? 3 : 4
    self.mask = mask
    self.rounding = rounding
  }

  /// The memory operand, if there is one.
  package var memory: Memory? {
    for place in 0..<operandCount {
      if case .memory(let memory) = operands[place] { return memory }
    }
    return nil
  }
}

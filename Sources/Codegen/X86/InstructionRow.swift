/// One line of the instruction table, as the manual prints it.
///
/// Operands are separated by commas, alternatives by slashes:
///
///     r32   r/m32   xmm   k   m64   vm32x   imm8   rel32    as in the manual
///     v  vh  vq       the vector register of the row's length, or that holds a half, a quarter of it
///     mv mvh mvq      memory of those sizes; vm32v and vm32vh likewise
///     b32 b64         one element of memory, repeated (m32bcst, m64bcst)
///     imm8sx imm32sx  immediates that are extended with their sign
///     m               an address alone
///
/// Decorations stand behind: {k} merges under a mask, {k}{z} may also zero, {k!} demands a mask, {er} takes
/// a rounding. A row of several lengths stands for one row of the manual each; EVEX rows of several lengths
/// need AVX-512VL below 512 bits, which the features of the row leave unsaid.
package struct InstructionRow: Sendable {
  package let mnemonic: Mnemonic
  package let operandEncoding: OperandEncoding
  package let operands: String
  package let notation: String
  package let features: CPUFeatures

  /// Creates a row; without features it belongs to every x86-64 processor.
  package init(
    _ mnemonic: Mnemonic, _ operandEncoding: OperandEncoding, _ operands: String,
    _ notation: String, _ features: CPUFeatures = []
  ) {
    self.mnemonic = mnemonic
    self.operandEncoding = operandEncoding
    self.operands = operands
    self.notation = notation
    self.features = features
  }
}

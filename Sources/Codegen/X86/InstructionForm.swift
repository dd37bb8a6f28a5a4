/// One encodable form of an instruction: what its operands may be and how they become bytes.
///
/// The table's rows, read once and made quick to match.
package struct InstructionForm: Sendable {
  /// How a form uses a mask register.
  package enum MaskUse: UInt8, Sendable { case none, merging, mergingOrZeroing, required }

  package let mnemonic: Mnemonic
  package let encoding: Encoding
  package let features: CPUFeatures
  package let operandCount: Int
  /// What each place accepts.
  package let kinds: [4 of OperandKinds]
  package let masking: MaskUse
  package let takesRounding: Bool
  /// The field each operand fills.
  let roles: [4 of OperandRole]
  /// The bytes of the memory operand, of one element for gathers; 0 if there is none or only an address.
  package let memoryByteCount: Int
  /// Whether forms of other memory sizes look the same, so that the operand must state its size.
  package internal(set) var needsMemorySize = false

  /// Creates the form of a row at one vector length, in bits; 0 where the length means nothing.
  init(
    _ row: InstructionRow, _ notation: EncodingNotation, _ places: OperandNotation, length: Int
  ) {
    var encoding = notation.encoding
    if length > 0 { encoding.length = UInt8(length / 256) }
    var kinds = [4 of OperandKinds](repeating: [])
    var roles = [4 of OperandRole](repeating: .fixed)
    for (place, accepted) in places.kinds.enumerated() { kinds[place] = accepted }
    for (place, role) in row.operandEncoding.roles.enumerated() { roles[place] = role }
    self.mnemonic = row.mnemonic
    self.encoding = encoding
    self.features = Self.features(of: row, notation, length: length)
    self.operandCount = places.kinds.count
    self.kinds = kinds
    self.roles = roles
    self.masking = places.masking
    // A rounding takes the place of the length field, which then means 512 bits, or a scalar.
    self.takesRounding = places.takesRounding && (length == 512 || length == 0)
    self.memoryByteCount = Self.memoryByteCount(of: places.kinds, encoding)
  }

  private static func features(
    of row: InstructionRow, _ notation: EncodingNotation, length: Int
  ) -> CPUFeatures {
    let isShortened =
      notation.encoding.prefix == .evex && notation.lengths.count > 1 && length < 512
    return isShortened ? row.features.union(.avx512vl) : row.features
  }

  private static func memoryByteCount(of kinds: [OperandKinds], _ encoding: Encoding) -> Int {
    let all = kinds.reduce(into: OperandKinds()) { $0.formUnion($1) }
    if !all.isDisjoint(with: .anyVectorIndexed) { return encoding.w ? 8 : 4 }
    let plain = all.intersection(.anyPlain)
    return plain.isEmpty ? 0 : 1 << (plain.rawValue.trailingZeroBitCount - 10)
  }
}

extension Assembler {
  /// Puts a number into a 64-bit register in the shortest way that leaves the flags alone.
  package mutating func move(_ value: Int, to register: Register) {
    let isUnsignedWord = value >= 0 && value <= 0xFFFF_FFFF
    // Writing the low half clears the high one.
    emit(.mov, isUnsignedWord ? register.viewed(as: .r32) : register, value)
  }

  /// Returns the constant of one 32-bit number.
  package mutating func constant(_ bits: UInt32) -> Constant { constant(repeating: bits, count: 1) }

  /// Returns the constant of one 64-bit number.
  package mutating func constant(_ bits: UInt64) -> Constant { constant(repeating: bits, count: 1) }

  /// Pads with instructions that do nothing until the offset is a multiple of a power of two.
  package mutating func align(to alignment: Int) {
    precondition(alignment > 0 && alignment & (alignment - 1) == 0, "alignment \(alignment)")
    var missing = -code.offset & (alignment - 1)
    while missing > 0 {
      let byteCount = min(missing, Self.padding.count)
      code.append(contentsOf: Self.padding[byteCount - 1])
      missing -= byteCount
    }
  }

  /// The no-operations of 1 to 9 bytes that processors decode as one instruction.
  private static let padding: [[UInt8]] = [
    [0x90],
    [0x66, 0x90],
    [0x0F, 0x1F, 0x00],
    [0x0F, 0x1F, 0x40, 0x00],
    [0x0F, 0x1F, 0x44, 0x00, 0x00],
    [0x66, 0x0F, 0x1F, 0x44, 0x00, 0x00],
    [0x0F, 0x1F, 0x80, 0x00, 0x00, 0x00, 0x00],
    [0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
    [0x66, 0x0F, 0x1F, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  ]
}

/// The kind and width of a register.
package enum RegisterClass: UInt8, Hashable, Sendable, CaseIterable {
  /// General registers of 8, 16, 32 and 64 bits.
  case r8, r16, r32, r64
  /// Vector registers of 128, 256 and 512 bits.
  case xmm, ymm, zmm
  /// Mask registers.
  case mask

  /// Whether registers of this class hold vectors.
  package var isVector: Bool { self == .xmm || self == .ymm || self == .zmm }

  /// The number of registers: general ones have no more than REX can name, vectors what EVEX can.
  package var registerCount: Int {
    switch self {
    case .r8, .r16, .r32, .r64: 16
    case .xmm, .ymm, .zmm: 32
    case .mask: 8
    }
  }
}

/// A register of the machine, seen at one width.
///
/// `zmm(3)`, `ymm(3)` and `xmm(3)` share their low bits, as do `rax` and `eax`. Byte registers are the
/// low ones throughout: numbers 4 to 7 are spl, bpl, sil and dil, never ah to bh.
package struct Register: Hashable, Sendable {
  /// The kind and width.
  package let kind: RegisterClass
  /// The number in the encoding.
  package let number: UInt8

  /// Creates a register.
  /// - Precondition: The class has a register of that number.
  package init(_ kind: RegisterClass, _ number: Int) {
    precondition(number >= 0 && number < kind.registerCount, "no register \(number) in \(kind)")
    self.kind = kind
    self.number = UInt8(truncatingIfNeeded: number)
  }

  /// The three bits that fit a ModRM or SIB field.
  var lowBits: UInt8 { number & 7 }

  /// The same register seen at another width.
  package func viewed(as kind: RegisterClass) -> Register { Register(kind, Int(number)) }
}

extension Register: CustomStringConvertible {
  private static let quads = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"]
  private static let bytes = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"]

  /// The name in assembly.
  package var description: String {
    switch kind {
    case .xmm: "xmm\(number)"
    case .ymm: "ymm\(number)"
    case .zmm: "zmm\(number)"
    case .mask: "k\(number)"
    case .r64: number < 8 ? Self.quads[Int(number)] : "r\(number)"
    case .r32: number < 8 ? "e" + Self.quads[Int(number)].dropFirst() : "r\(number)d"
    case .r16: number < 8 ? String(Self.quads[Int(number)].dropFirst()) : "r\(number)w"
    case .r8: number < 8 ? Self.bytes[Int(number)] : "r\(number)b"
    }
  }
}

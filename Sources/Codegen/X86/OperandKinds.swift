/// The kinds of operand a place in an instruction form accepts, or that a given operand may pass for.
///
/// Both sides are sets, so that matching is one `and`: the form's `r32 | m32` meets the `m8 … m512` of a
/// memory operand whose size nobody stated.
package struct OperandKinds: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) { self.rawValue = rawValue }

  private static func bit(_ position: UInt64) -> OperandKinds {
    OperandKinds(rawValue: 1 << position)
  }

  // Registers, in the order of `RegisterClass`; CL as a shift count.
  package static let r8 = bit(0)
  package static let r16 = bit(1)
  package static let r32 = bit(2)
  package static let r64 = bit(3)
  package static let xmm = bit(4)
  package static let ymm = bit(5)
  package static let zmm = bit(6)
  package static let mask = bit(7)
  package static let cl = bit(8)

  // Memory of 1 << n bytes; an address alone (`lea`); one element to repeat.
  package static let m8 = bit(10)
  package static let m16 = bit(11)
  package static let m32 = bit(12)
  package static let m64 = bit(13)
  package static let m128 = bit(14)
  package static let m256 = bit(15)
  package static let m512 = bit(16)
  package static let address = bit(17)
  package static let broadcast32 = bit(18)
  package static let broadcast64 = bit(19)

  // Memory addressed by a vector of 32-bit or 64-bit indices.
  package static let vm32x = bit(20)
  package static let vm32y = bit(21)
  package static let vm32z = bit(22)
  package static let vm64x = bit(23)
  package static let vm64y = bit(24)
  package static let vm64z = bit(25)

  // Immediates: as they stand, or extended with their sign to the operation's width.
  package static let imm8 = bit(30)
  package static let imm8sx = bit(31)
  package static let imm16 = bit(32)
  package static let imm32 = bit(33)
  package static let imm32sx = bit(34)
  package static let imm64 = bit(35)

  // Distances in code.
  package static let rel8 = bit(36)
  package static let rel32 = bit(37)

  package static let anyPlain: OperandKinds = [.m8, .m16, .m32, .m64, .m128, .m256, .m512]
  package static let anyBroadcast: OperandKinds = [.broadcast32, .broadcast64]
  package static let anyVectorIndexed: OperandKinds = [
    .vm32x, .vm32y, .vm32z, .vm64x, .vm64y, .vm64z,
  ]
  package static let anyMemory: OperandKinds = [
    .anyPlain, .address, .anyBroadcast, .anyVectorIndexed,
  ]
  package static let anyRegister = OperandKinds(rawValue: 0x1FF)
  package static let anyImmediate: OperandKinds = [
    .imm8, .imm8sx, .imm16, .imm32, .imm32sx, .imm64,
  ]
  package static let anyDistance: OperandKinds = [.rel8, .rel32]

  /// Memory of a size in bytes.
  static func memory(byteCount: Int) -> OperandKinds {
    bit(10 + UInt64(byteCount.trailingZeroBitCount))
  }

  /// The registers of a class.
  static func registers(_ kind: RegisterClass) -> OperandKinds { bit(UInt64(kind.rawValue)) }
}

extension Operand {
  /// What this operand may pass for; a label is a far distance unless the assembler says otherwise.
  var kinds: OperandKinds {
    switch self {
    case .none: []
    case .register(let register): register.kinds
    case .memory(let memory): memory.kinds
    case .immediate(let value): OperandKinds(holding: value)
    case .label(let label): label.isShort ? .rel8 : .rel32
    }
  }
}

extension Register {
  /// The register's class, and CL for what it is to shifts.
  var kinds: OperandKinds {
    kind == .r8 && number == 1 ? [.r8, .cl] : .registers(kind)
  }
}

extension Memory {
  /// What this operand may pass for.
  var kinds: OperandKinds {
    switch index?.kind {
    case .xmm: [.vm32x, .vm64x]
    case .ymm: [.vm32y, .vm64y]
    case .zmm: [.vm32z, .vm64z]
    default:
      if isBroadcast {
        .anyBroadcast
      } else if byteCount == 0 {
        [.anyPlain, .address]
      } else {
        [.memory(byteCount: Int(byteCount)), .address]
      }
    }
  }
}

extension OperandKinds {
  /// Creates the set of immediates that can hold a value.
  init(holding value: Int64) {
    var kinds: OperandKinds = .imm64
    if value >= -0x80 && value <= 0xFF { kinds.insert(.imm8) }
    if value >= -0x80 && value <= 0x7F { kinds.insert(.imm8sx) }
    if value >= -0x8000 && value <= 0xFFFF { kinds.insert(.imm16) }
    if value >= -0x8000_0000 && value <= 0xFFFF_FFFF { kinds.insert(.imm32) }
    if value >= -0x8000_0000 && value <= 0x7FFF_FFFF { kinds.insert(.imm32sx) }
    self = kinds
  }
}

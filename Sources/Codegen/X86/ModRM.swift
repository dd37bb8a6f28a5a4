/// The byte that names two operands, the one after it for an index, and the displacement.
///
///       7   6   5   4   3   2   1   0
///     ┌───────┬───────────┬───────────┐
///     │  mod  │    reg    │    rm     │   ModRM
///     ├───────┼───────────┼───────────┤
///     │ scale │   index   │   base    │   SIB, where rm is 100
///     └───────┴───────────┴───────────┘
///
/// mod: 11 a register; 00 memory without displacement, 01 with one byte, 10 with four. Three exceptions:
/// - rm 100 means a SIB byte, so rsp and r12 as a base need one;
/// - base 101 under mod 00 means no base (in ModRM: relative to rip), so rbp and r13 always carry a displacement;
/// - index 100 means none, so rsp cannot be an index.
struct ModRM {
  let reg: UInt8

  init(reg: UInt8) { self.reg = (reg & 7) << 3 }

  func append(to code: inout CodeBuffer, register: UInt8) {
    code.append(0b11_000_000 | reg | register & 7)
  }

  /// Appends a memory operand; one-byte displacements count in multiples of `unit` (disp8*N, EVEX only).
  func append(to code: inout CodeBuffer, _ memory: Memory, unit: Int32, trailingByteCount: Int) {
    guard let base = memory.baseRegister else {
      code.append(0b00_000_101 | reg)
      code.appendDistance(to: memory, trailingByteCount: trailingByteCount)
      return
    }
    let displacement = Displacement(memory.displacement, base: base, unit: unit)
    let mod = displacement.mod << 6
    if memory.index == nil && base.lowBits != 0b100 {
      code.append(mod | reg | base.lowBits)
    } else {
      code.append(mod | reg | 0b100)
      code.append(Self.sib(memory, base: base))
    }
    displacement.append(to: &code)
  }

  private static func sib(_ memory: Memory, base: Register) -> UInt8 {
    let scale = UInt8(truncatingIfNeeded: memory.scale.trailingZeroBitCount) << 6
    let index = memory.index.map(\.lowBits) ?? 0b100
    return scale | index << 3 | base.lowBits
  }
}

/// The displacement of an address in as few bytes as possible.
private enum Displacement {
  case none
  case byte(Int8)
  case word(Int32)

  init(_ value: Int32, base: Register, unit: Int32) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: unit)
    if value == 0 && base.lowBits != 0b101 {
      self = .none
    } else if remainder == 0, let byte = Int8(exactly: quotient) {
      self = .byte(byte)
    } else {
      self = .word(value)
    }
  }

  var mod: UInt8 {
    switch self {
    case .none: 0b00
    case .byte: 0b01
    case .word: 0b10
    }
  }

  func append(to code: inout CodeBuffer) {
    switch self {
    case .none: break
    case .byte(let value): code.append(UInt8(bitPattern: value))
    case .word(let value): code.append(integer: Int64(value), byteCount: 4)
    }
  }
}

import DescentGraph

/// Writes the instructions by which elements of a reduction meet.
///
/// Elements are 32-bit lanes; a truth value is a lane of zeros or ones.
struct NativeCombination {
  let kind: Reduction.Kind
  let type: DataType
  let isWide: Bool

  /// Whether there are instructions for a kind of reduction of elements of a type.
  static func exists(_ kind: Reduction.Kind, _ type: DataType) -> Bool {
    switch type {
    case .f32, .i32, .u8: !kind.isIndex
    case .bool: kind == .any || kind == .all
    case .i64, .f64: false
    }
  }

  /// The bits of a lane that nothing has met yet.
  private var identity: UInt32 {
    let isFloat = type == .f32
    return switch kind {
    case .sum, .any: 0
    case .all: .max
    case .product: isFloat ? 0x3f80_0000 : 1
    case .max, .argMax: isFloat ? 0xff80_0000 : type == .u8 ? 0 : 0x8000_0000
    case .min, .argMin: isFloat ? 0x7f80_0000 : type == .u8 ? 0xff : 0x7fff_ffff
    }
  }

  private var width: Int { isWide ? 16 : 8 }

  private func vector(_ number: Int) -> Register { isWide ? .zmm(number) : .ymm(number) }

  private func repeated(_ bits: UInt32, _ assembler: inout Assembler) -> Memory {
    isWide
      ? Memory.constant(assembler.constant(bits)).broadcast
      : .constant(assembler.constant(repeating: bits, count: 8))
  }

  /// Sets a register to the identity.
  func writeIdentity(_ register: Register, _ assembler: inout Assembler) {
    if identity == 0 {
      assembler.emit(isWide ? .vpxord : .vpxor, register, register, register)
    } else {
      assembler.emit(.vbroadcastss, register, .constant(assembler.constant(identity)))
    }
  }

  /// Turns the register a program leaves into lanes: truth values are bits of a mask with AVX-512.
  func writeLanes(
    of result: Register, temporary: Int, _ assembler: inout Assembler
  ) -> Register {
    guard result.kind == .mask else { return result }
    let ones = assembler.constant(UInt32.max)
    assembler.emit(
      .vpbroadcastd, vector(temporary), .constant(ones), mask: .zeroing(result))
    return vector(temporary)
  }

  /// Lets an element meet what was gathered; without the tail's other lanes if the vector is partial.
  ///
  /// Overwrites the first two temporaries; the element may be in the first. NaNs may be lost where they are gathered
  /// apart.
  func write(
    into sum: Register, _ element: Register, isPartial: Bool, temporaries: [Int],
    gathersNaNs: Bool = false, _ assembler: inout Assembler
  ) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if isWide {
      let mask: Masking = isPartial ? .merging(tail) : .none
      guard takesSecondOfNaNs, !gathersNaNs else {
        assembler.emit(mnemonic, sum, sum, element, mask: mask)
        if wraps { assembler.emit(.vpandd, sum, sum, repeated(0xff, &assembler)) }
        return
      }
      // Where a NaN was gathered, it stays; else the instruction gives the element if either is NaN.
      let isNumber = NativeCombination.scratchMask
      assembler.emit(.vcmpps, isNumber, sum, sum, 7, mask: mask)
      assembler.emit(mnemonic, sum, sum, element, mask: .merging(isNumber))
      return
    }
    let result = isPartial ? vector(temporaries[0]) : sum
    if takesSecondOfNaNs {
      let isNaN = vector(temporaries[1])
      assembler.emit(.vcmpps, isNaN, sum, sum, 3)
      let met = vector(temporaries[0])
      assembler.emit(mnemonic, met, sum, element)
      assembler.emit(.vblendvps, result, met, sum, isNaN)
    } else {
      assembler.emit(mnemonic, result, sum, element)
      if wraps { assembler.emit(.vpand, result, result, repeated(0xff, &assembler)) }
    }
    if isPartial { assembler.emit(.vblendvps, sum, sum, result, tail) }
  }

  /// The mask that is overwritten where `takesSecondOfNaNs`, with AVX-512.
  static let scratchMask: Register = .k(7)

  /// Whether the instruction gives its second operand where either is NaN.
  var takesSecondOfNaNs: Bool { type == .f32 && (kind == .max || kind == .min) }

  /// Notes in a mask in which lanes the last element of either of two registers was NaN; it is gathered there then.
  func writeNaNs(
    of one: Register, _ other: Register, to mask: Register, _ assembler: inout Assembler
  ) {
    assembler.emit(.vcmpps, NativeCombination.scratchMask, one, other, 3)
    assembler.emit(.korw, mask, mask, NativeCombination.scratchMask)
  }

  /// Makes a result NaN if a mask has any lane.
  func writeNaN(ifAnyOf mask: Register, to result: Register, _ assembler: inout Assembler) {
    let none = assembler.makeLabel()
    assembler.emit(.kortestw, mask, mask)
    assembler.emit(.je, none)
    let nan = assembler.constant(Float.nan.bitPattern)
    assembler.emit(.vbroadcastss, result, .constant(nan))
    assembler.bind(none)
  }

  /// Whether results are cut to a byte.
  private var wraps: Bool { type == .u8 && (kind == .sum || kind == .product) }

  private var mnemonic: Mnemonic {
    let isFloat = type == .f32
    return switch kind {
    case .sum: isFloat ? .vaddps : .vpaddd
    case .product: isFloat ? .vmulps : .vpmulld
    case .max, .argMax: isFloat ? .vmaxps : .vpmaxsd
    case .min, .argMin: isFloat ? .vminps : .vpminsd
    case .any: isWide ? .vpord : .vpor
    case .all: isWide ? .vpandd : .vpand
    }
  }

  /// Combines the first lanes of a register as a tree; the result is in the lowest.
  func writeTree(
    lanes: Int, of register: Register, temporaries: [Int], gathersNaNs: Bool,
    _ assembler: inout Assembler
  ) {
    let upper = vector(temporaries[2])
    var half = lanes / 2
    while half > 0 {
      switch half {
      case 8: assembler.emit(.vextractf64x4, upper.viewed(as: .ymm), register, 1)
      case 4:
        assembler.emit(
          isWide ? .vextractf32x4 : .vextractf128, upper.viewed(as: .xmm), register, 1)
      case 2: assembler.emit(.vpermilps, upper, register, 0b1110)
      default: assembler.emit(.vpermilps, upper, register, 0b01)
      }
      write(
        into: register, upper, isPartial: false, temporaries: temporaries,
        gathersNaNs: gathersNaNs, &assembler)
      half /= 2
    }
  }

  /// Stores the lowest lane; uses `rax` for bytes.
  func writeStore(_ register: Register, to memory: Memory, _ assembler: inout Assembler) {
    let lane = register.viewed(as: .xmm)
    guard type == .u8 || type == .bool else {
      assembler.emit(.vmovss, memory, lane)
      return
    }
    assembler.emit(.vmovd, .eax, lane)
    if type == .bool { assembler.emit(.and, .eax, 1) }
    assembler.emit(.mov, memory, Register(.r8, 0))
  }
}

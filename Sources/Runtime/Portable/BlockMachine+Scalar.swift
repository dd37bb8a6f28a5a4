import DescentCodegen
import DescentGraph

// The scalar operations over blocks. The loops are plain, so that the compiler turns them into the baseline's
// vector instructions; what they compute is what `ScalarOp` documents, to the bit.

extension BlockMachine {
  func scalar(_ step: PortableCode.Instruction, _ count: Int) {
    switch step.op {
    case .constant: fill(step, count)
    case .convert: convert(step, count)
    case .bitcast: move(step.a, step.target, step.type, count)
    case .select: select(step, count)
    default:
      switch step.type {
      case .f32: float(step, count)
      case .i32: integer(step, Int32.self, count) { $0 }
      case .i64: integer(step, Int64.self, count) { $0 }
      case .u8: integer(step, Int32.self, count) { $0 & 0xff }
      case .bool: truth(step, count)
      case .f64: preconditionFailure("f64 is not compiled")
      }
    }
  }

  private func fill(_ step: PortableCode.Instruction, _ count: Int) {
    switch step.type {
    case .i64, .f64:
      let target = slot(step.target, as: UInt64.self)
      for lane in 0..<count { target[lane] = step.immediate }
    case .bool:
      let target = slot(step.target, as: Int32.self)
      let value: Int32 = step.immediate == 0 ? 0 : -1
      for lane in 0..<count { target[lane] = value }
    case .f32, .i32, .u8:
      let target = slot(step.target, as: UInt32.self)
      let value = UInt32(truncatingIfNeeded: step.immediate)
      for lane in 0..<count { target[lane] = value }
    }
  }

  private func move(_ from: Int32, _ to: Int32, _ type: DataType, _ count: Int) {
    let width = type == .i64 || type == .f64 ? 8 : 4
    let (source, target) = (slot(from, as: UInt8.self), slot(to, as: UInt8.self))
    if source != target { target.update(from: source, count: width * count) }
  }

  private func select(_ step: PortableCode.Instruction, _ count: Int) {
    let mask = slot(step.a, as: Int32.self)
    if step.type == .i64 {
      choose(mask, slot(step.b, as: Int64.self), slot(step.c), slot(step.target), count)
    } else {
      choose(mask, slot(step.b, as: Int32.self), slot(step.c), slot(step.target), count)
    }
  }

  @inline(__always)
  private func choose<T>(
    _ mask: UnsafeMutablePointer<Int32>, _ yes: UnsafeMutablePointer<T>,
    _ no: UnsafeMutablePointer<T>, _ target: UnsafeMutablePointer<T>, _ count: Int
  ) {
    for lane in 0..<count { target[lane] = mask[lane] != 0 ? yes[lane] : no[lane] }
  }
}

// MARK: - Loops

extension BlockMachine {
  @inline(__always)
  private func unary<T, R>(
    _ step: PortableCode.Instruction, _ count: Int, _ function: (T) -> R
  ) {
    let (a, target) = (slot(step.a, as: T.self), slot(step.target, as: R.self))
    for lane in 0..<count { target[lane] = function(a[lane]) }
  }

  @inline(__always)
  private func binary<T, R>(
    _ step: PortableCode.Instruction, _ count: Int, _ function: (T, T) -> R
  ) {
    let (a, b) = (slot(step.a, as: T.self), slot(step.b, as: T.self))
    let target = slot(step.target, as: R.self)
    for lane in 0..<count { target[lane] = function(a[lane], b[lane]) }
  }

  @inline(__always)
  private func relation<T>(
    _ step: PortableCode.Instruction, _ count: Int, _ type: T.Type, _ holds: (T, T) -> Bool
  ) {
    binary(step, count) { (x: T, y: T) -> Int32 in holds(x, y) ? -1 : 0 }
  }
}

// MARK: - Types

extension BlockMachine {
  private func float(_ step: PortableCode.Instruction, _ count: Int) {
    switch step.op {
    case .add: binary(step, count) { (x: Float, y: Float) in x + y }
    case .sub: binary(step, count) { (x: Float, y: Float) in x - y }
    case .mul: binary(step, count) { (x: Float, y: Float) in x * y }
    case .div: binary(step, count) { (x: Float, y: Float) in x / y }
    case .fma: fusedMultiplyAdd(step, count)
    case .scale: binary(step, count) { (x: Float, y: Float) in scaled(x, y) }
    case .neg: unary(step, count) { (x: UInt32) in x ^ 0x8000_0000 }
    case .abs: unary(step, count) { (x: UInt32) in x & 0x7fff_ffff }
    case .sqrt: unary(step, count) { (x: Float) in x.squareRoot() }
    case .floor: unary(step, count) { (x: Float) in x.rounded(.down) }
    case .ceil: unary(step, count) { (x: Float) in x.rounded(.up) }
    case .round: unary(step, count) { (x: Float) in x.rounded(.toNearestOrEven) }
    case .truncate: unary(step, count) { (x: Float) in x.rounded(.towardZero) }
    case .minimum:
      binary(step, count) { (x: Float, y: Float) in x.isNaN ? x : (x < y ? x : y) }
    case .maximum:
      binary(step, count) { (x: Float, y: Float) in x.isNaN ? x : (x > y ? x : y) }
    case .equal: relation(step, count, Float.self) { $0 == $1 }
    case .notEqual: relation(step, count, Float.self) { $0 != $1 }
    case .less: relation(step, count, Float.self) { $0 < $1 }
    case .lessEqual: relation(step, count, Float.self) { $0 <= $1 }
    case .and, .or, .xor, .not, .shiftLeft, .shiftRight, .shiftRightLogical, .constant, .select,
      .convert, .bitcast:
      preconditionFailure("\(step.op) is not an operation on f32")
    }
  }

  /// x·y + z rounded once, on a baseline without the instruction.
  ///
  /// The product of two floats is exact in double precision. Rounding the sum to double and then to float is right
  /// unless the double lies exactly between two floats, or the float is subnormal or overflows; those lanes are
  /// rare and are computed again by the library.
  private func fusedMultiplyAdd(_ step: PortableCode.Instruction, _ count: Int) {
    let (a, b) = (slot(step.a, as: Float.self), slot(step.b, as: Float.self))
    let (c, target) = (slot(step.c, as: Float.self), slot(step.target, as: Float.self))
    #if arch(arm64)
      for lane in 0..<count { target[lane] = c[lane].addingProduct(a[lane], b[lane]) }
    #else
      for lane in 0..<count {
        let (x, y, z) = (a[lane], b[lane], c[lane])
        let sum = Double(x) * Double(y) + Double(z)
        target[lane] =
          ExactRounding.isSafe(sum) ? Float(sum) : z.addingProduct(x, y)
      }
    #endif
  }

  /// x · 2ʸ as two products: 2ʸ may not be a number while x · 2ʸ is.
  ///
  /// The sum leaves y + 254 in the low bits, and halves of that are exponents.
  @inline(__always)
  private func scaled(_ x: Float, _ y: Float) -> Float {
    let steps = (y + ScalarOp.scaleShifter).bitPattern
    let half = steps &>> 1
    return x * Float(bitPattern: half &<< 23) * Float(bitPattern: (steps &- half) &<< 23)
  }

  @inline(__always)
  private func integer<T: FixedWidthInteger & SignedInteger>(
    _ step: PortableCode.Instruction, _ type: T.Type, _ count: Int, _ wrap: (T) -> T
  ) {
    switch step.op {
    case .add: binary(step, count) { (x: T, y: T) in wrap(x &+ y) }
    case .sub: binary(step, count) { (x: T, y: T) in wrap(x &- y) }
    case .mul: binary(step, count) { (x: T, y: T) in wrap(x &* y) }
    case .div: binary(step, count) { (x: T, y: T) in quotient(x, y) }
    case .neg: unary(step, count) { (x: T) in wrap(0 &- x) }
    case .abs: unary(step, count) { (x: T) in x < 0 ? 0 &- x : x }
    case .minimum: binary(step, count) { (x: T, y: T) in x < y ? x : y }
    case .maximum: binary(step, count) { (x: T, y: T) in x > y ? x : y }
    case .equal: relation(step, count, T.self) { $0 == $1 }
    case .notEqual: relation(step, count, T.self) { $0 != $1 }
    case .less: relation(step, count, T.self) { $0 < $1 }
    case .lessEqual: relation(step, count, T.self) { $0 <= $1 }
    case .and: binary(step, count) { (x: T, y: T) in x & y }
    case .or: binary(step, count) { (x: T, y: T) in x | y }
    case .xor: binary(step, count) { (x: T, y: T) in x ^ y }
    case .not: unary(step, count) { (x: T) in wrap(~x) }
    case .shiftLeft: binary(step, count) { (x: T, y: T) in wrap(x &<< y) }
    case .shiftRight: binary(step, count) { (x: T, y: T) in x &>> y }
    case .shiftRightLogical:
      binary(step, count) { (x: T, y: T) in
        T(
          truncatingIfNeeded: T.Magnitude(truncatingIfNeeded: x)
            &>> T.Magnitude(truncatingIfNeeded: y))
      }
    case .fma, .scale, .sqrt, .floor, .ceil, .round, .truncate, .constant, .select, .convert,
      .bitcast:
      preconditionFailure("\(step.op) is not an operation on \(step.type)")
    }
  }

  @inline(__always)
  private func quotient<T: FixedWidthInteger & SignedInteger>(_ x: T, _ y: T) -> T {
    y == 0 ? 0 : x.dividedReportingOverflow(by: y).partialValue
  }

  private func truth(_ step: PortableCode.Instruction, _ count: Int) {
    switch step.op {
    case .and: binary(step, count) { (x: Int32, y: Int32) in x & y }
    case .or: binary(step, count) { (x: Int32, y: Int32) in x | y }
    case .xor, .notEqual: binary(step, count) { (x: Int32, y: Int32) in x ^ y }
    case .equal: binary(step, count) { (x: Int32, y: Int32) in ~(x ^ y) }
    case .not: unary(step, count) { (x: Int32) in ~x }
    // A true lane is −1, so that the order of lanes is that of truth values turned round.
    case .less: relation(step, count, Int32.self) { $0 > $1 }
    case .lessEqual: relation(step, count, Int32.self) { $0 >= $1 }
    case .minimum: binary(step, count) { (x: Int32, y: Int32) in x & y }
    case .maximum: binary(step, count) { (x: Int32, y: Int32) in x | y }
    default: preconditionFailure("\(step.op) is not an operation on bool")
    }
  }
}

// MARK: - Conversion

extension BlockMachine {
  private func convert(_ step: PortableCode.Instruction, _ count: Int) {
    switch step.type {
    case .f32:
      switch step.result {
      case .f32: move(step.a, step.target, .f32, count)
      case .i32: unary(step, count) { (x: Float) in Int32(saturating: x) }
      case .i64: unary(step, count) { (x: Float) in Int64(saturating: x) }
      case .u8: unary(step, count) { (x: Float) in Int32(UInt8(saturating: x)) }
      case .bool: unary(step, count) { (x: Float) -> Int32 in x != 0 ? -1 : 0 }
      case .f64: preconditionFailure("f64 is not compiled")
      }
    case .i32, .u8: convertInteger(step, Int32.self, count)
    case .i64: convertInteger(step, Int64.self, count)
    case .bool:
      switch step.result {
      case .bool: move(step.a, step.target, .bool, count)
      case .f32: unary(step, count) { (x: Int32) -> Float in x != 0 ? 1 : 0 }
      case .i64: unary(step, count) { (x: Int32) -> Int64 in x != 0 ? 1 : 0 }
      case .i32, .u8: unary(step, count) { (x: Int32) -> Int32 in x & 1 }
      case .f64: preconditionFailure("f64 is not compiled")
      }
    case .f64: preconditionFailure("f64 is not compiled")
    }
  }

  @inline(__always)
  private func convertInteger<T: FixedWidthInteger>(
    _ step: PortableCode.Instruction, _ type: T.Type, _ count: Int
  ) {
    switch step.result {
    case .f32: unary(step, count) { (x: T) in Float(x) }
    case .i32: unary(step, count) { (x: T) in Int32(truncatingIfNeeded: x) }
    case .i64: unary(step, count) { (x: T) in Int64(truncatingIfNeeded: x) }
    case .u8: unary(step, count) { (x: T) in Int32(truncatingIfNeeded: x) & 0xff }
    case .bool: unary(step, count) { (x: T) -> Int32 in x != 0 ? -1 : 0 }
    case .f64: preconditionFailure("f64 is not compiled")
    }
  }
}

extension FixedWidthInteger {
  /// Creates the nearest integer toward zero; the nearest bound beyond the range, and 0 for NaN.
  @inline(__always)
  fileprivate init(saturating value: Float) {
    if value.isNaN {
      self = 0
    } else if value >= Float(Self.max) {
      self = .max
    } else if value <= Float(Self.min) {
      self = .min
    } else {
      self = Self(value)
    }
  }
}

/// When a sum in double precision may be rounded to float a second time.
enum ExactRounding {
  /// Whether rounding a double to float gives what rounding the exact sum would have given.
  @inline(__always)
  static func isSafe(_ sum: Double) -> Bool {
    let bits = sum.bitPattern
    let isTie = bits & 0x1fff_ffff == 0x1000_0000
    let exponent = Int(truncatingIfNeeded: bits >> 52 & 0x7ff)
    // From the least normal float to the last double that rounds to a finite one, and zero.
    return !isTie && (exponent &- 897 < 253 && exponent >= 897 || bits << 1 == 0)
  }
}

// What the scalar operations mean, on the bits of single elements.

extension ScalarProgram {
  /// Returns the bits of the result for the bits of the arguments.
  ///
  /// - Precondition: There is one argument for each parameter.
  package func evaluate(_ arguments: [UInt64]) -> UInt64 {
    evaluate(columns: arguments.map { [$0] }, count: 1)[0]
  }

  /// Returns the bits of the result for every element of the arguments.
  ///
  /// - Precondition: There is one column for each parameter, and each holds `count` elements.
  package func evaluate(columns: [[UInt64]], count: Int) -> [UInt64] {
    precondition(columns.count == parameters.count, "a program of \(parameters) needs as many")
    if Int(result) < columns.count { return columns[Int(result)] }
    var registers = [UInt64](repeating: 0, count: parameters.count + instructions.count)
    var results = [UInt64](repeating: 0, count: count)
    for element in 0..<count {
      for (parameter, column) in columns.enumerated() { registers[parameter] = column[element] }
      var next = parameters.count
      for step in instructions {
        registers[next] = step.evaluate(
          step.a < 0 ? 0 : registers[Int(step.a)], step.b < 0 ? 0 : registers[Int(step.b)],
          step.c < 0 ? 0 : registers[Int(step.c)])
        next += 1
      }
      results[element] = registers[Int(result)]
    }
    return results
  }
}

extension ScalarInstruction {
  /// Returns the bits of the result for the bits of the operands; unused operands are ignored.
  package func evaluate(_ a: UInt64, _ b: UInt64 = 0, _ c: UInt64 = 0) -> UInt64 {
    switch op {
    case .constant: return immediate
    case .bitcast: return a
    case .select: return a != 0 ? b : c
    case .convert: return converted(a)
    default: break
    }
    switch type {
    case .f32 where op == .scale: return scaled(Float(bits: a), Float(bits: b)).bits
    case .f32: return real(Float(bits: a), Float(bits: b), Float(bits: c))
    case .f64: return real(Double(bits: a), Double(bits: b), Double(bits: c))
    case .i32: return integer(Int32(bits: a), Int32(bits: b))
    case .i64: return integer(Int64(bits: a), Int64(bits: b))
    case .u8: return integer(UInt8(bits: a), UInt8(bits: b))
    case .bool: return op == .not ? a ^ 1 : integer(UInt8(bits: a), UInt8(bits: b))
    }
  }

  private func real<T: FloatingPoint & BitsConvertible>(_ x: T, _ y: T, _ z: T) -> UInt64 {
    switch op {
    case .add: return (x + y).bits
    case .sub: return (x - y).bits
    case .mul: return (x * y).bits
    case .div: return (x / y).bits
    case .fma: return z.addingProduct(x, y).bits
    case .neg: return (-x).bits
    case .abs: return x.magnitude.bits
    case .sqrt: return x.squareRoot().bits
    case .floor: return x.rounded(.down).bits
    case .ceil: return x.rounded(.up).bits
    case .round: return x.rounded(.toNearestOrEven).bits
    case .truncate: return x.rounded(.towardZero).bits
    case .minimum: return x.isNaN ? x.bits : y.isNaN ? y.bits : (x < y ? x : y).bits
    case .maximum: return x.isNaN ? x.bits : y.isNaN ? y.bits : (x > y ? x : y).bits
    case .equal: return x == y ? 1 : 0
    case .notEqual: return x != y ? 1 : 0
    case .less: return x < y ? 1 : 0
    case .lessEqual: return x <= y ? 1 : 0
    default: preconditionFailure("\(op) is not defined for \(type)")
    }
  }

  private func scaled(_ x: Float, _ y: Float) -> Float {
    guard !x.isNaN, !y.isNaN else { return .nan }
    assert(x == 0 || (0x1p-20...0x1p20).contains(x.magnitude), "scaling \(x)")
    assert(y.magnitude <= 252 && y == y.rounded(), "scaling by 2 to the \(y)")
    // Double precision has room for every product.
    return Float(Double(x) * Double(sign: .plus, exponent: Int(y), significand: 1))
  }

  private func integer<T: FixedWidthInteger & BitsConvertible>(_ x: T, _ y: T) -> UInt64 {
    switch op {
    case .add: return (x &+ y).bits
    case .sub: return (x &- y).bits
    case .mul: return (x &* y).bits
    case .div: return y == 0 ? 0 : x.dividedReportingOverflow(by: y).partialValue.bits
    case .neg: return (0 &- x).bits
    case .abs: return (x < 0 ? 0 &- x : x).bits
    case .minimum: return (x < y ? x : y).bits
    case .maximum: return (x > y ? x : y).bits
    case .equal: return x == y ? 1 : 0
    case .notEqual: return x != y ? 1 : 0
    case .less: return x < y ? 1 : 0
    case .lessEqual: return x <= y ? 1 : 0
    case .and: return (x & y).bits
    case .or: return (x | y).bits
    case .xor: return (x ^ y).bits
    case .not: return (~x).bits
    case .shiftLeft: return (x &<< y).bits
    case .shiftRight: return (x &>> y).bits
    case .shiftRightLogical:
      return T(
        truncatingIfNeeded: T.Magnitude(truncatingIfNeeded: x)
          &>> T.Magnitude(truncatingIfNeeded: y)
      ).bits
    default: preconditionFailure("\(op) is not defined for \(type)")
    }
  }

  /// Returns a value of one type as the nearest of another.
  ///
  /// Every real number passes through `Double` and every integer through `Int64` without loss.
  private func converted(_ a: UInt64) -> UInt64 {
    switch type {
    case .f32: return converted(Double(Float(bits: a)))
    case .f64: return converted(Double(bits: a))
    case .i32: return converted(Int64(Int32(bits: a)))
    case .i64: return converted(Int64(bits: a))
    case .u8, .bool: return converted(Int64(UInt8(bits: a)))
    }
  }

  private func converted(_ x: Double) -> UInt64 {
    switch result {
    case .f32: return Float(x).bits
    case .f64: return x.bits
    case .i32: return saturated(x, Int32.self).bits
    case .i64: return saturated(x, Int64.self).bits
    case .u8: return saturated(x, UInt8.self).bits
    case .bool: return x != 0 ? 1 : 0
    }
  }

  private func saturated<T: FixedWidthInteger>(_ x: Double, _: T.Type) -> T {
    if x.isNaN { return 0 }
    return T(exactly: x.rounded(.towardZero)) ?? (x < 0 ? T.min : T.max)
  }

  private func converted(_ x: Int64) -> UInt64 {
    switch result {
    case .f32: return Float(x).bits
    case .f64: return Double(x).bits
    case .i32: return Int32(truncatingIfNeeded: x).bits
    case .i64: return x.bits
    case .u8: return UInt8(truncatingIfNeeded: x).bits
    case .bool: return x != 0 ? 1 : 0
    }
  }
}

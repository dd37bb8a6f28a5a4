// THE expansion table: what each elementwise function means, written in operations that IEEE 754 and two's
// complement fix to the bit. The interpreter runs these programs and kernels are made of them.

extension Elementwise {
  /// Whether operands of a type have a program; transcendental functions of `f64` have none.
  package func isExpanded(for dataType: DataType) -> Bool {
    guard dataType == .f64 else { return true }
    switch self {
    case .unary(let function): return function.expansion == nil
    case .binary(let function): return function != .pow
    case .compare, .select, .cast, .philox: return true
    }
  }

  /// Returns the program of a node, with one parameter for each operand.
  ///
  /// The types are the element types of the node's operands, in order.
  ///
  /// - Precondition: The types fit the operation, and `isExpanded(for:)` holds for the first.
  package func program(for operandTypes: [DataType]) -> ScalarProgram {
    switch self {
    case .unary(let function):
      if let expansion = function.expansion {
        precondition(operandTypes == [.f32], "\(name) has no program for \(operandTypes)")
        return expansion
      }
      return ScalarBuilder.program(operandTypes) { function.direct($0[0]) }
    case .binary(.pow):
      precondition(operandTypes == [.f32, .f32], "pow has no program for \(operandTypes)")
      return Expansions.pow
    case .binary(let function):
      return ScalarBuilder.program(operandTypes) { function.direct($0[0], $0[1]) }
    case .compare(let relation):
      return ScalarBuilder.program(operandTypes) { relation.direct($0[0], $0[1]) }
    case .select:
      return ScalarBuilder.program(operandTypes) { $0[0].select($0[1], $0[2]) }
    case .cast(let dataType):
      return ScalarBuilder.program(operandTypes) { x in
        x[0].type == dataType ? x[0] : x[0].apply(.convert, to: dataType)
      }
    case .philox(let word): return Expansions.philox[word]
    }
  }
}

/// The longer programs, each written once; all are functions of `f32`.
enum Expansions {
  static let exp = unary { exponential($0) }
  static let tanh = unary(hyperbolicTangent)
  static let sigmoid = unary(logistic)
  static let log = unary(naturalLogarithm)

  private static func unary(_ body: (ScalarValue) -> ScalarValue) -> ScalarProgram {
    ScalarBuilder.program([.f32]) { body($0[0]) }
  }
}

extension UnaryFunction {
  /// The program of a function that no single operation gives, for `f32`.
  fileprivate var expansion: ScalarProgram? {
    switch self {
    case .exp: Expansions.exp
    case .log: Expansions.log
    case .sin: Expansions.sin
    case .cos: Expansions.cos
    case .atan: Expansions.atan
    case .tanh: Expansions.tanh
    case .sigmoid: Expansions.sigmoid
    case .erf: Expansions.erf
    case .neg, .abs, .sign, .sqrt, .floor, .ceil, .round, .relu, .not, .stopGradient: nil
    }
  }

  /// Writes a function that few operations give, for every type it is defined for.
  ///
  /// - Precondition: The function has no `expansion`.
  fileprivate func direct(_ x: ScalarValue) -> ScalarValue {
    switch self {
    case .neg: -x
    case .abs: x.type == .u8 ? x : x.apply(.abs)
    case .sign: Expansions.sign(x)
    case .sqrt: x.apply(.sqrt)
    case .floor: x.apply(.floor)
    case .ceil: x.apply(.ceil)
    case .round: x.apply(.round)
    case .relu: (x <= 0).select(x.constant(0), x)
    case .not: x.apply(.not)
    case .stopGradient: x
    case .exp, .log, .sin, .cos, .atan, .tanh, .sigmoid, .erf:
      preconditionFailure("\(rawValue) is an expansion")
    }
  }
}

extension BinaryFunction {
  fileprivate func direct(_ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
    switch self {
    case .add: x + y
    case .sub: x - y
    case .mul: x * y
    case .div: x / y
    case .minimum: x.apply(.minimum, y)
    case .maximum: x.apply(.maximum, y)
    case .remainder: Expansions.remainder(x, y)
    case .and: x & y
    case .or: x | y
    case .xor: x ^ y
    case .pow: preconditionFailure("pow is an expansion")
    }
  }
}

extension Comparison {
  fileprivate func direct(_ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
    switch self {
    case .equal: x == y
    case .notEqual: x.apply(.notEqual, y, to: .bool)
    case .less: x < y
    case .lessEqual: x <= y
    case .greater: y < x
    case .greaterEqual: y <= x
    }
  }
}

extension Expansions {
  /// −1 or 1 where x is below or above 0, else x itself, which may be NaN.
  static func sign(_ x: ScalarValue) -> ScalarValue {
    let zero = x.constant(0)
    let positive = (zero < x).select(x.constant(1), x)
    return x.type == .u8 ? positive : (x < zero).select(x.constant(-1), positive)
  }

  /// x − y·⌊x / y⌋.
  static func remainder(_ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
    if x.type.isFloat { return (-(x / y).apply(.floor)).fma(y, x) }
    // The quotient is cut toward zero, so a rest whose sign differs from that of y needs one y more.
    let zero = x.constant(0)
    let rest = x - (x / y) * y
    let defined = (y == zero).select(zero, rest)
    if x.type == .u8 { return defined }
    let differs = ((rest ^ y) < zero) & (rest.apply(.notEqual, zero, to: .bool))
    return (y == zero).select(zero, differs.select(rest + y, rest))
  }
}

import DescentGraph

// With g the cotangent and r the result. Where a derivative does not exist the rule says what stands in:
// a tie is split evenly, a kink has the value that its formula gives.

extension Elementwise: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch self {
    case .unary(let function): return function.gradient
    case .binary(let function): return position == 0 ? function.gradientOfX : function.gradientOfY
    case .compare: return .none(because: "its result is a truth value")
    case .select:
      switch position {
      case 0: return .none(because: "its condition is a truth value")
      case 1: return .rule { $0.masked($0.operands[0], $0.cotangent) }
      default: return .rule { $0.masked(not: $0.operands[0], $0.cotangent) }
      }
    case .cast(let dataType):
      guard dataType.isFloat else { return .none(because: "its result is \(dataType)") }
      return .rule { $0.cotangent.cast(to: $0.x.dataType) }
    case .philox: return .none(because: "its result is a random word")
    }
  }
}

extension UnaryFunction {
  /// The rule for the only operand.
  fileprivate var gradient: GradientRule {
    switch self {
    case .neg: .rule { -$0.cotangent }
    case .abs: .rule { $0.cotangent * DescentGraph.sign($0.x) }
    case .sqrt: .rule { $0.cotangent * 0.5 / $0.result }
    case .exp: .rule { $0.cotangent * $0.result }
    case .log: .rule { $0.cotangent / $0.x }
    case .sin: .rule { $0.cotangent * DescentGraph.cos($0.x) }
    case .cos: .rule { -($0.cotangent * DescentGraph.sin($0.x)) }
    case .atan: .rule { $0.cotangent / (1.0 + $0.x * $0.x) }
    case .tanh: .rule { $0.cotangent * (1.0 - $0.result * $0.result) }
    case .sigmoid: .rule { $0.cotangent * ($0.result * (1.0 - $0.result)) }
    // 2/√π · exp(−x²)
    case .erf:
      .rule { $0.cotangent * (1.1283791670955126 * DescentGraph.exp(-($0.x * $0.x))) }
    case .relu: .rule { $0.masked($0.result .> 0.0, $0.cotangent) }
    case .sign, .floor, .ceil, .round:
      .none(because: "its derivative is 0 wherever it has one")
    case .not: .none(because: "its operand is bits, not a real number")
    case .stopGradient: .none(because: "it was asked to stop it")
    }
  }
}

extension BinaryFunction {
  /// The rule for the first operand.
  fileprivate var gradientOfX: GradientRule {
    switch self {
    case .add, .sub, .remainder: .rule { $0.cotangent }
    case .mul: .rule { $0.cotangent * $0.y }
    case .div: .rule { $0.cotangent / $0.y }
    case .pow: .rule { $0.cotangent * powerDerivative($0.x, $0.y) }
    case .minimum: .rule { splitTies($0, $0.x .< $0.y) }
    case .maximum: .rule { splitTies($0, $0.x .> $0.y) }
    case .and, .or, .xor: .none(because: "its operands are bits, not real numbers")
    }
  }

  /// The rule for the second operand.
  fileprivate var gradientOfY: GradientRule {
    switch self {
    case .add: .rule { $0.cotangent }
    case .sub: .rule { -$0.cotangent }
    case .mul: .rule { $0.cotangent * $0.x }
    case .div: .rule { -($0.cotangent * ($0.result / $0.y)) }
    case .pow: .rule(gradientOfExponent)
    case .minimum: .rule { splitTies($0, $0.y .< $0.x) }
    case .maximum: .rule { splitTies($0, $0.y .> $0.x) }
    case .remainder: .rule { -($0.cotangent * DescentGraph.floor($0.x / $0.y)) }
    case .and, .or, .xor: .none(because: "its operands are bits, not real numbers")
    }
  }
}

/// Returns the cotangent where an operand was taken, half of it where both are equal.
private func splitTies(_ context: GradientContext, _ taken: Tensor) -> Tensor {
  let half = context.masked(context.x .== context.y, context.cotangent * 0.5)
  return select(taken, context.cotangent, half)
}

/// Returns y·x^(y−1), with 0 for the zeroth power of 0.
private func powerDerivative(_ x: Tensor, _ y: Tensor) -> Tensor {
  switch y.repeatedNumber {
  // The commonest powers need no second power function.
  case 1?: return y
  case 2?: return y * x
  case let number? where number != 0: return y * pow(x, number - 1)
  default:
    // 0·0^(−1) would be NaN; an exponent of 1 there gives the 0 that is wanted, at second order too.
    let bothZero = and(x .== 0.0, y .== 0.0)
    return y * pow(x, select(bothZero, y.builder.scalar(1, y.dataType), y - 1.0))
  }
}

/// Returns g·r·log(x), with 0 where x is 0 and the power is not infinite.
private func gradientOfExponent(_ context: GradientContext) -> Tensor {
  // The logarithm of 1 stands in for that of 0, so that no infinity meets a zero at second order.
  let flat = and(context.x .== 0.0, context.y .>= 0.0)
  let base = select(flat, context.number(1), context.x)
  return context.cotangent * (context.result * log(base))
}

extension Tensor {
  /// The number that all elements are known to be, seen through repetitions of a scalar constant.
  fileprivate var repeatedNumber: Double? {
    var next = value
    while let value = next {
      let node = builder.nodes[Int(value.index)]
      switch node.op {
      case .leaf(.constant(let array)): return array.count == 1 ? array.doubles[0] : nil
      case .movement(.broadcast), .movement(.reshape): next = node.operands[0]
      default: return nil
      }
    }
    return nil
  }
}

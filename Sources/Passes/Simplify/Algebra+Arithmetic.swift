import DescentGraph

// One equation a line. Where a line names a domain, the equation fails outside it: floats have two zeros,
// integers have a least number that is its own negation.

extension Algebra {
  private static let x = Pattern.x
  private static let y = Pattern.y
  private static let zero = Pattern.number(0)
  private static let minusZero = Pattern.number(-0.0)
  private static let one = Pattern.number(1)
  private static let minusOne = Pattern.number(-1)

  static let sums: [RewriteRule] = [
    RewriteRule("add-minus-zero", x + minusZero, x),
    RewriteRule("add-negated", x + (-y), x - y),
    RewriteRule("sub-zero", x - zero, x),
    RewriteRule("sub-negated", x - (-y), x + y),
    RewriteRule("sub-from-minus-zero", minusZero - x, -x),
    RewriteRule("sub-self", x - x, zero, for: .bits),
  ]

  static let products: [RewriteRule] = [
    RewriteRule("mul-one", x * one, x),
    RewriteRule("mul-minus-one", x * minusOne, -x),
    RewriteRule("mul-zero", x * zero, zero, for: .bits),
    RewriteRule("mul-negated-both", (-x) * (-y), x * y),
    RewriteRule("mul-abs-self", abs(x) * abs(x), x * x),
    RewriteRule("mul-negated-constant", "mul(neg(x), c) = mul(x, −c)", at: .binary(.mul)) { match in
      for position in 0...1 {
        let (left, right) = (match.operands[position], match.operands[1 - position])
        guard let negated = match.splat(right)?.negated,
          case .elementwise(.unary(.neg)) = match.node(left).op
        else { continue }
        return .node(
          match.op, [.value(match.node(left).operands[0]), .splat(negated, match.type.shape)])
      }
      return nil
    },
    RewriteRule("div-one", x / one, x),
    RewriteRule("div-minus-one", x / minusOne, -x),
    RewriteRule("div-negated-both", (-x) / (-y), x / y, for: .floats),
    RewriteRule("div-power-of-two", "div(x, c) = mul(x, 1/c)", at: .binary(.div)) { match in
      guard let inverse = match.splat(match.operands[1])?.exactReciprocal else { return nil }
      return .node(
        .elementwise(.binary(.mul)),
        [.value(match.operands[0]), .splat(inverse, match.type.shape)])
    },
    RewriteRule("div-negated-constant", "div(neg(x), c) = div(x, −c)", at: .binary(.div)) { match in
      let node = match.node(match.operands[0])
      guard match.type.dataType.isFloat, case .elementwise(.unary(.neg)) = node.op,
        let negated = match.splat(match.operands[1])?.negated
      else { return nil }
      return .node(match.op, [.value(node.operands[0]), .splat(negated, match.type.shape)])
    },
  ]

  static let signs: [RewriteRule] = [
    RewriteRule("neg-neg", -(-x), x),
    RewriteRule("neg-mul-constant", "neg(mul(x, c)) = mul(x, −c)", at: .unary(.neg)) { match in
      let node = match.node(match.operands[0])
      guard case .elementwise(.binary(.mul)) = node.op else { return nil }
      for position in 0...1 {
        guard let negated = match.splat(node.operands[1 - position])?.negated else { continue }
        return .node(
          node.op, [.value(node.operands[position]), .splat(negated, match.type.shape)])
      }
      return nil
    },
    RewriteRule("abs-abs", abs(abs(x)), abs(x)),
    RewriteRule("abs-neg", abs(-x), abs(x), for: .floats),
    RewriteRule("abs-square", abs(x * x), x * x, for: .floats),
    RewriteRule("abs-relu", abs(relu(x)), relu(x)),
    RewriteRule("relu-relu", relu(relu(x)), relu(x)),
    RewriteRule("relu-abs", relu(abs(x)), abs(x), for: .floats),
    RewriteRule("sign-sign", .unary(.sign, .unary(.sign, x)), .unary(.sign, x)),
    RewriteRule(
      "stop-gradient-twice", .unary(.stopGradient, .unary(.stopGradient, x)),
      .unary(.stopGradient, x)),
  ]

  /// A function to integers leaves integers as they are, zeros with their signs.
  static let roundings: [RewriteRule] = [.floor, .ceil, .round].map { outer in
    RewriteRule(
      "\(outer.rawValue)-integer", "\(outer.rawValue)(f(x)) = f(x), f = floor ceil round sign",
      at: .unary(outer)
    ) { match in
      guard case .elementwise(.unary(let inner)) = match.node(match.operands[0]).op,
        [.floor, .ceil, .round, .sign].contains(inner)
      else { return nil }
      return .value(match.operands[0])
    }
  }

  /// Equations whose sides differ in how a gradient is shared where operands are equal.
  static let ties: [RewriteRule] = [
    RewriteRule("maximum-self", max(x, x), x),
    RewriteRule("minimum-self", min(x, x), x),
    RewriteRule("maximum-again", max(max(x, y), y), max(x, y)),
    RewriteRule("minimum-again", min(min(x, y), y), min(x, y)),
    RewriteRule("maximum-before", max(x, max(x, y)), max(x, y)),
    RewriteRule("minimum-before", min(x, min(x, y)), min(x, y)),
    RewriteRule("maximum-zero", max(x, zero), relu(x)),
    RewriteRule("maximum-infinity", max(x, .number(-.infinity)), x),
    RewriteRule("minimum-infinity", min(x, .number(.infinity)), x),
  ]

  private static func abs(_ x: Pattern) -> Pattern { .unary(.abs, x) }
  private static func relu(_ x: Pattern) -> Pattern { .unary(.relu, x) }
  private static func max(_ x: Pattern, _ y: Pattern) -> Pattern { .binary(.maximum, x, y) }
  private static func min(_ x: Pattern, _ y: Pattern) -> Pattern { .binary(.minimum, x, y) }
}

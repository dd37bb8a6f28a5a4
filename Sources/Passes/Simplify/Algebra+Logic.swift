import DescentGraph

// Truth values, comparisons, selections and conversions. NaN is equal to nothing and unequal to everything,
// so that a comparison's opposite is another comparison only for `equal`, `notEqual` and types without NaN.

extension Algebra {
  private static let x = Pattern.x
  private static let y = Pattern.y
  private static let z = Pattern.z
  private static let no = Pattern.number(0)
  private static let yes = Pattern.number(1)

  static let logic: [RewriteRule] = [
    RewriteRule("and-self", and(x, x), x),
    RewriteRule("and-true", and(x, yes), x, for: .truth),
    RewriteRule("and-zero", and(x, no), no),
    RewriteRule("and-opposite", and(x, not(x)), no),
    RewriteRule("and-absorbs", and(x, or(x, y)), x),
    RewriteRule("or-self", or(x, x), x),
    RewriteRule("or-true", or(x, yes), yes, for: .truth),
    RewriteRule("or-zero", or(x, no), x),
    RewriteRule("or-opposite", or(x, not(x)), yes, for: .truth),
    RewriteRule("or-absorbs", or(x, and(x, y)), x),
    RewriteRule("xor-self", xor(x, x), no),
    RewriteRule("xor-zero", xor(x, no), x),
    RewriteRule("xor-true", xor(x, yes), not(x), for: .truth),
    RewriteRule("not-not", not(not(x)), x),
    RewriteRule("not-equal", not(.compare(.equal, x, y)), .compare(.notEqual, x, y)),
    RewriteRule("not-not-equal", not(.compare(.notEqual, x, y)), .compare(.equal, x, y)),
    RewriteRule("not-less", not(.compare(.less, x, y)), .compare(.greaterEqual, x, y), for: .bits),
    RewriteRule(
      "not-less-equal", not(.compare(.lessEqual, x, y)), .compare(.greater, x, y), for: .bits),
    RewriteRule(
      "not-greater", not(.compare(.greater, x, y)), .compare(.lessEqual, x, y), for: .bits),
    RewriteRule(
      "not-greater-equal", not(.compare(.greaterEqual, x, y)), .compare(.less, x, y), for: .bits),
  ]

  static let comparisons: [RewriteRule] = [
    RewriteRule("less-self", .compare(.less, x, x), no),
    RewriteRule("greater-self", .compare(.greater, x, x), no),
    RewriteRule("equal-self", .compare(.equal, x, x), yes, for: .bits),
    RewriteRule("not-equal-self", .compare(.notEqual, x, x), no, for: .bits),
    RewriteRule("less-equal-self", .compare(.lessEqual, x, x), yes, for: .bits),
    RewriteRule("greater-equal-self", .compare(.greaterEqual, x, x), yes, for: .bits),
    RewriteRule("equal-true", .compare(.equal, x, yes), x, for: .truth),
    RewriteRule("equal-false", .compare(.equal, x, no), not(x), for: .truth),
    RewriteRule("not-equal-true", .compare(.notEqual, x, yes), not(x), for: .truth),
    RewriteRule("not-equal-false", .compare(.notEqual, x, no), x, for: .truth),
  ]

  static let selections: [RewriteRule] = [
    RewriteRule("select-same", .select(z, x, x), x),
    RewriteRule("select-true", .select(yes, x, y), x),
    RewriteRule("select-false", .select(no, x, y), y),
    RewriteRule("select-not", .select(not(x), y, z), .select(x, z, y)),
    RewriteRule(
      "select-first-again", "select(c, select(c, x, y), z) = select(c, x, z)", at: .select
    ) {
      match in nested(match, position: 1)
    },
    RewriteRule("select-last-again", "select(c, x, select(c, y, z)) = select(c, x, z)", at: .select)
    {
      match in nested(match, position: 2)
    },
    RewriteRule("select-one-zero", "select(c, 1, 0) = cast(c)", at: .select) { match in
      let dataType = match.type.dataType
      guard match.splat(match.operands[1]) == Splat(1, dataType),
        match.splat(match.operands[2]) == Splat(0, dataType)
      else { return nil }
      guard dataType != .bool else { return .value(match.operands[0]) }
      return .node(.elementwise(.cast(dataType)), of: [match.operands[0]])
    },
    RewriteRule("select-zero-one", "select(c, false, true) = not(c)", at: .select) { match in
      guard match.splat(match.operands[1]) == Splat(0, .bool),
        match.splat(match.operands[2]) == Splat(1, .bool)
      else { return nil }
      return .node(.elementwise(.unary(.not)), of: [match.operands[0]])
    },
  ]

  /// Returns the selection past an inner one of the same condition.
  private static func nested(_ match: Match, position: Int) -> Patch? {
    let inner = match.node(match.operands[position])
    guard case .elementwise(.select) = inner.op, inner.operands[0] == match.operands[0] else {
      return nil
    }
    var operands = match.operands
    operands[position] = inner.operands[position]
    return .node(match.op, of: operands)
  }

  private static func and(_ x: Pattern, _ y: Pattern) -> Pattern { .binary(.and, x, y) }
  private static func or(_ x: Pattern, _ y: Pattern) -> Pattern { .binary(.or, x, y) }
  private static func xor(_ x: Pattern, _ y: Pattern) -> Pattern { .binary(.xor, x, y) }
  private static func not(_ x: Pattern) -> Pattern { .unary(.not, x) }
}

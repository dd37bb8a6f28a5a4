import DescentGraph

// Equations of real numbers that floats obey only nearly: a zero's sign, an infinity or the last bits may
// differ. Applied only for users who prefer speed to reproducible bits.

extension Algebra {
  private static let x = Pattern.x
  private static let y = Pattern.y
  private static let z = Pattern.z
  private static let zero = Pattern.number(0)

  /// The rules that may round differently.
  package static let rounding: [RewriteRule] = [
    RewriteRule("fast-add-zero", x + zero, x, for: .floats, numerics: .rounding),
    RewriteRule("fast-sub-self", x - x, zero, for: .floats, numerics: .rounding),
    RewriteRule("fast-mul-zero", x * zero, zero, for: .floats, numerics: .rounding),
    RewriteRule("fast-square", .binary(.pow, x, .number(2)), x * x, numerics: .rounding),
    RewriteRule(
      "fast-square-root", .binary(.pow, x, .number(0.5)), .unary(.sqrt, x), numerics: .rounding),
    RewriteRule(
      "fast-log-exp", .unary(.log, .unary(.exp, x)), x, numerics: .rounding),
    RewriteRule(
      "fast-div-constant", "div(x, c) = mul(x, 1/c)", at: .binary(.div), numerics: .rounding
    ) { match in
      guard match.type.dataType.isFloat, let splat = match.splat(match.operands[1]) else {
        return nil
      }
      let inverse = 1 / splat.array.doubles[0]
      guard inverse.isNormal, let factor = Splat(inverse, match.type.dataType),
        factor.array.doubles[0].isNormal
      else { return nil }
      return .node(
        .elementwise(.binary(.mul)),
        [.value(match.operands[0]), .splat(factor, match.type.shape)])
    },
  ]
}

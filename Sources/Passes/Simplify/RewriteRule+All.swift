extension RewriteRule {
  /// The rules of all tables, in the order of the passes.
  package static let all: [RewriteRule] =
    ConstantFolding.all + Algebra.exact + Algebra.afterDifferentiation + Algebra.rounding
    + Algebra.weights + MovementRules.all
}

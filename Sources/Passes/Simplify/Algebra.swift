import DescentGraph

/// Equations between elementwise expressions.
///
/// **Laws.**
/// - *It ends.* Each rule lessens, in this order of weight: the operations of its place, then their price
///   (`div` above `mul` above `neg`), then the number of negations and inversions below others.
/// - *Never worse.* A rule never computes again what another node still needs: what it adds is no dearer than
///   the one node it replaces.
/// - *Every bit stays.* An exact rule holds for ±0, ±∞, subnormals and NaN (any NaN equals any NaN), in the
///   arithmetic of `Elementwise`: round to nearest even, wrapping integers, and `minimum` and `maximum` that
///   return the second of equal operands. So `x + 0` is not `x`, since −0 + 0 is +0; `x − 0` is.
///   `x · 0` and `x − x` are not 0, since x may be ∞. Integers obey more laws than floats.
/// - *Derivatives stay.* As long as an objective waits to be differentiated, only equations apply whose two sides
///   have one derivative. `ties` wait: where operands tie, `maximum` shares its gradient among them.
package enum Algebra {
  /// The rules that keep every bit, of derivatives too.
  package static let exact: [RewriteRule] =
    sums + products + signs + roundings + logic + comparisons + selections + casts
  /// The rules that keep every bit, but not the derivative.
  package static let afterDifferentiation: [RewriteRule] =
    ties + [
      RewriteRule("stop-gradient", .unary(.stopGradient, .x), .x)
    ]
}

extension Pass {
  /// Applies the equations of `Algebra`.
  ///
  ///     %2 = neg(%1) : f32[4]
  ///     %3 = add(%0, %2) : f32[4]      →      %2 = sub(%0, %1) : f32[4]
  package static let algebra: Pass = algebra(Algebra.exact, scalesWeights: false)

  /// Applies the equations of `Algebra`, also those that round differently.
  ///
  /// - Parameter prepares: Whether what follows from unchanged parameters is computed once, so that it pays to scale
  ///   weights.
  /// - Returns: The pass.
  package static func fastAlgebra(prepares: Bool = true) -> Pass {
    algebra(Algebra.exact + Algebra.rounding, scalesWeights: prepares)
  }

  private static func algebra(_ rules: [RewriteRule], scalesWeights: Bool) -> Pass {
    let early = RuleSet(rules)
    let weights = scalesWeights ? Algebra.weights : []
    let late = RuleSet(rules + Algebra.afterDifferentiation + weights)
    return Pass("algebra", "applies equations between elementwise expressions") {
      graph, journal throws(GraphErrors) in
      // What a graph updates is known once it has been differentiated.
      let rules = graph.objective == nil ? late : early
      return Rewriter.rewrite(graph, with: rules, journal: &journal)
    }
  }
}

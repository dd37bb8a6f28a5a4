import DescentGraph

/// Equations between movements, and between movements and what they stand under.
///
/// **Laws.**
/// - *It ends.* Each rule lessens, in this order of weight: elements that are computed, elements that are moved,
///   the number of movements, the number of axes a movement touches.
/// - *Never worse.* A rule looks through an operand; it never computes again what another node still needs.
/// - *Every bit stays.* Movements change no element. An elementwise function of repeated elements is the
///   function repeated. Reductions are left alone where their order of sums would change.
package enum MovementRules {
  /// All rules.
  package static let all: [RewriteRule] =
    reshapes + transposes + broadcasts + slices + pads + reversals + concatenations + sinking
    + contractions

  /// All rules, sorted once.
  package static let set = RuleSet(all)
}

extension Pass {
  /// Applies the equations of `MovementRules`.
  ///
  ///     %1 = transpose(%0) permutation=[1, 0] : f32[3, 2]
  ///     %2 = transpose(%1) permutation=[1, 0] : f32[2, 3]      →      %1 = neg(%0) : f32[2, 3]
  ///     %3 = neg(%2) : f32[2, 3]
  package static let movement: Pass = Pass("movement", "merges and drops movements") {
    graph, journal throws(GraphErrors) in
    Rewriter.rewrite(graph, with: MovementRules.set, journal: &journal)
  }
}

extension Match {
  /// Returns a patch that is one movement of a value.
  func move(_ movement: Movement, _ value: Value) -> Patch {
    .node(.movement(movement), of: [value])
  }

  /// Returns a patch that is one movement of a patch.
  func move(_ movement: Movement, _ patch: Patch) -> Patch {
    .node(.movement(movement), [patch])
  }

  /// The shape of a value below.
  func shape(_ value: Value) -> Shape { node(value).type.shape }
}

extension Shape {
  /// The extents as numbers, or nil while one depends on the batch size.
  var fixedDimensions: [Int]? { isSymbolic ? nil : dimensions }

  /// The extents without those of 1.
  var withoutOnes: [Extent] { extents.filter { $0 != 1 } }

  /// The shape with axes of extent 1 in front, up to a rank.
  func widened(to rank: Int) -> Shape {
    Shape([Extent](repeating: 1, count: rank - self.rank) + extents)
  }
}

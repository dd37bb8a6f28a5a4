import DescentGraph

extension Pass {
  /// Computes equal nodes once.
  ///
  ///     %2 = mul(%0, %1) : f32[4]
  ///     %3 = mul(%1, %0) : f32[4]      →      %2 = mul(%0, %1) : f32[4]
  ///     %4 = add(%2, %3) : f32[4]             %3 = add(%2, %2) : f32[4]
  ///
  /// Nodes are equal where operation, attributes (bit for bit) and operands are; operands of `add`, `mul` and
  /// other commutative operations may stand in either order. The first node of a class stays.
  package static let cse: Pass = Pass("cse", "computes equal nodes once") {
    graph, journal throws(GraphErrors) in
    Rewriter.rewrite(graph, with: [], merging: true, journal: &journal)
  }
}

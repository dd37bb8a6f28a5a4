// G7  Prepared groups come before all others. What one of their members reads, through movement or not, is a member of
//     a prepared group, a parameter or state that the graph does not update, or a leaf whose elements are known. No
//     member is random, reads at places that are data, or leaves the graph.

extension FusedGraph {
  /// What is wrong with the groups that are computed once; empty where they are as they should be.
  var preparationViolations: [String] {
    var violations: [String] = []
    let prepared = groups.prefix(while: \.isPrepared)
    if groups[prepared.endIndex...].contains(where: \.isPrepared) {
      violations.append("G7: a prepared group stands behind one that is not")
    }
    guard !prepared.isEmpty else { return violations }
    var isPrepared = [Bool](repeating: false, count: graph.nodes.count)
    for value in prepared.flatMap(\.nodes) { isPrepared[Int(value.index)] = true }
    let members = Set(groups.flatMap(\.nodes))
    let updated = Set(graph.updates.filter { $0.leaf != $0.value }.map(\.leaf))
    let fail = { (value: Value, fault: String) in
      violations.append("G7: \(value) \(graph[value].op.name) is prepared, but \(fault)")
    }
    for value in prepared.flatMap(\.nodes) {
      if graph[value].op.isRandom { fail(value, "random") }
      if case .index = graph[value].op { fail(value, "reads at places that are data") }
      for source in sources(of: value, members)
      where !isPrepared[Int(source.index)] && (updated.contains(source) || !isKnown(source)) {
        fail(value, "reads \(source) \(graph[source].op.name), which changes from run to run")
      }
    }
    for var value in graph.outputs.map(\.value) + graph.updates.map(\.value) {
      while graph[value].op.isView { value = graph[value].operands[0] }
      if isPrepared[Int(value.index)] { fail(value, "leaves the graph") }
    }
    return violations
  }

  /// Returns the leaves and members of groups that a value reads, through movement that no group computes.
  private func sources(of value: Value, _ members: Set<Value>) -> [Value] {
    var (sources, pending): ([Value], [Value]) = ([], graph[value].operands)
    while let next = pending.popLast() {
      if graph[next].op.isLeaf || members.contains(next) {
        sources.append(next)
      } else {
        pending += graph[next].operands
      }
    }
    return sources
  }

  /// Whether a value is there before each run, and not for the caller to write.
  private func isKnown(_ value: Value) -> Bool {
    guard case .leaf(let leaf) = graph[value].op else { return false }
    if case .input = leaf { return false }
    return true
  }
}

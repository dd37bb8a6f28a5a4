import DescentGraph

extension Pass {
  /// Drops what no result needs.
  ///
  ///     %0 = input name="x" : f32[4]            %0 = input name="x" : f32[4]
  ///     %1 = parameter name="w" … : f32[4]   →  %1 = neg(%0) : f32[4]
  ///     %2 = exp(%1) : f32[4]
  ///     %3 = neg(%0) : f32[4]
  ///
  /// Outputs and updates are needed, with all they are computed from. Declared inputs stay even where nothing
  /// reads them, so that a session takes the data its user supplies; parameters and states stay only where
  /// they are read or updated, so that a prediction plan holds no optimizer slots.
  package static let dead: Pass = Pass("dead", "drops nodes that no result needs") {
    graph, journal throws(GraphErrors) in
    let result = graph.keeping(graph.neededValues, outputs: graph.outputs)
    let dropped = graph.nodes.count - result.nodes.count
    if dropped > 0 {
      let left = "\(dropped) of \(graph.nodes.count) nodes"
      journal.note("drop", "\(left) are needed by no result")
    }
    return result
  }
}

extension Graph {
  /// For each node, whether outputs, updates or the declared inputs ask for it.
  package var neededValues: [Bool] {
    var needed = [Bool](repeating: false, count: nodes.count)
    for output in outputs { needed[Int(output.value.index)] = true }
    for update in updates {
      needed[Int(update.leaf.index)] = true
      needed[Int(update.value.index)] = true
    }
    for index in nodes.indices.reversed() {
      if case .leaf(.input) = nodes[index].op { needed[index] = true }
      guard needed[index] else { continue }
      for operand in nodes[index].operands { needed[Int(operand.index)] = true }
    }
    return needed
  }
}

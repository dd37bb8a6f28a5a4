extension Graph {
  /// Returns the graph with some of its outputs and only what they and the updates need.
  package func selecting(_ names: [String]) throws(GraphErrors) -> Graph {
    var chosen: [Output] = []
    var errors: [GraphError] = []
    for name in names {
      if let value = output(name) {
        chosen.append(Output(name: name, value: value))
      } else {
        let known = outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
        errors.append(
          GraphError(
            "compile: there is no output \"\(name)\"",
            hint: known.isEmpty ? "the graph has none" : "the graph has \(known)"))
      }
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return reduced(to: chosen)
  }

  /// Returns the graph with given outputs, without the nodes that neither they nor the updates reach.
  private func reduced(to chosen: [Output]) -> Graph {
    var isNeeded = [Bool](repeating: false, count: nodes.count)
    for value in chosen.map(\.value) + updates.flatMap({ [$0.leaf, $0.value] }) {
      isNeeded[Int(value.index)] = true
    }
    for value in values.reversed() where isNeeded[Int(value.index)] {
      for operand in self[value].operands { isNeeded[Int(operand.index)] = true }
    }
    return keeping(isNeeded, outputs: chosen)
  }

  /// Returns the graph with given outputs and without the nodes that are not needed.
  ///
  /// - Precondition: Outputs, updates and operands of what is needed are needed.
  package func keeping(_ isNeeded: [Bool], outputs chosen: [Output]) -> Graph {
    var numbers: [Value] = []
    var kept: [Node] = []
    numbers.reserveCapacity(nodes.count)
    kept.reserveCapacity(nodes.count)
    for (node, needed) in zip(nodes, isNeeded) {
      numbers.append(Value(kept.count))
      guard needed else { continue }
      let operands = node.operands.map { numbers[Int($0.index)] }
      kept.append(Node(op: node.op, operands: operands, type: node.type, origin: node.origin))
    }
    let renumbered = { (value: Value) in numbers[Int(value.index)] }
    return Graph(
      name: name, nodes: kept,
      outputs: chosen.map { Output(name: $0.name, value: renumbered($0.value)) },
      updates: updates.map { Update(leaf: renumbered($0.leaf), value: renumbered($0.value)) },
      objective: objective, errors: errors)
  }
}

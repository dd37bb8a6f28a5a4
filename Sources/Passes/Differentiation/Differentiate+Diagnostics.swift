import DescentGraph

// Every message of differentiation, and the search for the operation to blame.

extension GraphError {
  static func noSuchOutput(_ name: String, in graph: Graph) -> GraphError {
    let names = graph.outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
    return GraphError(
      "gradient: there is no output \"\(name)\"",
      hint: names.isEmpty ? "declare it with g.output" : "the outputs are \(names)")
  }

  static func noSuchLeaf(_ name: String, in graph: Graph) -> GraphError {
    let names = graph.nodes.compactMap { node -> String? in
      guard case .leaf(let leaf) = node.op, node.type.dataType.isFloat else { return nil }
      return leaf.leafName.map { "\"\($0)\"" }
    }
    return GraphError(
      "gradient: there is no input, parameter or state \"\(name)\"",
      hint: names.isEmpty ? nil : "those of real numbers are \(names.joined(separator: ", "))")
  }

  static func notReal(output name: String, _ node: Node) -> GraphError {
    GraphError(
      "gradient: output \"\(name)\" is \(node.type), not real numbers", at: node.origin)
  }

  static func notReal(leaf name: String, _ node: Node) -> GraphError {
    GraphError(
      "gradient: \"\(name)\" is \(node.type); only real numbers have a gradient", at: node.origin)
  }

  static func alreadyDifferentiated(_ output: String, by leaf: String) -> GraphError {
    GraphError("gradient: there already is an output \"d\(output)/d\(leaf)\"")
  }

  /// Returns why an output has no gradient by a leaf: the operation that ends the path, or that there is no path.
  static func noGradient(
    of output: String, _ value: Value, by leaf: String, _ leafValue: Value, in graph: Graph
  ) -> GraphError {
    let claim = "gradient: \"\(output)\" does not depend on \"\(leaf)\""
    guard let (node, reason) = graph.gradientObstacle(from: leafValue, to: value) else {
      return GraphError(claim, at: graph[leafValue].origin)
    }
    return GraphError(
      "\(claim) through differentiable operations: \(node.op.name) has no gradient because \(reason)",
      at: node.origin)
  }
}

extension Graph {
  /// Returns the first operation on a path between two values that lets no gradient pass, and why.
  func gradientObstacle(from leaf: Value, to output: Value) -> (node: Node, reason: String)? {
    let reached = DifferentiableReach(from: [leaf], in: nodes).reached
    let needed = needed(for: output)
    for (index, node) in nodes.enumerated() where needed[index] {
      for (position, operand) in node.operands.enumerated() where reached[Int(operand.index)] {
        if let reason = node.op.noGradientReason(at: position) { return (node, reason) }
      }
    }
    return nil
  }

  /// Returns for each node whether a value depends on it in any way.
  func needed(for output: Value) -> [Bool] {
    var needed = [Bool](repeating: false, count: nodes.count)
    needed[Int(output.index)] = true
    for index in nodes.indices.reversed() where needed[index] {
      for operand in nodes[index].operands { needed[Int(operand.index)] = true }
    }
    return needed
  }
}

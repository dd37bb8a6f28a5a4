extension Interpreter {
  /// Throws everything that keeps a graph from being run with inputs and state.
  func check(
    _ graph: Graph, _ inputs: [String: NDArray], _ state: [String: NDArray]
  ) throws(GraphErrors) {
    _ = try graph.validated()
    var errors: [GraphError] = []
    if graph.objective != nil { errors.append(.hasObjective(graph)) }
    if graph.waitsForBatch {
      errors.append(.isSymbolic(graph))
    } else {
      errors += graph.mistakes(inputs, in: "input") { $0.initializer == nil }
      errors += graph.mistakes(state, in: "state") { $0.initializer != nil }
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
  }
}

extension Graph {
  /// Whether any type or size still depends on the batch size.
  fileprivate var waitsForBatch: Bool {
    isSymbolic
      || nodes.contains { node in
        if case .leaf(.size(let extents, _)) = node.op { Shape(extents).isSymbolic } else { false }
      }
  }

  /// Returns what is missing, of another type, or without a leaf among the arrays for some leaves.
  fileprivate func mistakes(
    _ arrays: [String: NDArray], in role: String, for isMeant: (Leaf) -> Bool
  ) -> [GraphError] {
    var errors: [GraphError] = []
    var names: [String] = []
    for node in nodes {
      guard case .leaf(let leaf) = node.op, let name = leaf.leafName, isMeant(leaf) else {
        continue
      }
      names.append(name)
      guard let array = arrays[name] else {
        errors.append(.missing(leaf.name, name, node))
        continue
      }
      if array.type != node.type { errors.append(.mismatch(leaf.name, name, array, node)) }
    }
    for name in arrays.keys.sorted() where !names.contains(name) {
      errors.append(.unexpected(role, name, names))
    }
    return errors
  }
}

extension GraphError {
  fileprivate static func hasObjective(_ graph: Graph) -> GraphError {
    GraphError(
      "run: graph \"\(graph.name)\" still has an objective",
      hint: "differentiate it first, which turns the objective into updates")
  }

  fileprivate static func isSymbolic(_ graph: Graph) -> GraphError {
    GraphError(
      "run: graph \"\(graph.name)\" still waits for its batch size",
      hint: "bind it first, as in graph.bound(batch: 32)")
  }

  fileprivate static func missing(_ kind: String, _ name: String, _ node: Node) -> GraphError {
    GraphError("run: \(kind) \"\(name)\", \(node.type), is missing", at: node.origin)
  }

  fileprivate static func mismatch(
    _ kind: String, _ name: String, _ array: NDArray, _ node: Node
  ) -> GraphError {
    GraphError("run: \(kind) \"\(name)\" is \(node.type), not \(array.type)", at: node.origin)
  }

  fileprivate static func unexpected(
    _ role: String, _ name: String, _ names: [String]
  ) -> GraphError {
    let known = names.map { "\"\($0)\"" }.joined(separator: ", ")
    return GraphError(
      "run: there is no \(role) \"\(name)\"",
      hint: known.isEmpty ? "the graph has none" : "the graph has \(known)")
  }

  /// An index that lies outside its axis.
  package static func outOfRange(
    _ name: String, _ fault: Index.Fault, at origin: Origin
  ) -> GraphError {
    GraphError(
      "\(name): index \(fault.index) at position \(fault.position) is outside 0..<\(fault.limit)",
      at: origin)
  }
}

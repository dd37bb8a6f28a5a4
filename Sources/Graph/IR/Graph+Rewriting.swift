extension Graph {
  /// Returns the graph that a rule makes from this one, node by node in order.
  ///
  /// The rule is given each value of this graph, the new values of its operands, and the builder to add nodes
  /// to. What it returns stands for the old value from then on: `builder.copy(graph[value], operands)` keeps
  /// the node, an operand or any other new value replaces it, and nil drops it, together with all that is
  /// computed from it. Outputs, updates and the objective are carried over. While the rule runs, the builder's
  /// origin is that of the old node.
  ///
  /// - Parameters:
  ///   - interning: Whether equal nodes become one. Without it, a rule that only copies keeps all numbers.
  ///   - rule: What becomes of one value.
  /// - Returns: A graph with the same outputs, updates and objective.
  /// - Throws: Every mistake the rule threw, each at the origin of its node unless it says otherwise.
  /// - Precondition: No output or update needs a value that the rule dropped.
  package func rewritten(
    interning: Bool = true,
    _ rule: (
      _ value: Value, _ operands: [Value], _ builder: GraphBuilder
    ) throws(GraphError) -> Value?
  ) throws(GraphErrors) -> Graph {
    _ = try validated()
    let builder = GraphBuilder(name: name, interning: interning, expecting: nodes.count)
    var replacements: [Value?] = []
    replacements.reserveCapacity(nodes.count)
    for (index, node) in nodes.enumerated() {
      let operands = node.operands.compactMap { replacements[Int($0.index)] }
      guard operands.count == node.operands.count else {
        replacements.append(nil)
        continue
      }
      builder.origin = node.origin
      do {
        replacements.append(try rule(Value(index), operands, builder))
      } catch {
        builder.record(error)
        replacements.append(nil)
      }
    }
    guard builder.errors.isEmpty else { throw GraphErrors(builder.errors) }
    carryOver(to: builder, replacements)
    return try builder.build(objective: objective).validated()
  }

  private func carryOver(to builder: GraphBuilder, _ replacements: [Value?]) {
    func replacement(_ value: Value) -> Value {
      guard let new = replacements[Int(value.index)] else {
        preconditionFailure("a rewrite dropped \(value), which leaves graph \"\(name)\"")
      }
      return new
    }
    for output in outputs {
      builder.origin = self[output.value].origin
      builder.output(output.name, replacement(output.value))
    }
    for update in updates {
      builder.origin = self[update.value].origin
      builder.update(replacement(update.leaf), to: replacement(update.value))
    }
  }
}

extension GraphBuilder {
  /// Adds a node of another graph, applied to values of this one.
  package func copy(_ node: Node, _ operands: [Value]) throws(GraphError) -> Value {
    try insert(node.op, operands, origin: node.origin)
  }
}

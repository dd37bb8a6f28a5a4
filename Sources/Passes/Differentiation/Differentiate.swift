package import DescentGraph

extension GraphBuilder {
  /// Adds the nodes that compute the derivative of a value, or of the sum of its elements, by others.
  ///
  /// Reverse mode: the cotangent of the output is 1; nodes are visited from the output back to the
  /// wanted values, and each hands every operand its share. Only nodes that lie on a differentiable path from
  /// a wanted value to the output are visited, so nothing is computed for data, labels or frozen branches.
  ///
  /// **Order.** Shares of one value come in the order in which nodes are visited, users last in the graph first;
  /// a node that uses a value twice hands over the share of the first operand first. How they add says
  /// `CotangentShares`.
  ///
  /// - Complexity: Linear in the number of nodes and operands.
  /// - Returns: One cotangent for each wanted value, nil where the output does not depend on it differentiably.
  package func gradients(of output: Value, withRespectTo wanted: [Value]) -> [Tensor?] {
    let nodes = nodes
    let active = DifferentiableReach(from: wanted, in: nodes).reached
    var shares = [CotangentShares](repeating: CotangentShares(), count: Int(output.index) + 1)
    var found: [Value: Tensor] = [:]
    let isWanted = Set(wanted)
    let outer = origin
    defer { origin = outer }

    guard active[Int(output.index)] else { return wanted.map { _ in nil } }
    enterGradient(of: nodes[Int(output.index)])
    let type = nodes[Int(output.index)].type
    shares[Int(output.index)] = CotangentShares(scalar(1, type.dataType).broadcast(to: type.shape))

    for index in shares.indices.reversed() {
      guard let cotangent = shares[index].total() else { continue }
      shares[index] = CotangentShares()
      if isWanted.contains(Value(index)) { found[Value(index)] = cotangent }
      let node = nodes[index]
      guard node.operands.contains(where: { active[Int($0.index)] }) else { continue }
      enterGradient(of: node)
      let rules = node.op.differentiable
      let context = GradientContext(
        operands: node.operands.map { Tensor(self, $0) }, result: Tensor(self, Value(index)),
        cotangent: cotangent)
      for (position, operand) in node.operands.enumerated() where active[Int(operand.index)] {
        guard case .rule(let rule) = rules.gradient(at: position) else { continue }
        shares[Int(operand.index)].append(rule(context))
      }
    }
    return wanted.map { found[$0] }
  }

  /// Gives the nodes that follow the origin of the node they differentiate.
  private func enterGradient(of node: Node) {
    origin = node.origin
    origin.composite = "∇" + (node.origin.composite.isEmpty ? node.op.name : node.origin.composite)
  }
}

/// The values that depend on given ones through operations that have a gradient.
package struct DifferentiableReach {
  /// For each node, whether its result depends on them.
  package let reached: [Bool]

  /// Finds what depends on the values, in one sweep.
  package init(from values: [Value], in nodes: [Node]) {
    var reached = [Bool](repeating: false, count: nodes.count)
    for value in values where nodes[Int(value.index)].type.dataType.isFloat {
      reached[Int(value.index)] = true
    }
    for (index, node) in nodes.enumerated() where !reached[index] {
      guard node.operands.contains(where: { reached[Int($0.index)] }) else { continue }
      let rules = node.op.differentiable
      reached[index] = node.operands.indices.contains { position in
        reached[Int(node.operands[position].index)]
          && rules.gradient(at: position).noGradientReason == nil
      }
    }
    self.reached = reached
  }
}

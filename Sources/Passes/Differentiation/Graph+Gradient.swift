public import DescentGraph

extension Graph {
  /// Returns the graph with the derivatives of an output added as outputs.
  ///
  /// The derivative by a leaf has the leaf's type and is an output named `d<output>/d<leaf>`. An output of many
  /// elements stands for their sum. The result is a graph like any other and can be differentiated again;
  /// its new outputs are differentiated by their names, such as `"dy/dx"`.
  ///
  /// - Parameters:
  ///   - output: The name of the output to differentiate.
  ///   - leaves: The names of the inputs, parameters or states to differentiate by.
  /// - Returns: The graph with its new outputs; nodes it had keep their numbers.
  /// - Throws: What is wrong with the graph so far, which names do not exist, and on which leaves the output does
  ///   not depend through differentiable operations, with the operation that is to blame.
  public func gradient(
    of output: String, withRespectTo leaves: [String]
  ) throws(GraphErrors) -> Graph {
    _ = try validated()
    let (value, wanted) = try differentiationTargets(output, leaves)
    let builder = GraphBuilder(continuing: self)
    let gradients = builder.gradients(of: value, withRespectTo: wanted)
    var errors: [GraphError] = builder.errors
    var names = Set(outputs.map(\.name))
    for (position, leaf) in leaves.enumerated() {
      let name = "d\(output)/d\(leaf)"
      guard let gradient = gradients[position] else {
        errors.append(.noGradient(of: output, value, by: leaf, wanted[position], in: self))
        continue
      }
      guard names.insert(name).inserted else {
        errors.append(.alreadyDifferentiated(output, by: leaf))
        continue
      }
      builder.output(name, gradient.value)
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return builder.build(objective: objective)
  }

  /// Returns the values that names stand for, or throws everything that is wrong with the names.
  private func differentiationTargets(
    _ output: String, _ leaves: [String]
  ) throws(GraphErrors) -> (output: Value, leaves: [Value]) {
    var errors: [GraphError] = []
    var values: [String: Value] = [:]
    for value in self.values {
      if case .leaf(let leaf) = self[value].op, let name = leaf.leafName { values[name] = value }
    }
    let value = self.output(output)
    if let value {
      if !self[value].type.dataType.isFloat { errors.append(.notReal(output: output, self[value])) }
    } else {
      errors.append(.noSuchOutput(output, in: self))
    }
    for name in leaves {
      if let leaf = values[name] {
        if !self[leaf].type.dataType.isFloat { errors.append(.notReal(leaf: name, self[leaf])) }
      } else {
        errors.append(.noSuchLeaf(name, in: self))
      }
    }
    guard errors.isEmpty, let value else { throw GraphErrors(errors) }
    return (value, leaves.compactMap { values[$0] })
  }
}

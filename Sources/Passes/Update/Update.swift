import DescentGraph

// output "∇w" = %9, objective minimise "loss" by sgd
//   ──▶ %w' = w − rate · %9, update w to %w'; no objective, no output ∇w

extension Pass {
  /// Turns gradients into updates of parameters and optimizer state.
  package static let update = Pass(
    "update", "turns gradients into updates of the parameters and of the optimizer's state",
    requires: ["differentiate"]
  ) { (graph, journal) throws(GraphErrors) in
    try graph.applyingOptimizer(&journal)
  }
}

/// A parameter with its gradient.
struct Trained {
  let name: String
  let parameter: Tensor
  var gradient: Tensor
  let origin: Origin
}

extension Graph {
  func applyingOptimizer(_ journal: inout Journal) throws(GraphErrors) -> Graph {
    guard let objective else { return self }
    let gradients = objectiveGradients
    let builder = GraphBuilder(continuing: without(outputs: gradients))
    var trained = gradients.map { gradient in
      Trained(
        name: gradient.name, parameter: Tensor(builder, gradient.parameter),
        gradient: Tensor(builder, gradient.output.value), origin: self[gradient.parameter].origin)
    }
    guard !trained.isEmpty else {
      throw GraphErrors([
        GraphError("update: there are no gradients; the pass differentiate has to run first")
      ])
    }
    let optimizer = OptimizerStep(objective.optimizer, in: builder)
    optimizer.clip(&trained)
    for item in trained {
      builder.update(item.parameter.value, to: optimizer.updated(item).value)
      journal.note("parameter", "\"\(item.name)\" by \(optimizer.name)", at: item.origin)
    }
    guard builder.errors.isEmpty else { throw GraphErrors(builder.errors) }
    return builder.build()
  }

  private typealias ObjectiveGradient = (name: String, parameter: Value, output: Output)

  /// The outputs that are gradients of the objective, in the order of their parameters.
  private var objectiveGradients: [ObjectiveGradient] {
    var named: [String: Output] = [:]
    for output in outputs { named[output.name] = output }
    return values.compactMap { value in
      guard case .leaf(.parameter(let name, _, _)) = self[value].op,
        let output = named[Graph.gradientPrefix + name]
      else { return nil }
      return (name, value, output)
    }
  }

  private func without(outputs gradients: [ObjectiveGradient]) -> Graph {
    let dropped = Set(gradients.map(\.output.name))
    return Graph(
      name: name, nodes: nodes, outputs: outputs.filter { !dropped.contains($0.name) },
      updates: updates, errors: errors)
  }
}

import DescentGraph

// %4 = … objective minimise "loss" by sgd
//   ──▶ the same, and %9 = … output "∇w" = %9
//
// Between this pass and the update the gradients are outputs, so that a dump shows them, no pass in between
// can lose them, and a pipeline that stops here returns them.

extension Pass {
  /// Adds the gradients of the objective as outputs named `∇parameter`.
  package static let differentiate = Pass(
    "differentiate", "adds the gradient of the objective by each parameter as an output ∇parameter"
  ) { (graph, journal) throws(GraphErrors) in
    try graph.addingObjectiveGradients(&journal)
  }
}

extension Graph {
  /// What the name of a gradient's output begins with.
  static let gradientPrefix = "∇"

  func addingObjectiveGradients(_ journal: inout Journal) throws(GraphErrors) -> Graph {
    guard let objective else { return self }
    // A graph read from text has not been through these checks.
    _ = try minimizing(objective.output, with: objective.optimizer)
    guard let loss = output(objective.output) else { return self }
    let parameters = trainableParameters
    let builder = GraphBuilder(continuing: self)
    let gradients = builder.gradients(of: loss, withRespectTo: parameters.map(\.value))
    guard gradients.contains(where: { $0 != nil }) else {
      throw GraphErrors(nothingToTrain(objective.output, loss, parameters))
    }
    let needed = needed(for: loss)
    for (parameter, gradient) in zip(parameters, gradients) {
      let (name, origin) = (parameter.name, self[parameter.value].origin)
      if let gradient {
        builder.output(Graph.gradientPrefix + name, gradient.value)
        journal.note("gradient", "d\(objective.output)/d\(name) is a value to compute", at: origin)
      } else if needed[Int(parameter.value.index)] {
        journal.note(
          "unreached",
          "\"\(name)\" keeps its value: \"\(objective.output)\" depends on it only through operations without a gradient",
          at: origin)
      } else {
        journal.note(
          "unreached",
          "\"\(name)\" keeps its value: \"\(objective.output)\" does not depend on it", at: origin)
      }
    }
    guard builder.errors.isEmpty else { throw GraphErrors(builder.errors) }
    return builder.build(objective: objective)
  }

  /// The parameters of real numbers, in node order.
  private var trainableParameters: [(name: String, value: Value)] {
    values.compactMap { value in
      guard case .leaf(.parameter(let name, let type, _)) = self[value].op, type.dataType.isFloat
      else { return nil }
      return (name, value)
    }
  }

  private func nothingToTrain(
    _ output: String, _ loss: Value, _ parameters: [(name: String, value: Value)]
  ) -> [GraphError] {
    guard !parameters.isEmpty else {
      return [
        GraphError(
          "minimizing: there is no parameter that could make \"\(output)\" less",
          hint: "declare what training is to change with g.parameter")
      ]
    }
    return parameters.map { .noGradient(of: output, loss, by: $0.name, $0.value, in: self) }
  }
}

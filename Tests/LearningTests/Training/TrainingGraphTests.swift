import DescentGraph
import DescentLearning
import Testing

@Suite struct TrainingGraphTests {
  static func classifier() throws -> Model { try Model(input: [4]) { Dense(3) } }

  @Test func lossAndMetricsAreOutputsBesideThePrediction() throws {
    let graph = try Self.classifier().graph(
      loss: .crossEntropy,
      metrics: [.accuracy, .custom("spread") { prediction, _ in variance(prediction) }])
    #expect(graph.outputs.map(\.name) == ["prediction", "loss", "accuracy", "spread"])
    let types = graph.outputs.map { "\(graph[$0.value].type)" }
    #expect(types == ["f32[batch, 3]", "f32[]", "f32[]", "f32[]"])
    let inputs = graph.nodes.compactMap { node -> String? in
      if case .leaf(.input(let name, let type)) = node.op { "\(name) \(type)" } else { nil }
    }
    #expect(inputs == ["inputs f32[batch, 4]", "targets i32[batch]"])
  }

  @Test func targetsMayBeProbabilities() throws {
    let graph = try Self.classifier().graph(
      loss: .crossEntropy, metrics: [.accuracy, .meanAbsoluteError],
      targets: TensorType(.f32, [.batch, 3]))
    #expect(graph.outputs.map(\.name) == ["prediction", "loss", "accuracy", "mae"])
  }

  @Test func theLossMayBeAnyComputation() throws {
    let graph = try Self.classifier().graph(
      loss: .custom { prediction, target in mean(abs(prediction - target)) })
    #expect(graph.output("loss").map { graph[$0].type } == TensorType(.f32, .scalar))
  }

  @Test func labelsThatDoNotFitTheScores() {
    expectError(
      """
      main.swift:9: error: crossEntropy: labels i32[batch, 1] do not fit scores f32[batch, 3]
        hint: give class indices i32[batch] or probabilities f32[batch, 3]
      main.swift:9: error: accuracy: labels i32[batch, 1] do not fit scores f32[batch, 3]
        hint: it counts how often the greatest score of a row is at the right class
      """
    ) {
      try Self.classifier().graph(
        loss: .crossEntropy, metrics: [.accuracy], targets: TensorType(.i32, [.batch, 1]),
        file: "main.swift", line: 9)
    }
    expectError(
      """
      main.swift:9: error: mse: prediction [batch, 3] and target [batch] differ in shape
        hint: reshape one of them; losses do not repeat their operands
      main.swift:9: error: mae: prediction [batch, 3] and target [batch] differ in shape
      """
    ) {
      try Self.classifier().graph(
        loss: .mse, metrics: [.meanAbsoluteError], targets: TensorType(.f32, [.batch]),
        file: "main.swift", line: 9)
    }
  }

  @Test func oneScoreHasNoGreatest() {
    expectError(
      """
      main.swift:9: error: accuracy: labels f32[batch, 1] do not fit scores f32[batch, 1]
        hint: it counts how often the greatest score of a row is at the right class
      """
    ) {
      try Model(input: [4]) { Dense(1) }
        .graph(loss: .mse, metrics: [.accuracy], file: "main.swift", line: 9)
    }
  }

  @Test func namesOfMetricsMustDiffer() {
    expectError("main.swift:9: error: output: the name \"accuracy\" is taken") {
      try Self.classifier().graph(
        loss: .crossEntropy, metrics: [.accuracy, .accuracy], file: "main.swift", line: 9)
    }
  }
}

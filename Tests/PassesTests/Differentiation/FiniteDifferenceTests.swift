import DescentGraph
import DescentPasses
import Testing

/// Every gradient, and the gradient of every gradient, against central differences in double precision.
@Suite struct FiniteDifferenceTests {
  @Test func everyRuleIsCovered() {
    // Rounding to single precision leaves differences no digits; a cast has an exact test of its own.
    var covered: Set<String> = ["cast"]
    for test in GradientCase.all { covered.formUnion(test.graph().nodes.map(\.op.name)) }
    for op in Op.samples
    where op.noGradientReason(at: 0) == nil || op.noGradientReason(at: 1) == nil {
      #expect(covered.contains(op.name), "no case differentiates \(op.name)")
    }
  }

  @Test(arguments: GradientCase.all) func firstOrder(_ test: GradientCase) throws {
    let graph = try test.graph().validated()
    let gradient = try Gradient(of: "loss", in: graph, by: test.leaves)
    try check(gradient, at: test.point(), test.leaves)
  }

  @Test(arguments: GradientCase.all) func secondOrder(_ test: GradientCase) throws {
    let graph = try test.graph().validated()
    let first = try Gradient(of: "loss", in: graph, by: test.leaves)
    // The sum of all first derivatives, each element with a weight of its own.
    let builder = GraphBuilder(continuing: first.graph)
    let parts = first.outputs.compactMap { $0 }.enumerated().map { position, name in
      weightedSum(Tensor(builder, first.graph.output(name)), seed: UInt64(100 + position))
    }
    builder.output("slope", parts.dropFirst().reduce(parts[0], +))
    let sloped = try builder.build().validated()
    let second = try Gradient(of: "slope", in: sloped, by: test.leaves)
    try check(second, at: test.point(), test.leaves)
  }

  /// Compares each derivative with (f(x + h) − f(x − h)) / 2h.
  private func check(
    _ gradient: Gradient, at point: [String: NDArray], _ leaves: [String]
  ) throws {
    let derivatives = try Interpreter().run(gradient.graph, inputs: point)
    let step = 1e-5
    for (leaf, output) in zip(leaves, gradient.outputs) {
      let array = try #require(point[leaf])
      let found = try output.map { try #require(derivatives[$0]) }
      if let found { #expect(found.type == array.type) }
      for index in 0..<array.count {
        func value(_ offset: Double) throws -> Double {
          var moved = array.doubles
          moved[index] += offset
          var point = point
          point[leaf] = NDArray(.f64(moved), dimensions: array.dimensions)
          let result = try Interpreter().run(gradient.function, inputs: point)
          return try #require(result[gradient.output]).doubles[0]
        }
        let expected = try (value(step) - value(-step)) / (2 * step)
        let actual = found?.doubles[index] ?? 0
        // Cancellation costs about 1e-16 / 1e-5 of the function's size, curvature 1e-10 of its third derivative.
        #expect(
          abs(actual - expected) <= 1e-6 * max(1, abs(expected)),
          "\(leaf)[\(index)]: \(actual), but differences give \(expected)")
      }
    }
  }
}

/// A function with its gradients; a leaf on which it does not depend differentiably has no output.
private struct Gradient {
  let output: String
  let function: Graph
  let graph: Graph
  let outputs: [String?]

  init(of output: String, in function: Graph, by leaves: [String]) throws {
    let builder = GraphBuilder(continuing: function)
    let wanted = try leaves.map { try #require(function.leaf($0)) }
    let gradients = builder.gradients(
      of: try #require(function.output(output)), withRespectTo: wanted)
    outputs = zip(leaves, gradients).map { leaf, gradient in
      guard let gradient else { return nil }
      builder.output("d\(output)/d\(leaf)", gradient.value)
      return "d\(output)/d\(leaf)"
    }
    self.output = output
    self.function = function
    graph = try builder.build().validated()
  }
}

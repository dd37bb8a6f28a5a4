import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

/// Convolutions and both their gradients agree with the interpreter in every bit on every backend.
///
/// `DESCENT_RANDOM_CONVOLUTIONS` says how many shapes are drawn, `DESCENT_RANDOM_SEED` where to begin.
@Suite struct ConvolutionShapeTests {
  static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }
  static let seeds: Range<Int> = {
    let environment = ProcessInfo.processInfo.environment
    let first = environment["DESCENT_RANDOM_SEED"].flatMap(Int.init) ?? 0
    return first..<first + (environment["DESCENT_RANDOM_CONVOLUTIONS"].flatMap(Int.init) ?? 40)
  }()

  @Test(arguments: seeds) func everyShapeAgrees(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let graph = try Self.drawn(&random).validated()
    let backend = Self.backends[seed % Self.backends.count]
    let plan = try graph.compile(
      options: CompileOptions(threads: 1 + seed % 4, backend: backend))
    var inputs: [String: NDArray] = [:]
    for name in ["x", "w"] {
      let leaf = try #require(graph.leaf(name))
      inputs[name] = NDArray(graph[leaf].type, .ordinary, using: &random)
    }
    let expected = try Interpreter().run(plan.graph, inputs: inputs)
    let found = try plan.makeSession().run(inputs)
    for output in expected.outputs {
      let isEqual = found[output.name]?.equalsBits(of: output.array) == true
      #expect(isEqual, "seed \(seed), \(output.name) on \(backend):\n\(graph.text)")
    }
  }

  /// A convolution of odd shape, possibly transposed, and the gradients of a weighted sum of its result.
  private static func drawn(_ random: inout SplitMix64) -> Graph {
    let count = random.int(1...3)
    let axes = 0..<count
    let strides = axes.map { _ in random.int(1...3) }
    let dilations = axes.map { _ in random.int(1...3) }
    let low = axes.map { _ in random.int(0...2) }
    let high = axes.map { _ in random.int(0...2) }
    let groups = random.chance(40) ? random.int(2...4) : 1
    let (inputs, outputs) = (random.int(1...5), random.int(1...9))
    let kernel = axes.map { _ in random.int(1...3) }
    let isTransposed = random.chance(30)
    let extents = axes.map { axis in
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      return (isTransposed ? 5 : Swift.max(1, reach - low[axis] - high[axis]))
        + random.int(0...(count == 3 ? 3 : 9))
    }
    let batch = random.int(1...3)
    let first = isTransposed ? groups * outputs : groups * inputs
    let padding = ConvolutionPadding.zeros(low: low, high: high)
    let graph = Graph("convolution") { g in
      let x = g.input("x", Shape([batch] + extents + [first]))
      let w = g.input("w", Shape(kernel + [inputs, groups * outputs]))
      let y =
        isTransposed
        ? convolveTransposed(
          x, w, strides: strides, padding: padding, dilations: dilations, groups: groups)
        : convolve(x, w, strides: strides, padding: padding, dilations: dilations, groups: groups)
      g.output("y", relu(y))
      let loss = (tanh(y) * tanh(y)).sum()
      guard let loss = loss.value, let x = x.value, let w = w.value else { return }
      for (name, gradient) in zip(["dx", "dw"], g.gradients(of: loss, withRespectTo: [x, w])) {
        if let gradient { g.output(name, gradient) }
      }
    }
    return graph
  }
}

import DescentCodegen
import DescentCompiler
import DescentDiagnostics
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Plans whose weights are scaled come near those that scale products.
@Suite struct WeightScalingTests {
  /// Products and convolutions that are scaled for each feature, and their number of terms; with `bound`, of the
  /// magnitudes of all numbers.
  private static func graph(_ name: String, bound: Bool) -> (graph: Graph, terms: Int) {
    var terms = 0
    let graph = Graph(name) { g in
      let size = { (x: Tensor) in bound ? abs(x) : x }
      let parameter = { (name: String, shape: Shape) in size(g.parameter(name, shape, .heNormal)) }
      let x: Tensor
      let y: Tensor
      switch name {
      case "product":
        (x, terms) = (g.input("x", [31, 24]), 24)
        y = size(x).matmul(parameter("w", [24, 17])) + parameter("b", [17])
      case "transposed":
        (x, terms) = (g.input("x", [31, 24]), 24)
        y = size(x).matmul(parameter("w", [17, 24]), transposeRight: true) + parameter("b", [17])
      default:
        (x, terms) = (g.input("x", [2, 9, 8, 5]), 45)
        y = convolve(size(x), parameter("w", [3, 3, 5, 17]), padding: .same) + parameter("b", [17])
      }
      g.output("y", y * parameter("s", [17]))
    }
    return (graph, terms)
  }

  /// Products without features have nothing to scale.
  @Test func withoutFeaturesThereIsNothing() throws {
    let graph = Graph("none") { g in
      let x = g.input("x", [2, 3])
      let (b, s) = (g.parameter("b", [1], .ones), g.parameter("s", [0], .ones))
      let sum = x.matmul(g.parameter("w", [3, 0], .ones)) + b.broadcast(to: [2, 0])
      g.output("y", sum * s.broadcast(to: [2, 0]))
    }
    let (_, result) = try run(graph, fast: true)
    #expect(result.isEmpty)
  }

  private func run(_ graph: Graph, fast: Bool, _ backend: Backend? = nil) throws -> (Plan, [Float])
  {
    let plan = try graph.compile(options: CompileOptions(threads: 2, fast: fast, backend: backend))
    let session = try plan.makeSession(seed: 7)
    var random = SplitMix64(seed: 3)
    let (name, type) = session.inputTypes[0]
    let x = NDArray(type, .ordinary, using: &random)
    let result = try session.run([name: x]).y
    let state = Dictionary(uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
    let expected = try Interpreter().run(plan.graph, inputs: [name: x], state: state)
    #expect(expected.outputs[0].array.equalsBits(of: result))
    return (plan, result.floats)
  }

  /// Each way rounds every term at most as often as there are terms, and three times more, each time by half a unit.
  @Test(arguments: ["product", "transposed", "windows"])
  func scaledWeightsGiveNearlyTheSame(name: String) throws {
    let (graph, terms) = Self.graph(name, bound: false)
    let (exact, expected) = try run(graph, fast: false)
    let (fast, found) = try run(graph, fast: true)
    let (_, size) = try run(Self.graph(name, bound: true).graph, fast: false)
    #expect(fast.explanation.contains("fast-scale-weights"))
    #expect(!exact.explanation.contains("fast-scale"))
    #expect(fast.preparedBytes > exact.preparedBytes)
    #expect(fast.kernelCount <= exact.kernelCount)
    #expect(found != expected)
    for (index, (a, b)) in zip(found, expected).enumerated() {
      let bound = 2 * Float(terms + 4) * Float.ulpOfOne / 2 * size[index]
      #expect(Swift.abs(a - b) <= bound, "\(a) for \(b)")
    }
    let (_, portable) = try run(graph, fast: true, .portable)
    #expect(portable == found)
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

/// Graphs of one operation on random shapes, with the gradients of what is made of it.
enum RandomShapes {
  /// The seeds to draw from: as many as an environment variable says, or 40, from `DESCENT_RANDOM_SEED` on.
  static func seeds(countedBy variable: String) -> Range<Int> {
    func number(_ name: String) -> Int? {
      ProcessInfo.processInfo.environment[name].flatMap(Int.init)
    }
    let first = number("DESCENT_RANDOM_SEED") ?? 0
    return first..<first + (number(variable) ?? 40)
  }

  private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  /// Expects a plan to give the interpreter's bits, on a backend and a number of threads that follow from the seed.
  static func expectAgreement(
    _ graph: Graph, seed: Int, using random: inout SplitMix64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let backend = backends[seed % backends.count]
    let plan = try graph.compile(
      options: CompileOptions(
        threads: 1 + seed % 4, minimumWorkPerThread: random.chance(50) ? 1 : 50_000,
        backend: backend))
    let session = try plan.makeSession()
    var inputs: [String: NDArray] = [:]
    for (name, type) in session.inputTypes {
      inputs[name] = NDArray(type, .ordinary, using: &random)
    }
    let expected = try Interpreter().run(plan.graph, inputs: inputs)
    let found = try session.run(inputs)
    for output in expected.outputs {
      let isEqual = found[output.name]?.equalsBits(of: output.array) == true
      #expect(
        isEqual, "seed \(seed), \(output.name) on \(backend):\n\(graph.text)",
        sourceLocation: sourceLocation)
    }
  }

  /// Expects gradients, each the output of its input's name behind a d, to be how fast `loss` grows.
  ///
  /// All is done in double precision, along one random direction: its central difference stands for every derivative.
  static func expectSlope(
    _ graph: Graph, seed: Int, using random: inout SplitMix64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let graph = try graph.widened().validated()
    let step = 1e-5
    var (points, directions): ([String: [Double]], [String: [Double]]) = ([:], [:])
    let leaves = graph.values.filter {
      if case .leaf(.input) = graph[$0].op { true } else { false }
    }
    var types: [String: TensorType] = [:]
    for leaf in leaves {
      guard case .leaf(.input(let name, let type)) = graph[leaf].op else { continue }
      types[name] = type
      // No two numbers are so near that a step could change which is the greater.
      let places = (0..<type.shape.count).shuffled(using: &random)
      points[name] = places.map { 4 * (Double($0) + 0.5) / Double(places.count) - 2 }
      directions[name] = places.map { _ in random.chance(50) ? 1 : -1 }
    }
    func run(_ offset: Double) throws -> Interpreter.Result {
      var inputs: [String: NDArray] = [:]
      for (name, type) in types {
        let moved = zip(points[name] ?? [], directions[name] ?? []).map { $0 + offset * $1 }
        inputs[name] = NDArray(.f64(moved), dimensions: type.shape.dimensions)
      }
      return try Interpreter().run(graph, inputs: inputs)
    }
    func loss(_ offset: Double) throws -> Double {
      try #require(try run(offset)["loss"]).doubles[0]
    }
    let here = try run(0)
    var (found, size) = (0.0, 1.0)
    for (name, direction) in directions {
      guard let gradient = here["d\(name)"] else { continue }
      for (slope, part) in zip(gradient.doubles, direction) {
        found += slope * part
        size += abs(slope)
      }
    }
    let expected = try (loss(step) - loss(-step)) / (2 * step)
    #expect(
      abs(found - expected) <= 1e-6 * size, "seed \(seed):\n\(graph.text)",
      sourceLocation: sourceLocation)
  }
}

extension GraphBuilder {
  /// Adds an output, a loss that each of its elements takes part in, and the loss's gradients.
  func outputWithSlopes(_ y: Tensor, of operands: [(name: String, tensor: Tensor)]) {
    output("y", relu(y))
    // Of sums of many products few would have a slope, were they not made smaller.
    let bounded = tanh(y * 0.125)
    let total = (bounded * bounded).sum()
    output("loss", total)
    guard let loss = total.value else { return }
    let values = operands.compactMap(\.tensor.value)
    for (operand, gradient) in zip(operands, gradients(of: loss, withRespectTo: values)) {
      if let gradient { output("d\(operand.name)", gradient) }
    }
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Reductions of every kind of shape, and what is built on them, agree with the interpreter in every bit.
@Suite struct ReductionShapeTests {
  /// The operand as the reduction sees it.
  struct View: CustomStringConvertible, Sendable {
    let outer: Int
    let extent: Int
    let inner: Int
    var description: String { "\(outer)×\(extent)×\(inner)" }
  }

  /// Around the widths of vectors, the lanes and the chunks.
  static let rows =
    [
      0, 1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 63, 64, 65, 96, 100, 127, 128, 129, 255,
      1000, 4095, 4096, 4097, 4160, 8191, 8192, 8193, 12289,
    ].map { View(outer: $0 > 4000 ? 2 : 5, extent: $0, inner: 1) }

  static let columns =
    [1, 2, 5, 127, 128, 129, 300, 513].flatMap { extent in
      [2, 7, 9, 16, 33].map { View(outer: 2, extent: extent, inner: $0) }
    } + [511, 512, 513, 1030].map { View(outer: 2, extent: 131, inner: $0) }
    + [View(outer: 3, extent: 0, inner: 5), View(outer: 0, extent: 4, inner: 5)]

  @Test(arguments: rows) func rowsAgree(_ view: View) throws {
    try expectAgreement(view, shape: [view.outer, view.extent])
  }

  @Test(arguments: columns) func columnsAgree(_ view: View) throws {
    try expectAgreement(view, shape: [view.outer, view.extent, view.inner])
  }

  private func expectAgreement(_ view: View, shape: [Int]) throws {
    var expected: Interpreter.Result?
    for (index, backend) in Backend.allCases.enumerated()
    where backend.runs(on: CPUFeatures.detected) {
      let plan = try graph(shape).compile(
        options: CompileOptions(
          threads: (view.extent + index) % 2 == 0 ? 1 : 3, poison: true, minimumWorkPerThread: 1,
          backend: backend))
      let session = try plan.makeSession()
      var random = SplitMix64(seed: UInt64(view.outer &* 31 &+ view.extent &* 7 &+ view.inner))
      var inputs: [String: NDArray] = [:]
      for (name, type) in session.inputTypes { inputs[name] = elements(type, &random) }
      expected = try expected ?? Interpreter().run(plan.graph, inputs: inputs, state: [:])
      let found = try session.run(inputs)
      for output in expected?.outputs ?? [] {
        let isEqual = found[output.name]?.equalsBits(of: output.array) == true
        #expect(isEqual, "\(output.name) of \(view) on \(backend)")
      }
    }
  }

  /// Numbers with some that are not finite, and zeros of both signs.
  private func elements(_ type: TensorType, _ random: inout SplitMix64) -> NDArray {
    let special: [Float] = [.nan, .infinity, -.infinity, -0.0, 0.0, Float(bitPattern: 70_000)]
    let elements = (0..<type.shape.count).map { _ -> Float in
      let draw = random.next()
      if draw % 4099 < 6 { return special[Int(draw % 4099)] }
      return Float(Int(draw >> 32 % 2001) - 1000) / 700
    }
    return NDArray(elements, dimensions: type.shape.dimensions)
  }

  private func graph(_ shape: [Int]) -> Graph {
    Graph("reductions") { g in
      let x = g.input("x", Shape(shape))
      numbers(g, x)
      guard shape[1] > 0 else { return }
      ends(g, x)
      composites(g, x)
    }
  }

  private func numbers(_ g: GraphBuilder, _ x: Tensor) {
    g.output("sum", x.sum(axes: [1]))
    g.output("product", (x * 0.5 + 1.0).product(axes: [1]))
    let integers = (x * 100.0).cast(to: .i32)
    g.output("integers", integers.sum(axes: [1]))
    g.output("bytes", integers.cast(to: .u8).sum(axes: [1]))
    g.output("any", (x .> 1.4).any(axes: [1]))
    g.output("all", (x .> -1.4).all(axes: [1]))
  }

  private func ends(_ g: GraphBuilder, _ x: Tensor) {
    g.output("max", x.max(axes: [1]))
    g.output("min", abs(x).min(axes: [1]))
    g.output("greatest", (x * 100.0).cast(to: .i32).max(axes: [1]))
    g.output("first", x.argMax(axis: 1))
    g.output("last", x.argMin(axis: 1))
  }

  private func composites(_ g: GraphBuilder, _ x: Tensor) {
    g.output("softmax", softmax(x, axis: 1))
    let centred = x - mean(x, axes: [1], keepingAxes: true)
    let spread = mean(centred * centred, axes: [1], keepingAxes: true)
    g.output("spread", spread)
    g.output("normal", centred / sqrt(spread + 1e-5))
    g.output("entropy", -(exp(x) * logSoftmax(x, axis: 1)).sum(axes: [1]))
  }
}

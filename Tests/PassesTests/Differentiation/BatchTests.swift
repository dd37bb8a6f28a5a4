import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Differentiating before the batch size is known gives the numbers of differentiating after.
@Suite struct BatchTests {
  private typealias Body = @Sendable (Tensor) -> Tensor

  private static let bodies: [(name: String, body: Body)] = [
    ("mean", { mean(square($0)) }), ("repeated", { square($0 + $0.sum(axes: [0])).sum() }),
    ("extremes", { square($0.max(axes: [0])).sum() + $0.min() }),
    ("product", { $0.product(axes: [0, 1]) }), ("softmax", { square(softmax($0, axis: 0)).sum() }),
    ("flattened", { exp($0.reshape([Extent(scale: 8, offset: 0)])).sum() }),
    ("turned", { exp($0.transpose().matmul($0)).sum() }),
    ("joined", { square(concatenate([$0, sin($0), $0], axis: 0)).sum() }),
    ("cut", { square($0.slice(axis: 0, from: 1)).sum() }),
    ("strided", { square($0.slice(axis: 0, by: 2)).sum() }),
    ("strided from 1", { square($0.slice(axis: 0, from: 1, by: 2)).sum() }),
    (
      "spread",
      {
        let spread = Movement.pad(low: [1, 0], high: [0, 2], interior: [2, 1], value: 1)
        return square($0.apply(.movement(spread))).product(axes: [0]).sum()
      }
    ),
    (
      "gathered",
      {
        let rows = NDArray(.i32([1, 0, 1]), dimensions: [3])
        return exp($0.gather($0.builder.constant(rows))).sum()
      }
    ),
  ]

  @Test(arguments: bodies.indices, [1, 3]) func bindingCommutes(_ index: Int, batch: Int) throws {
    let (name, body) = Self.bodies[index]
    let graph = Graph(name) { g in
      g.output("y", body(g.input("x", [Extent(scale: 2, offset: 0), 4], .f64)))
    }
    let early = try graph.gradient(of: "y", withRespectTo: ["x"]).bound(batch: batch)
    let late = try graph.bound(batch: batch).gradient(of: "y", withRespectTo: ["x"])
    var random = SplitMix64(seed: 3)
    let elements = (0..<8 * batch).map { _ in Double.random(in: -1...1, using: &random) }
    let point = ["x": NDArray(.f64(elements), dimensions: [2 * batch, 4])]
    let expected = try #require(try Interpreter().run(late, inputs: point)["dy/dx"])
    #expect(try Interpreter().run(early, inputs: point)["dy/dx"] == expected, "\(name)")
  }
}

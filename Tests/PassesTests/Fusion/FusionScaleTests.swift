import DescentGraph
import DescentPasses
import Testing

/// Large graphs are divided without recursion and in time that grows with them, not with their square.
@Suite(.serialized) struct FusionScaleTests {
  /// Returns how long it takes to divide a graph, in seconds, and the groups.
  private func fuse(_ graph: Graph) -> (seconds: Double, fused: FusedGraph) {
    let clock = ContinuousClock()
    let start = clock.now
    let fused = FusedGraph(fusing: graph)
    let (seconds, attoseconds) = (clock.now - start).components
    return (Double(seconds) + Double(attoseconds) / 1e18, fused)
  }

  /// Expects a graph of five times the size to take less than fifteen times the time.
  private func expectLinear(_ count: Int, _ graph: (Int) -> Graph) -> FusedGraph {
    let small = fuse(graph(count)).seconds
    let (large, fused) = fuse(graph(5 * count))
    #expect(large < 15 * small, "\(5 * count): \(large) s, \(count): \(small) s")
    return fused
  }

  @Test func aLongChain() {
    let fused = expectLinear(20_000) { count in
      Graph("chain") { g in
        var x = g.input("x", [4])
        let w = g.parameter("w", [4], .constant(0.5))
        for index in 0..<count { x = index % 100 == 0 ? tanh(x * w) : x + w }
        g.output("y", x)
      }
    }
    #expect(fused.groups.count == 505)
  }

  @Test func aLongWayThereAndBack() {
    // Each value is read on the way back, as activations are by gradients.
    let fused = expectLinear(1_500) { count in
      Graph("back") { g in
        var values = [g.input("x", [4])]
        for _ in 0..<count { values.append(tanh(values[values.count - 1])) }
        var x = values.removeLast()
        for value in values.reversed() { x = x * value + value }
        g.output("y", x)
      }
    }
    #expect(fused.verdicts.contains { $0.outcome == .stored(.cycle) })
  }

  @Test func manyReadersOfOneValue() {
    let fused = expectLinear(4_000) { count in
      Graph("wide") { g in
        let x = exp(g.input("x", [4]))
        let parts = (0..<count).map { x * Double($0) + g.input("x\($0)", [4]) }
        g.output("y", concatenate(parts, axis: 0))
      }
    }
    #expect(fused.groups.count < 2_000)
  }

  @Test func manyLayers() {
    let fused = expectLinear(500) { count in
      Graph("layers") { g in
        var x = g.input("x", [8, 8])
        for _ in 0..<count { x = softmax(relu(x.matmul(x) + x)) + x }
        g.output("y", x)
      }
    }
    // A contraction and a row for each layer.
    #expect(fused.groups.count == 5_000)
  }
}

import DescentCompiler
import DescentGraph
import DescentRuntime
import Testing

/// Very long graphs go through every stage without recursion and without quadratic work.
@Suite struct ScaleTests {
  @Test func aHundredThousandNodesCompile() throws {
    let graph = Graph("chain") { g in
      var x = g.input("x", [4])
      let w = g.parameter("w", [4], .constant(0.5))
      for index in 0..<50_000 { x = index % 100 == 0 ? tanh(x * w) : x + w }
      g.output("loss", mean(x))
    }
    #expect(graph.nodes.count > 50_000)
    let plan = try graph.minimizing("loss", with: .sgd(0.1)).compile()
    _ = try plan.makeSession().run(["x": NDArray([1, 2, 3, 4])])
  }

  @Test func manyKernelsCompile() throws {
    let graph = Graph("kernels") { g in
      var x = g.input("x", [4, 4])
      for _ in 0..<3_000 { x = x.matmul(x) * 0.1 }
      g.output("y", x)
    }
    let plan = try graph.compile()
    #expect(plan.kernelCount == 3_000)
    #expect(plan.arenaBytes == plan.arenaLowerBound)
  }
}

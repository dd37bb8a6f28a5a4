import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Kernels change places where that needs less memory, and nowhere else.
@Suite struct MemoryOrderTests {
  /// Layers whose weights are updated with their gradients.
  private func layers(_ count: Int) throws -> Graph {
    try Graph("layers") { g in
      var x = g.input("x", [64, 32])
      for index in 0..<count { x = tanh(x.matmul(g.parameter("w\(index)", [32, 32], .heNormal))) }
      g.output("loss", mean(x))
    }.minimizing("loss", with: .sgd(0.1))
  }

  private func plan(_ graph: Graph, disabled: Set<String> = []) throws -> Plan {
    try graph.compile(options: CompileOptions(threads: 1, disabled: disabled))
  }

  @Test func weightsAreUpdatedAsSoonAsTheirGradientsAreKnown() throws {
    let graph = try layers(12)
    let (ordered, other) = (try plan(graph), try plan(graph, disabled: ["order"]))
    #expect(ordered.arenaLowerBound * 3 < other.arenaLowerBound * 2)
    let states = { (plan: Plan) in
      plan.program.kernels.indices.first { index in
        plan.program.kernels[index].operands.contains { operand in
          operand.access == .write && plan.program.buffers[operand.buffer].role == .state
        }
      }
    }
    #expect(try #require(states(ordered)) < #require(states(other)))
  }

  @Test func aStateChangesBehindTheChecksOfIndices() throws {
    let names = try plan(
      Graph("checks") { g in
        let state = g.state("s", [64, 4])
        let x = exp(g.input("x", [64, 4]))
        g.output("y", x.gather(g.input("i", [64], .i32)))
        g.update(state, to: x.reverse(axes: [0]) + state)
      }
    ).program.kernels.map(\.name)
    #expect(names == ["exp", "gather", "add"])
  }

  @Test func whatNeedsNoMoreStaysInItsPlace() throws {
    let graph = Graph("places") { g in
      let x = g.input("x", [64, 64])
      g.output("a", x.matmul(x))
      g.output("b", exp(x.transpose()))
      g.output("c", x.sum(axes: [1]))
    }
    let names = { (plan: Plan) in plan.program.kernels.map(\.name) }
    #expect(try names(plan(graph)) == names(plan(graph, disabled: ["order"])))
  }
}

import DescentGraph
import DescentPasses
import Testing

/// When factors behind a product become factors of its weights.
@Suite struct WeightScalingTests {
  /// Returns the rules that apply to a graph, of those that scale weights.
  private func rules(
    _ pass: Pass = .fastAlgebra(), _ body: (GraphBuilder) -> Void
  ) throws -> [String] {
    var journal = Journal()
    let graph = try pass.run(Graph("scaled", body).validated(), &journal)
    #expect(graph.verify() == [])
    return journal.entries.map(\.rule).filter { $0.hasPrefix("fast-scale") }
  }

  private func product(_ g: GraphBuilder) -> Tensor {
    g.input("x", [9, 4]).matmul(g.parameter("w", [4, 3]))
  }

  /// A bias between the product and its factors is scaled by itself.
  @Test func aFixedNormBehindABias() throws {
    let graph = Graph("norm") { g in
      let s = g.parameter("s", [3]) / sqrt(g.state("v", [3], .f32, .ones) + 1e-5)
      g.output("y", (product(g) + g.parameter("b", [3])) * s + 1.0)
    }
    var journal = Journal()
    let after = try Pass.fastAlgebra().run(graph, &journal)
    #expect(journal.entries.map(\.rule) == ["fast-scale-sum", "fast-scale-weights"])
    let muls = after.nodes.filter { $0.op == .elementwise(.binary(.mul)) }
    #expect(muls.map(\.type.shape) == [[4, 3], [3]])
  }

  @Test func aBatchNormOfInference() throws {
    let graph = Graph("norm") { g in
      let x = convolve(
        g.input("x", [2, 9, 8, 3]), g.parameter("w", [3, 3, 3, 5]), padding: .same)
      let y = batchNorm(
        x, mean: g.state("mean", [5], .f32, .zeros),
        variance: g.state("variance", [5], .f32, .ones),
        scale: g.parameter("scale", [5], .ones), shift: g.parameter("shift", [5]))
      g.output("y", relu(y))
    }
    let after = try Pipeline.list(fast: true).run(graph.bound(batch: 1)).graph
    let large = after.nodes.filter { $0.op.isElementwise && $0.type.shape == [2, 9, 8, 5] }
    #expect(large.map(\.op.name) == ["add", "relu"])
    #expect(FusedGraph(fusing: after).groups.count { !$0.isPrepared } == 1)
  }

  @Test func exactPassesLeaveIt() throws {
    let scaled = { (g: GraphBuilder) in g.output("y", product(g) * g.parameter("s", [3])) }
    #expect(try rules(.fastAlgebra(), scaled) == ["fast-scale-weights"])
    #expect(try rules(.algebra, scaled) == [])
    #expect(try rules(.fastAlgebra(prepares: false), scaled) == [])
  }

  @Test func whatIsUpdatedIsLeft() throws {
    for name in ["w", "s", "b"] {
      let rules = try rules { g in
        let leaves = [
          "w": g.parameter("w", [4, 3]), "b": g.parameter("b", [3]), "s": g.parameter("s", [3]),
        ]
        g.output("y", (g.input("x", [9, 4]).matmul(leaves["w"]!) + leaves["b"]!) * leaves["s"]!)
        g.update(leaves[name]!, to: leaves[name]! + 1.0)
      }
      #expect(rules == [], "\(name)")
    }
  }

  @Test func whatBecomesItselfIsScaled() throws {
    let rules = try rules { g in
      let (w, s) = (g.parameter("w", [4, 3]), g.parameter("s", [3]))
      g.output("y", g.input("x", [9, 4]).matmul(w) * s)
      g.update(w, to: w)
      g.update(s, to: s)
    }
    #expect(rules == ["fast-scale-weights"])
  }

  /// As a preparation computes chains of any length, they are fixed here too.
  @Test func whatFollowsInManyStepsIsScaled() throws {
    for count in [2, 200] {
      let rules = try rules { g in
        let w = (0..<count).reduce(g.parameter("w", [4, 3])) { w, _ in sin(w) }
        g.output("y", g.input("x", [9, 4]).matmul(w) * g.parameter("s", [3]))
      }
      #expect(rules == ["fast-scale-weights"], "\(count) steps")
    }
  }

  @Test func whatIsRandomOrMayFailIsLeft() throws {
    #expect(try rules { g in g.output("y", product(g) * g.uniform([3])) } == [])
    #expect(
      try rules { g in
        let s = g.parameter("s", [5]).gather(g.state("places", [3], .i32, .zeros))
        g.output("y", product(g) * s)
      } == [])
  }

  @Test func whatIsToBeTrainedIsLeft() throws {
    let graph = try Graph("trained") { g in
      g.output("loss", mean(square(product(g) * g.parameter("s", [3]))))
    }.minimizing("loss", with: .sgd(0.1))
    let journal = try Pipeline.list(fast: true).run(graph.bound(batch: 1)).journal
    #expect(!journal.entries.contains { $0.rule.hasPrefix("fast-scale") })
  }

  @Test func whatOthersReadIsLeft() throws {
    #expect(
      try rules { g in
        let y = product(g)
        g.output("y", y * g.parameter("s", [3]) + exp(y))
      } == [])
    #expect(
      try rules { g in
        let y = product(g) + g.parameter("b", [3])
        g.output("y", y * g.parameter("s", [3]) + exp(y))
      } == [])
  }

  @Test func factorsOfRowsAndInputsAreLeft() throws {
    #expect(try rules { $0.output("y", product($0) * $0.parameter("s", [9, 1])) } == [])
    #expect(try rules { $0.output("y", product($0) * $0.parameter("s", [9, 3])) } == [])
    #expect(try rules { $0.output("y", product($0) * $0.input("s", [3])) } == [])
    #expect(
      try rules { g in
        let y = g.input("x", [9, 4]).matmul(g.input("w", [4, 3]))
        g.output("y", y * g.parameter("s", [3]))
      } == [])
  }
}

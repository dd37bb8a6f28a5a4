import DescentGraph
import DescentPasses
import Testing

@Suite("Simplifying passes")
struct SimplifyTests {
  private func run(_ pass: Pass, _ graph: Graph) throws -> Graph {
    var journal = Journal()
    return try pass.run(graph.validated(), &journal)
  }

  @Test("equal nodes are computed once, commutative operands in either order")
  func merges() throws {
    let builder = GraphBuilder(name: "g", interning: false)
    let (x, y) = (builder.input("x", [4]), builder.input("y", [4]))
    builder.output("sum", (x * y) + (y * x))
    builder.output("difference", (x - y) + (y - x))
    builder.output("extremes", maximum(x, y) + maximum(y, x))
    var journal = Journal()
    let graph = try Pass.cse.run(builder.build().validated(), &journal)
    #expect(
      graph
        == Graph("g") { g in
          let (x, y) = (g.input("x", [4]), g.input("y", [4]))
          let product = x * y
          g.output("sum", product + product)
          g.output("difference", (x - y) + (y - x))
          g.output("extremes", maximum(x, y) + maximum(y, x))
        })
    #expect(journal.entries.map(\.text) == ["%3 mul: equal to %2"])
  }

  @Test("constants are equal by bits, paddings too")
  func mergesByBits() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", [4])
      g.output("constants", (x + 0.0) * (x + -0.0))
      g.output("paddings", x.pad(low: [1], high: [0], value: 0))
      g.output("others", x.pad(low: [1], high: [0], value: -0.0))
    }
    #expect(try run(.cse, graph) == graph)
    #expect(graph.output("paddings") != graph.output("others"))
  }

  @Test("what no result needs is dropped; declared inputs stay")
  func dropsDeadNodes() throws {
    let builder = GraphBuilder(name: "g")
    let (x, _) = (builder.input("x", [4]), builder.input("unused", [4]))
    let (w, s) = (builder.parameter("w", [4]), builder.state("s", [4]))
    _ = exp(x * w)
    let unread = builder.parameter("unread", [4])
    builder.update(s, to: x + s)
    builder.output("y", -x)
    var journal = Journal()
    let graph = try Pass.dead.run(builder.build().validated(), &journal)
    _ = unread
    #expect(
      graph
        == Graph("g") { g in
          let (x, _) = (g.input("x", [4]), g.input("unused", [4]))
          let s = g.state("s", [4])
          g.update(s, to: x + s)
          g.output("y", -x)
        })
    #expect(journal.entries.map(\.text) == ["4 of 9 nodes are needed by no result"])
    #expect(try run(.dead, graph) == graph)
  }

  @Test(
    "nothing to do leaves the graph as it is", arguments: ["cse", "algebra", "movement", "dead"])
  func doesNothing(_ name: String) throws {
    let graph = Graph("g") { g in
      let (x, w) = (g.input("x", [.batch, 4]), g.parameter("w", [4, 3]))
      let scores = x.matmul(w) + g.parameter("b", [3])
      g.output("loss", crossEntropy(scores, g.input("labels", [.batch], .i32)))
    }
    let passes: [Pass] = [.cse, .algebra, .movement, .dead]
    for pass in passes where pass.name == name {
      var journal = Journal()
      // Maxima are shielded by stopGradient, which an objective keeps.
      let objective = Objective(minimizing: "loss", with: .sgd(0.1))
      let before = graph.with(objective: objective)
      #expect(try pass.run(before, &journal) == before)
      #expect(journal.entries.isEmpty)
    }
  }

  @Test("the journal names pass, rule, node, equation and source line")
  func journal() throws {
    var journal = Journal()
    journal.pass = "algebra"
    let graph = Graph("g") { g in
      let x = g.input("x", [4])
      g.output("y", abs(abs(x, file: "m/net.swift", line: 7), file: "m/net.swift", line: 8))
    }
    _ = try Pass.algebra.run(graph, &journal)
    #expect(
      journal.entries.map(\.description) == [
        "algebra/abs-abs: %2 abs: abs(abs(x)) = abs(x)   // net.swift:8"
      ])
  }

  @Test("x + 0, x · 0, x − x and −(x − y) stay, since floats have two zeros and an infinity")
  func keepsWhatRounds() throws {
    let graph = Graph("g") { g in
      let (x, y) = (g.input("x", [4]), g.input("y", [4]))
      g.output("a", x + 0.0)
      g.output("b", x * 0.0)
      g.output("c", x - x)
      g.output("d", -(x - y))
      g.output("e", 0.0 - x)
      g.output("f", x / 3.0)
      g.output("g", x / 1e-45)
      g.output("h", not(x .< y))
      g.output("i", x .== x)
      g.output("j", maximum(g.constant(0.0).broadcast(to: [4]), x))
      g.output("k", g.input("m", [2, 1]).sum(axes: [1]))
      g.output("l", x.cast(to: .i32).cast(to: .f32))
      g.output("m", g.input("i", [4], .i32).cast(to: .f64).cast(to: .u8))
      g.output("n", x / 8.5e37)
    }
    #expect(try run(.algebra, graph) == graph)
    #expect(try run(.movement, graph) == graph)
  }

  @Test("while an objective waits, ties and stopGradient are left to differentiation")
  func keepsDerivatives() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", [])
      g.output("loss", maximum(stopGradient(x), 0.0))
    }
    let before = graph.with(objective: Objective(minimizing: "loss", with: .sgd(0.1)))
    #expect(try run(.algebra, before) == before)
    #expect(
      try run(.algebra, graph) == Graph("g") { g in g.output("loss", relu(g.input("x", []))) })
  }

  @Test("rounding equations apply only where they are asked for")
  func fast() throws {
    let graph = Graph("g") { g in g.output("y", g.input("x", [4]) + 0.0) }
    #expect(try run(.algebra, graph) == graph)
    #expect(
      try run(.fastAlgebra(), graph) == Graph("g") { g in g.output("y", g.input("x", [4])) })
  }

  @Test("a chain of 100,000 nodes is rewritten without recursion, in linear time")
  func longChain() throws {
    let graph = Graph("g") { g in
      var x = g.input("x", [4])
      for _ in 0..<50_000 { x = -(-x) }
      g.output("y", x)
    }
    #expect(try run(.algebra, graph).nodes.count == 1)
    let chain = Graph("g") { g in
      var x = g.input("x", [2, 4])
      for _ in 0..<33_333 {
        x = tanh(x.broadcast(to: [3, 2, 4])).slice(axis: 0, to: 1).reshape([2, 4])
      }
      g.output("y", x)
    }
    #expect(try run(.movement, chain).nodes.count <= chain.nodes.count)
  }
}

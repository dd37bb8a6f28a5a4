import DescentGraph
import DescentPasses
import Testing

/// What is differentiated, and what is left alone.
@Suite struct ReachTests {
  @Test func nothingIsAddedForDataOrUnreachedBranches() throws {
    let graph = Graph("reach") { g in
      let x = g.input("x", [.batch, 3])
      let w = g.parameter("w", [3, 2])
      let frozen = g.parameter("frozen", [2])
      let hidden = x.matmul(w)
      g.output("side", exp(hidden).sum() * frozen)
      g.output("loss", mean(square(hidden + stopGradient(tanh(frozen)))))
    }
    let step = try graph.gradient(of: "loss", withRespectTo: ["w"])
    let added = step.nodes[graph.nodes.count...]
    let contractions = added.filter { if case .contraction = $0.op { true } else { false } }
    #expect(contractions.map(\.type.shape) == [[3, 2]], "no gradient by x")
    #expect(!added.contains { ["exp", "tanh"].contains($0.op.name) }, "nothing is computed again")
    for node in added {
      #expect(!["∇exp", "∇tanh", "∇sum"].contains(node.origin.composite), "\(node.origin)")
    }
    #expect(step.outputs.map(\.name) == ["side", "loss", "dloss/dw"])
    #expect(Array(step.nodes[..<graph.nodes.count]) == graph.nodes)
  }

  @Test func nodesCarryTheOriginOfWhatTheyDifferentiate() throws {
    let graph = Graph("origins") { g in
      let x = g.input("x", [4], file: "Main/main.swift", line: 3)
      g.layers = ["1", "ReLU"]
      let y = relu(x, file: "Main/main.swift", line: 7)
      g.layers = []
      g.output("y", softplus(y, file: "Main/main.swift", line: 9))
    }
    let once = try graph.gradient(of: "y", withRespectTo: ["x"])
    let added = once.nodes[graph.nodes.count...]
    let origins = Set(added.map(\.origin))
    #expect(
      origins == [
        Origin(file: "main.swift", line: 9, composite: "∇softplus"),
        Origin(file: "main.swift", line: 7, layer: "1.ReLU", composite: "∇relu"),
      ])
    let twice = try once.gradient(of: "dy/dx", withRespectTo: ["x"])
    #expect(twice.nodes[once.nodes.count...].contains { $0.origin.composite == "∇∇softplus" })
  }

  @Test func sharesAddFromTheLastUserBack() throws {
    let graph = Graph("fan") { g in
      let x = g.input("x", [])
      g.output("y", sin(x) + exp(x) + x * x)
    }
    let gradient = try graph.gradient(of: "y", withRespectTo: ["x"])
    // The square's two shares come first, then that of exp, then that of sin.
    let value = try #require(gradient.output("dy/dx"))
    let outer = gradient[value]
    #expect(outer.op.name == "add")
    #expect(gradient[outer.operands[1]].origin.composite == "∇sin")
    let middle = gradient[outer.operands[0]]
    #expect(gradient[middle.operands[1]].origin.composite == "∇exp")
    #expect(gradient[gradient[middle.operands[0]].operands[0]].origin.composite == "∇mul")
  }

  @Test func anOutputThatIsTheLeafHasGradientOne() throws {
    let graph = Graph("identity") { g in
      let x = g.input("x", [3])
      g.output("x", x)
    }
    let gradient = try graph.gradient(of: "x", withRespectTo: ["x"])
    #expect(gradient.nodes.map(\.op.name) == ["input", "constant", "broadcast"])
  }

  @Test func aLongChainNeedsNoStackAndLinearTime() throws {
    func seconds(_ length: Int) throws -> Double {
      let graph = Graph("chain") { g in
        var x = g.input("x", [4])
        for _ in 0..<length { x = sin(x) }
        g.output("y", x)
      }
      let clock = ContinuousClock()
      let start = clock.now
      let gradient = try graph.gradient(of: "y", withRespectTo: ["x"])
      #expect(gradient.nodes.count == graph.nodes.count + 2 * length + 2)
      return (clock.now - start) / .seconds(1)
    }
    let short = try seconds(10_000)
    let long = try seconds(100_000)
    // Ten times the nodes may take ten times as long, and some noise.
    #expect(long < 30 * short + 1, "\(short) s and \(long) s")
  }
}

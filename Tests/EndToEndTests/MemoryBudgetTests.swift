import Descent
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Plans that must make do with less memory compute values again, to the same bits.
@Suite struct MemoryBudgetTests {
  private func outputs(_ graph: Graph, _ plan: Plan) throws -> [NDArray] {
    let session = try plan.makeSession(seed: 3)
    var random = SplitMix64(seed: 5)
    var arrays: [String: NDArray] = [:]
    for input in session.inputTypes {
      arrays[input.name] = NDArray(input.type, .ordinary, using: &random)
    }
    let results = try (0..<2).map { _ in try session.run(arrays) }
    return results.flatMap { $0.entries.map(\.array) } + session.state.entries.map(\.array)
  }

  /// A chain of layers whose activations all live until their gradients are computed.
  private func layers(_ count: Int) throws -> Graph {
    try Graph("layers") { g in
      var x = g.input("x", [64, 32], file: "m.swift", line: 1)
      for index in 0..<count {
        let w = g.parameter("\(index).w", [32, 32], .heNormal, file: "m.swift", line: 2)
        x = tanh(x.matmul(w, file: "m.swift", line: 3), file: "m.swift", line: 4)
      }
      g.output("loss", mean(x, file: "m.swift", line: 5))
    }.minimizing("loss", with: .sgd(0.1))
  }

  @Test func lessMemoryGivesTheSameBits() throws {
    let graph = try layers(12)
    let free = try graph.compile(options: CompileOptions(threads: 1))
    let expected = try outputs(graph, free)
    var sizes: [Int] = []
    for percent in [90, 75, 60] {
      let budget = free.arenaBytes * percent / 100
      for threads in [1, 2] {
        let options = CompileOptions(
          threads: threads, minimumWorkPerThread: 1, memoryBudget: budget)
        let plan = try graph.compile(options: options)
        #expect(plan.arenaBytes <= budget)
        #expect(plan.journal.entries.contains { $0.pass == "budget" && $0.rule == "recompute" })
        #expect(zip(try outputs(graph, plan), expected).allSatisfy { $0.equalsBits(of: $1) })
        sizes.append(plan.arenaBytes)
      }
    }
    #expect(sizes.last! < sizes.first!)
  }

  /// What products with fewer multiplications take is given back where a budget has no room for it.
  @Test func fastPlansKeepABudgetThatOthersKeep() throws {
    let graph = Graph("large") { g in
      g.output("y", g.input("x", [1024, 1024]).matmul(g.parameter("w", [1024, 1024], .heNormal)))
    }
    var options = CompileOptions(threads: 1, fast: true)
    let free = try graph.compile(options: options)
    #expect(free.graph.contractionCount == 49)
    options.memoryBudget = free.arenaBytes
    #expect(try graph.compile(options: options).graph.contractionCount == 49)
    options.memoryBudget = 1 << 20
    let plan = try graph.compile(options: options)
    #expect(plan.arenaBytes <= 1 << 20)
    #expect(plan.graph.contractionCount == 1)
    #expect(
      plan.journal.entries.filter { $0.pass == "budget" }.map(\.description) == [
        "budget/leave out: strassen: a run would take more than 1048576 B"
      ])
  }

  /// A budget that neither way keeps is refused as ever.
  @Test func fastPlansThrowWhatIsLive() throws {
    let graph = try layers(3)
    let errors = [false, true].map { fast in
      #expect(throws: GraphErrors.self) {
        try graph.compile(options: CompileOptions(threads: 1, fast: fast, memoryBudget: 1))
      }
    }
    #expect(errors[0].map { "\($0)" } == errors[1].map { "\($0)" })
  }

  @Test func aBudgetThatIsMetChangesNothing() throws {
    let graph = try layers(3)
    let free = try graph.compile(options: CompileOptions(threads: 1))
    let plan = try graph.compile(
      options: CompileOptions(threads: 1, memoryBudget: free.arenaBytes))
    #expect(plan.graph.text == free.graph.text)
    #expect(!plan.journal.entries.contains { $0.pass == "budget" })
  }

  @Test func whatCannotBeMetSaysWhatIsLive() throws {
    let graph = Graph("mean") { g in
      let x = exp(g.input("x", [64, 64], file: "m.swift", line: 1), file: "m.swift", line: 2)
      let y = x.matmul(x, file: "m.swift", line: 3)
      g.output("y", y.matmul(x, file: "m.swift", line: 4))
    }
    let errors = #expect(throws: GraphErrors.self) {
      try graph.compile(options: CompileOptions(threads: 1, memoryBudget: 20_000))
    }
    #expect(
      errors?.description == """
        error: compile: a run of graph "mean" takes 32768 bytes, and the budget is 20000
          hint: live at the peak, in kernel contract: %1 exp f32[64, 64] (m.swift:2): 16384 B; \
        %2 contract f32[64, 64] (m.swift:3): 16384 B
        """)
  }

  @Test func aTransformerBlockNeedsLess() throws {
    let graph = try Networks.transformerBlock(batch: 2, length: 32)
    let free = try graph.compile(options: CompileOptions(threads: 1))
    let budget = free.arenaBytes * 85 / 100
    let plan = try graph.compile(options: CompileOptions(threads: 1, memoryBudget: budget))
    #expect(plan.arenaBytes <= budget)
    let (found, expected) = (try outputs(graph, plan), try outputs(graph, free))
    #expect(zip(found, expected).allSatisfy { $0.equalsBits(of: $1) })
  }
}

extension Graph {
  fileprivate var contractionCount: Int {
    nodes.count { node in
      if case .contraction = node.op { true } else { false }
    }
  }
}

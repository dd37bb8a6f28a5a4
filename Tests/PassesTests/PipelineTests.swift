import DescentGraph
import DescentPasses
import Testing

@Suite("Pipeline")
struct PipelineTests {
  private let model = Graph("net") { g in
    let x = g.input("x", [8, 4])
    let hidden = relu(x.matmul(g.parameter("w", [4, 3])) + g.parameter("b", [3]))
    g.output("hidden", hidden)
    g.output("loss", crossEntropy(hidden, g.input("labels", [8], .i32)))
  }

  private func training() throws -> Graph {
    try model.minimizing("loss", with: .adam(1e-3, weightDecay: 1e-2, clipNorm: 1))
  }

  @Test("the list prints")
  func prints() {
    #expect(Pipeline.standard.fault == nil)
    #expect(Pipeline.list(fast: true).fault == nil)
    #expect(
      Pipeline.standard.description == """
         1. fold           computes what depends on constants alone; refuses constant indices out of range
         2. cse            computes equal nodes once
         3. algebra        applies equations between elementwise expressions
         4. movement       merges and drops movements
         5. differentiate  adds the gradient of the objective by each parameter as an output ∇parameter
         6. update         turns gradients into updates of the parameters and of the optimizer's state \
          (after differentiate)
         7. fold.2         computes what depends on constants alone; refuses constant indices out of range
         8. algebra.2      applies equations between elementwise expressions
         9. movement.2     merges and drops movements
        10. cse.2          computes equal nodes once
        11. rematerialise  computes cheap values again rather than storing them
        12. dead           drops nodes that no result needs
        """)
  }

  @Test("a pass that stands before one it requires is a fault")
  func requires() {
    #expect(
      Pipeline([.cse, .update, .differentiate]).fault
        == "pass update requires differentiate, which does not stand before it")
  }

  @Test("a training graph becomes updates; every pass is timed")
  func trains() throws {
    let pipeline = Pipeline.standard
    let result = try pipeline.run(try training())
    #expect(result.graph.objective == nil)
    #expect(result.graph.outputs.map(\.name) == ["hidden", "loss"])
    #expect(result.graph.updates.count > 4)
    #expect(result.timings.map(\.pass) == pipeline.labels)
    #expect(result.timings.allSatisfy { $0.nanoseconds > 0 })
    #expect(result.snapshots.isEmpty)
    let passes = Set(result.journal.entries.map(\.pass))
    #expect(passes.isSubset(of: pipeline.labels))
    #expect(passes.isSuperset(of: ["differentiate", "update"]))
    #expect(!result.graph.nodes.contains { $0.op == .elementwise(.unary(.stopGradient)) })
  }

  @Test("the same graph yields the same graph, names and journal")
  func isDeterministic() throws {
    let (one, two) = (
      try Pipeline.standard.run(try training()), try Pipeline.standard.run(try training())
    )
    #expect(one.graph == two.graph)
    #expect(one.journal.entries.map(\.description) == two.journal.entries.map(\.description))
  }

  @Test("what the pipeline has done it does not do again")
  func isIdempotent() throws {
    let once = try Pipeline.standard.run(try training()).graph
    let twice = try Pipeline.standard.run(once)
    #expect(twice.graph == once)
    #expect(twice.journal.entries.map(\.description) == [])
  }

  @Test("a pipeline stops after a number of passes or a pass")
  func stops() throws {
    let labels = Pipeline.standard.labels
    var options = Pipeline.Options()
    options.keepsSnapshots = true
    let all = try Pipeline.standard.run(try training(), options)
    for count in 0...labels.count {
      options.stop = .count(count)
      let result = try Pipeline.standard.run(try training(), options)
      #expect(result.snapshots.map(\.pass) == Array(labels.prefix(count)))
      #expect(result.graph == (count == 0 ? try training() : all.snapshots[count - 1].graph))
    }
    options.stop = .pass("algebra.2")
    #expect(
      try Pipeline.standard.run(try training(), options).timings.last?.pass == "algebra.2")
  }

  @Test("passes and rules are switched off by name, all of a name or one")
  func switchesOff() throws {
    var options = Pipeline.Options()
    options.disabled = ["cse", "algebra.2"]
    let result = try Pipeline.standard.run(try training(), options)
    let expected = Pipeline.standard.labels.filter { !["cse", "cse.2", "algebra.2"].contains($0) }
    #expect(result.timings.map(\.pass) == expected)
    options.disabled = ["stop-gradient"]
    let walled = try Pipeline.standard.run(model, options).graph
    #expect(walled.nodes.contains { $0.op == .elementwise(.unary(.stopGradient)) })
  }

  @Test("names that do not exist, and passes that cannot be missed, are errors")
  func refuses() throws {
    var options = Pipeline.Options()
    options.disabled = ["algebar", "update"]
    options.stop = .pass("nowhere")
    let labels = Pipeline.standard.labels.joined(separator: ", ")
    do {
      _ = try Pipeline.standard.run(try training(), options)
      Issue.record("no error was thrown")
    } catch let errors as GraphErrors {
      #expect(
        errors.description == """
          error: pipeline: there is no pass or rule "algebar" to switch off
            hint: the passes are \(labels)
          error: pipeline: update cannot be switched off: output "loss" is minimised
            hint: compile the graph without minimizing
          error: pipeline: there is no pass "nowhere" to stop after
            hint: the passes are \(labels)
          """)
    }
    options.stop = nil
    options.disabled = ["differentiate", "update"]
    #expect(try Pipeline.standard.run(model, options).graph.outputs.count == 2)
  }

  @Test("mistakes of the graph are thrown before any pass")
  func throwsMistakes() {
    let graph = Graph("g") { g in
      g.output("y", g.input("x", [4]).reshape([3], file: "m/net.swift", line: 3))
    }
    #expect(throws: GraphErrors.self) { _ = try Pipeline.standard.run(graph) }
  }

  @Test("a pass that loses an output traps and is named")
  func blamesThePass() async {
    await #expect(processExitsWith: .failure) {
      let bad = Pass("lossy", "forgets its outputs") { graph, journal throws(GraphErrors) in
        Graph("empty") { _ in }
      }
      var options = Pipeline.Options()
      options.verifies = true
      let graph = Graph("g") { g in g.output("y", g.input("x", [4])) }
      _ = try Pipeline([bad]).run(graph, options)
    }
  }
}

import DescentGraph
import DescentPasses
import Testing

/// What the two passes make of an objective, and what they refuse.
@Suite struct UpdatePassTests {
  private func perceptron(_ optimizer: Optimizer) throws -> Graph {
    let graph = Graph("perceptron") { g in
      let x = g.input("x", [.batch, 3])
      let w = g.parameter("w", [3, 2], file: "main.swift", line: 4)
      let b = g.parameter("b", [2], file: "main.swift", line: 5)
      let blind = g.parameter("blind", [2], file: "main.swift", line: 6)
      let idle = g.parameter("idle", [2], file: "main.swift", line: 7)
      g.output("idle", idle * 2.0)
      g.output("loss", mean(square(x.matmul(w) + b + stopGradient(blind))))
    }
    return try graph.minimizing("loss", with: optimizer)
  }

  private func train(_ graph: Graph) throws -> (graph: Graph, journal: Journal) {
    var journal = Journal()
    journal.pass = "differentiate"
    let gradients = try Pass.differentiate.run(graph, &journal)
    journal.pass = "update"
    return (try Pass.update.run(gradients, &journal), journal)
  }

  private func updated(_ graph: Graph) -> [String] {
    graph.updates.map { update in
      guard case .leaf(let leaf) = graph[update.leaf].op else { return "?" }
      return "\(leaf.leafName ?? "?") \(graph[update.value].type)"
    }
  }

  @Test func gradientsAreOutputsBetweenThePasses() throws {
    let graph = try perceptron(.sgd(0.1))
    var journal = Journal()
    let gradients = try Pass.differentiate.run(graph, &journal)
    #expect(gradients.outputs.map(\.name) == ["idle", "loss", "∇w", "∇b"])
    #expect(gradients.objective == graph.objective)
    let step = try Pass.update.run(gradients, &journal)
    #expect(step.outputs.map(\.name) == ["idle", "loss"])
    #expect(step.objective == nil)
    #expect(Pass.update.requires == ["differentiate"])
  }

  @Test func plainDescentKeepsNoSlots() throws {
    #expect(
      updated(try train(try perceptron(.sgd(0.1))).graph) == [
        "optimizer.step i64[]", "w f32[3, 2]", "b f32[2]",
      ])
  }

  @Test func momentumAndMomentsAreState() throws {
    #expect(
      updated(try train(try perceptron(.sgd(0.1, momentum: 0.9))).graph) == [
        "optimizer.step i64[]", "w.momentum f32[3, 2]", "w f32[3, 2]", "b.momentum f32[2]",
        "b f32[2]",
      ])
    let adam = try train(try perceptron(.adamW())).graph
    #expect(
      updated(adam) == [
        "optimizer.step i64[]", "w.m f32[3, 2]", "w.v f32[3, 2]", "w f32[3, 2]", "b.m f32[2]",
        "b.v f32[2]", "b f32[2]",
      ])
    let slot = try #require(adam.leaf("w.m"))
    #expect(adam[slot].origin == Origin(file: "main.swift", line: 4, composite: "adamW"))
  }

  @Test func theJournalSaysWhatIsTrainedAndWhatIsNot() throws {
    let journal = try train(try perceptron(.adam())).journal
    #expect(
      journal.entries.map(\.description) == [
        "differentiate/gradient: dloss/dw is a value to compute   // main.swift:4",
        "differentiate/gradient: dloss/db is a value to compute   // main.swift:5",
        "differentiate/unreached: \"blind\" keeps its value: \"loss\" depends on it only through "
          + "operations without a gradient   // main.swift:6",
        "differentiate/unreached: \"idle\" keeps its value: \"loss\" does not depend on it"
          + "   // main.swift:7",
        "update/parameter: \"w\" by adam   // main.swift:4",
        "update/parameter: \"b\" by adam   // main.swift:5",
      ])
  }

  @Test func graphsWithoutAnObjectiveStayAsTheyAre() throws {
    let graph = try perceptron(.sgd(1)).with(objective: nil)
    #expect(try train(graph).graph == graph)
  }

  @Test func updatesTheUserWroteStay() throws {
    let graph = Graph("statistics") { g in
      let w = g.parameter("w", [2])
      let seen = g.state("seen", [])
      g.update(seen, to: seen + 1.0)
      g.output("loss", square(w).sum())
    }
    let step = try train(try graph.minimizing("loss", with: .sgd(0.1))).graph
    #expect(updated(step) == ["seen f32[]", "optimizer.step i64[]", "w f32[2]"])
  }

  @Test func clippingAndTheRuleAreNamedInOrigins() throws {
    let step = try train(try perceptron(.sgd(0.1, weightDecay: 0.1, clipNorm: 1))).graph
    let names = Set(step.nodes.map(\.origin.composite))
    #expect(names.contains("clip"))
    #expect(names.contains("sgd"))
  }
}

/// What is refused, in the words the user reads.
@Suite struct UpdateErrorTests {
  private func message(_ body: () throws -> Graph) -> String {
    do {
      _ = try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  private func train(_ optimizer: Optimizer, _ body: (GraphBuilder) -> Void) -> String {
    message {
      var journal = Journal()
      let graph = try Graph("errors", body).minimizing("loss", with: optimizer)
      return try Pass.update.run(try Pass.differentiate.run(graph, &journal), &journal)
    }
  }

  private func refusal(_ optimizer: Optimizer) -> String {
    train(optimizer) { g in g.output("loss", square(g.parameter("w", [2])).sum()) }
  }

  @Test func ratesMomentaAndBounds() {
    #expect(
      refusal(.sgd(0)) == "error: optimizer: the learning rate is 0.0, not a number above 0")
    #expect(
      refusal(.sgd(.nan, momentum: 1, weightDecay: -0.5, clipNorm: 0)) == """
        error: optimizer: the learning rate is nan, not a number above 0
        error: optimizer: momentum is 1.0, not at least 0 and below 1
        error: optimizer: the weight decay is -0.5, not a number at or above 0
        error: optimizer: the clipping norm is 0.0, not a number above 0
        """)
    #expect(
      refusal(.adamW(.infinity, beta1: -0.1, beta2: 1, epsilon: 0, weightDecay: .nan)) == """
        error: optimizer: the learning rate is inf, not a number above 0
        error: optimizer: beta1 is -0.1, not at least 0 and below 1
        error: optimizer: beta2 is 1.0, not at least 0 and below 1
        error: optimizer: epsilon is 0.0, not a number above 0
        error: optimizer: the weight decay is nan, not a number at or above 0
        """)
  }

  @Test func numbersThatSinglePrecisionRoundsAway() {
    #expect(
      refusal(.adam(beta2: 1 - 1e-12, epsilon: 1e-50)) == """
        error: optimizer: beta2 is 0.999999999999, not at least 0 and below 1
        error: optimizer: epsilon is 1e-50, not a number above 0
        """)
  }

  @Test func nothingToTrain() {
    #expect(
      train(.sgd(0.1)) { g in g.output("loss", g.input("x", [3]).sum()) } == """
        error: minimizing: there is no parameter that could make "loss" less
          hint: declare what training is to change with g.parameter
        """)
    let text = train(.sgd(0.1)) { g in
      let w = g.parameter("w", [3], file: "main.swift", line: 2)
      _ = g.parameter("idle", [3], file: "main.swift", line: 3)
      g.output("loss", round(w, file: "main.swift", line: 4).sum())
    }
    #expect(
      text == """
        main.swift:4: error: gradient: "loss" does not depend on "w" through differentiable \
        operations: round has no gradient because its derivative is 0 wherever it has one
        main.swift:3: error: gradient: "loss" does not depend on "idle"
        """)
  }

  @Test func namesTheOptimizerNeeds() {
    let text = train(.sgd(0.1, momentum: 0.9)) { g in
      let w = g.parameter("w", [2], file: "main.swift", line: 3)
      _ = g.state("w.momentum", [2])
      g.output("loss", square(w).sum())
    }
    #expect(
      text == """
        main.swift:3: error: state: the name "w.momentum" is taken
          hint: give each leaf its own name
        """)
  }

  @Test func aParameterTheUserUpdates() {
    let text = train(.sgd(0.1)) { g in
      let w = g.parameter("w", [2], file: "main.swift", line: 3)
      g.update(w, to: w * 0.5)
      g.output("loss", square(w).sum())
    }
    #expect(text == "main.swift:3: error: update: \"w\" is updated twice")
  }

  @Test func passesOutOfOrder() {
    let text = message {
      var journal = Journal()
      let graph = Graph("order") { g in g.output("loss", square(g.parameter("w", [2])).sum()) }
      return try Pass.update.run(try graph.minimizing("loss", with: .sgd(0.1)), &journal)
    }
    #expect(
      text == "error: update: there are no gradients; the pass differentiate has to run first")
  }
}

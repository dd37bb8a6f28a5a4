import DescentGraph
import Testing

@Suite struct RewritingTests {
  private let graph = Graph("g") { g in
    let x = g.input("x", [.batch, 2])
    let w = g.parameter("w", [2, 2])
    let y = x.matmul(w)
    g.output("y", y)
    g.output("z", y + y)
    g.update(w, to: w + 1.0)
  }

  @Test func copyingKeepsTheGraph() throws {
    for interning in [true, false] {
      let copy = try graph.rewritten(interning: interning) {
        value, operands, builder throws(GraphError) in
        try builder.copy(graph[value], operands)
      }
      #expect(copy == graph)
      #expect(copy.nodes.map(\.origin) == graph.nodes.map(\.origin))
    }
  }

  @Test func replacementsReachUsersOutputsAndUpdates() throws {
    let one = Op.leaf(.constant(NDArray([1, 1, 1, 1] as [Float], dimensions: [2, 2])))
    let weight = try #require(graph.leaf("w"))
    let doubled = try graph.rewritten { value, operands, builder throws(GraphError) in
      let new = try builder.copy(graph[value], operands)
      guard value != weight, graph[value].op == .elementwise(.binary(.add)) else { return new }
      guard graph[value].type.shape == [2, 2] else { return operands[0] }
      return try builder.insert(one, origin: graph[value].origin)
    }
    #expect(doubled.output("z") == doubled.output("y"))
    #expect(doubled[doubled.updates[0].value].op == one)
    #expect(doubled[doubled.updates[0].value].origin.line != 0)
  }

  @Test func droppingTakesUsersAlong() throws {
    let unused = Graph("g") { g in
      let x = g.input("x", [2])
      _ = exp(log(x))
      g.output("y", x)
    }
    let live = try unused.rewritten { value, operands, builder throws(GraphError) in
      if unused[value].op == .elementwise(.unary(.log)) { return nil }
      return try builder.copy(unused[value], operands)
    }
    #expect(live.nodes.count == 1)
  }

  @Test func withoutInterningEqualNodesStayApart() throws {
    func twice(interning: Bool) throws -> Int {
      try graph.rewritten(interning: interning) { value, operands, builder throws(GraphError) in
        if graph[value].op.name == "contract" { _ = try builder.copy(graph[value], operands) }
        return try builder.copy(graph[value], operands)
      }.nodes.count
    }
    #expect(try twice(interning: true) == graph.nodes.count)
    #expect(try twice(interning: false) == graph.nodes.count + 1)
  }

  @Test func mistakesOfTheRuleAreGatheredWithTheirOrigins() {
    let error = #expect(throws: GraphErrors.self) {
      try graph.rewritten { value, operands, builder throws(GraphError) in
        switch graph[value].op.name {
        case "contract": throw GraphError("no contractions")
        case "constant": throw GraphError("no constants")
        default: return try builder.copy(graph[value], operands)
        }
      }
    }
    #expect(
      error?.description == """
        RewritingTests.swift:8: error: no contractions
        RewritingTests.swift:10: error: no constants
        """)
  }

  @Test func aGraphWithMistakesIsRefused() {
    let broken = Graph("g") { g in g.output("y", g.input("x", [2]) + g.input("x", [2])) }
    #expect(throws: GraphErrors(broken.errors)) {
      try broken.rewritten { _, _, _ in nil }
    }
  }

  @Test func anUpdateWhoseLeafIsReplacedByAnotherNodeIsRefused() {
    let error = #expect(throws: GraphErrors.self) {
      try graph.rewritten { value, operands, builder throws(GraphError) in
        if graph[value].op.name == "parameter" {
          return try builder.insert(
            .leaf(.input(name: "w", graph[value].type)), origin: graph[value].origin)
        }
        return try builder.copy(graph[value], operands)
      }
    }
    #expect(error?.errors.map(\.message) == ["update: only a parameter or state can be updated"])
  }
}

import DescentGraph
import Testing

@Suite struct InterpreterTests {
  private let step = Graph("step") { g in
    let x = g.input("x", [2])
    let w = g.parameter("w", [2])
    let n = g.state("n", [], .i64)
    g.output("y", x * w)
    g.update(w, to: w + x)
    g.update(n, to: n + 1.0)
  }

  @Test func outputsSeeTheStateBeforeTheRun() throws {
    let result = try Interpreter().run(
      step, inputs: ["x": NDArray([3, 5] as [Float])],
      state: [
        "w": NDArray([2, 10] as [Float]), "n": NDArray(.i64([41]), dimensions: []),
      ])
    #expect(result.outputs.map(\.name) == ["y"])
    #expect(result["y"] == NDArray([6, 50] as [Float]))
    #expect(result["z"] == nil)
    #expect(
      result.state == [
        "w": NDArray([5, 15] as [Float]), "n": NDArray(.i64([42]), dimensions: []),
      ])
    #expect(result.values.isEmpty)
  }

  @Test func parametersWithoutAnUpdateStay() throws {
    let graph = Graph("g") { g in g.output("y", exp(g.parameter("w", [1]))) }
    let w = NDArray([0] as [Float])
    let result = try Interpreter().run(graph, state: ["w": w])
    #expect(result.state == ["w": w])
    #expect(result["y"] == NDArray([1] as [Float]))
  }

  @Test func everyValueIsKeptOnRequest() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", [2])
      g.output("y", -(x + x))
    }
    let x = NDArray([1, 2] as [Float])
    let result = try Interpreter(keepsValues: true).run(graph, inputs: ["x": x])
    #expect(
      result.values == [x, NDArray([2, 4] as [Float]), NDArray([-2, -4] as [Float])])
  }

  @Test func everythingWrongWithInputsAndStateIsReported() {
    let error = #expect(throws: GraphErrors.self) {
      try Interpreter().run(
        step, inputs: ["x": NDArray([1, 2, 3] as [Float]), "y": NDArray(scalar: 1)],
        state: ["w": NDArray([1, 2] as [Int32])])
    }
    #expect(
      error?.description == """
        InterpreterTests.swift:6: error: run: input "x" is f32[2], not f32[3]
        error: run: there is no input "y"
          hint: the graph has "x"
        InterpreterTests.swift:7: error: run: parameter "w" is f32[2], not i32[2]
        InterpreterTests.swift:8: error: run: state "n", i64[], is missing
        """)
  }

  @Test func aGraphMustBeBoundAndWithoutObjective() throws {
    let graph = try Graph("g") { g in
      let x = g.input("x", [.batch])
      g.output("loss", (x * g.parameter("w", [])).sum())
    }.minimizing("loss", with: .sgd(0.1))
    let error = #expect(throws: GraphErrors.self) { try Interpreter().run(graph) }
    #expect(
      error?.description == """
        error: run: graph "g" still has an objective
          hint: differentiate it first, which turns the objective into updates
        error: run: graph "g" still waits for its batch size
          hint: bind it first, as in graph.bound(batch: 32)
        """)
  }

  @Test func mistakesMadeWhileBuildingAreThrown() {
    let graph = Graph("g") { g in g.output("y", g.input("x", [2]) + g.input("y", [3])) }
    let error = #expect(throws: GraphErrors.self) { try Interpreter().run(graph) }
    #expect(error?.errors == graph.errors)
  }

  @Test func anIndexOutOfRangeIsReportedWhereItWasWritten() {
    let graph = Graph("g") { g in
      let i = g.input("i", [4], .i32)
      g.output("hot", i.oneHot(10))
      g.output("taken", g.input("x", [3]).gather(i))
    }
    let error = #expect(throws: GraphErrors.self) {
      try Interpreter().run(
        graph,
        inputs: ["i": NDArray([0, 9, -1, 10] as [Int32]), "x": NDArray([1, 2, 3] as [Float])])
    }
    #expect(
      error?.description == """
        InterpreterTests.swift:89: error: oneHot: index -1 at position 2 is outside 0..<10
        InterpreterTests.swift:90: error: gather: index 9 at position 1 is outside 0..<3
        """)
  }

  @Test func aLongChainNeedsNoRecursion() throws {
    let graph = Graph("g") { g in
      var x = g.input("x", [1])
      for _ in 0..<20_000 { x = x + 1.0 }
      g.output("y", x)
    }
    #expect(
      try Interpreter().run(graph, inputs: ["x": NDArray([0] as [Float])])["y"]
        == NDArray([20_000] as [Float]))
  }

  @Test func aWidenedGraphComputesInDoublePrecision() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", [2])
      let i = g.input("i", [2], .i32)
      let hot = i.oneHot(2)
      g.output("y", (exp(x) * 0.1 + i.cast(to: .f32)).sum() + hot.sum())
      g.update(g.parameter("w", [2], .values(NDArray([1, 2] as [Float]))), to: sin(x))
    }
    let wide = try graph.widened()
    #expect(wide.nodes.allSatisfy { $0.type.dataType != .f32 })
    #expect(wide.nodes.count == graph.nodes.count)
    let result = try Interpreter().run(
      wide,
      inputs: ["x": NDArray(.f64([0, 1]), dimensions: [2]), "i": NDArray([0, 1] as [Int32])],
      state: ["w": NDArray(.f64([0, 0]), dimensions: [2])])
    let y = try #require(result["y"]?.doubles.first)
    // The factor was rounded to single precision before it was widened.
    #expect(abs(y - (3 + Double(Float(0.1)) * 3.718281828459045)) < 1e-14)
    #expect(result.state["w"]?.doubles[1] == 0.8414709848078965)
  }
}

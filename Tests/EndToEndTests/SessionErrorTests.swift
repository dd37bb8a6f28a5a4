import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import Testing

/// What a user is told when a graph or what a session is given is wrong, word for word.
@Suite struct SessionErrorTests {
  private func classifier() throws -> Session {
    let graph = Graph("classifier") { g in
      let x = g.input("x", [.batch, 3])
      let y = g.input("y", [.batch], .i32)
      let weight = g.parameter("weight", [3, 4], .glorotUniform)
      g.output("loss", crossEntropy(x.matmul(weight), y, file: "T/main.swift", line: 12))
    }
    return try graph.minimizing("loss", with: .sgd(0.1)).compile(batch: 2).makeSession(seed: 1)
  }

  private let x = NDArray([1, 2, 3, 4, 5, 6], dimensions: [2, 3])
  private let y = NDArray([0, 3] as [Int32])

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "nothing was thrown"
    } catch {
      return "\(error)"
    }
  }

  @Test func unknownInput() throws {
    let session = try classifier()
    #expect(
      message { _ = try session(x: x, z: y) } == """
        error: session: there is no input "z"
          hint: the plan has "x", "y"
        """)
  }

  @Test func unknownOutput() throws {
    let results = try classifier()(x: x, y: y)
    #expect(
      message { _ = try results.accuracy } == """
        error: session: there is no output "accuracy"
          hint: the plan has "loss"
        """)
    #expect(try results.loss == results["loss"])
    #expect(results["accuracy"] == nil)
    let graph = Graph("counter") { g in
      let count = g.state("count", [], .f32, .zeros)
      g.update(count, to: count + 1)
    }
    #expect(
      message { _ = try graph.compile().makeSession().run([:]).count } == """
        error: session: there is no output "count"
          hint: the plan has none
        """)
  }

  @Test func missingInput() throws {
    let session = try classifier()
    #expect(
      message { _ = try session(x: x) } == """
        error: session: input "y" is missing
        """)
  }

  @Test func wrongShape() throws {
    let session = try classifier()
    #expect(
      message { _ = try session(x: x.reshaped([3, 2]), y: y) } == """
        error: session: input "x" is f32[3, 2], expected f32[2, 3]
        """)
  }

  @Test func wrongElementType() throws {
    let session = try classifier()
    #expect(
      message { _ = try session(x: x, y: NDArray([0, 3])) } == """
        error: session: input "y" is f32[2], expected i32[2]
          hint: convert the elements to i32
        """)
    #expect(
      message { try session.withInput("x", of: Int32.self) { _ in } } == """
        error: session: input "x" is f32[2, 3], not i32
        """)
  }

  @Test func anIndexOutOfRangeChangesNoState() throws {
    // In each graph one kernel both checks the indices and computes the new state.
    let graphs = [
      Graph("scatter") { g in
        let places = g.input("places", [2], .i32)
        let state = g.state("state", [3])
        g.update(state, to: state.scatterAdd(places, g.input("x", [2])))
      },
      Graph("gather") { g in
        let places = g.input("places", [2], .i32)
        let state = g.state("state", [2])
        g.update(state, to: g.input("x", [2]).gather(places))
      },
      Graph("sum") { g in
        let places = g.input("places", [2], .i32)
        let state = g.state("state", [2])
        g.update(state, to: state + sin(g.input("x", [2]).gather(places)))
      },
    ]
    for graph in graphs {
      for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
        let session = try graph.compile(options: CompileOptions(backend: backend)).makeSession()
        _ = try session(places: NDArray([0, 1] as [Int32]), x: NDArray([1, 2]))
        let before = session.state
        #expect(throws: RuntimeError.self) {
          _ = try session(places: NDArray([1, 3] as [Int32]), x: NDArray([1, 2]))
        }
        #expect(session.state == before, "\(graph.name), \(backend)")
      }
    }
  }

  @Test func classIndexOutOfRange() throws {
    let session = try classifier()
    let before = session.state
    #expect(
      message { _ = try session(x: x, y: NDArray([0, 4] as [Int32])) } == """
        error: main.swift:12: oneHot: index 4 at position 1 of input "y" is outside 0..<4
          hint: nothing was changed by this run
        """)
    #expect(session.state == before)
    #expect(
      message { _ = try session(x: x, y: NDArray([-1, 0] as [Int32])) } == """
        error: main.swift:12: oneHot: index -1 at position 0 of input "y" is outside 0..<4
          hint: nothing was changed by this run
        """)
    #expect(session.state == before)
    // The session is as good as before.
    _ = try session(x: x, y: y)
    #expect(session.state != before)
  }

  @Test func computedIndexOutOfRange() throws {
    let graph = Graph("computed") { g in
      let table = g.parameter("table", [3, 2], .ones)
      let i = g.input("i", [2], .i32)
      g.output("rows", table.gather(i + 1.0, file: "T/main.swift", line: 7))
    }
    let session = try graph.compile().makeSession()
    #expect(
      message { _ = try session(i: NDArray([0, 2] as [Int32])) } == """
        error: main.swift:7: gather: an index is outside 0..<3
          hint: nothing was changed by this run
        """)
  }

  @Test func threeMistakesAreReportedTogether() {
    let graph = Graph("wrong") { g in
      let x = g.input("x", [.batch, 16], file: "T/main.swift", line: 3)
      let w = g.parameter("w", [8, 4], file: "T/main.swift", line: 4)
      let product = x.matmul(w, file: "T/main.swift", line: 5)
      let labels = g.input("y", [.batch, 1], file: "T/main.swift", line: 6)
      g.output("unused", relu(product, file: "T/main.swift", line: 7))
      let sum = x.sum(axes: [2], file: "T/main.swift", line: 8)
      g.output("sum", sum)
      g.output("loss", crossEntropy(x, labels, file: "T/main.swift", line: 9))
    }
    #expect(
      message { _ = try graph.compile(batch: 1) } == """
        main.swift:5: error: matmul: inner extents differ: 16 in [batch, 16] and 8 in [8, 4]
        main.swift:8: error: sum: axis 2 is not an axis of [batch, 16]
        main.swift:9: error: crossEntropy: labels f32[batch, 1] do not fit scores f32[batch, 16]
          hint: give class indices i32[batch] or probabilities f32[batch, 16]
        """)
  }

  @Test func labelsThatWouldRepeatAreRefused() {
    let graph = Graph("labels") { g in
      let scores = g.input("scores", [.batch, 10])
      let labels = g.input("labels", [.batch, 1], .i32)
      g.output("loss", crossEntropy(scores, labels, file: "T/main.swift", line: 4))
      g.output("mse", mse(scores, g.input("t", [.batch, 1]), file: "T/main.swift", line: 5))
    }
    #expect(
      message { _ = try graph.compile(batch: 1) } == """
        main.swift:4: error: crossEntropy: labels i32[batch, 1] do not fit scores f32[batch, 10]
          hint: give class indices i32[batch] or probabilities f32[batch, 10]
        main.swift:5: error: mse: prediction [batch, 10] and target [batch, 1] differ in shape
          hint: reshape one of them; losses do not repeat their operands
        """)
  }

  @Test func whatCompilingNeeds() throws {
    let graph = Graph("needs") { g in
      let x = g.input("x", [.batch, 2])
      g.output("y", x + g.parameter("w", [2]))
    }
    #expect(
      message { _ = try graph.compile() } == """
        error: compile: graph "needs" depends on the batch size
          hint: give it with compile(batch:)
        """)
    #expect(
      message { _ = try graph.compile(batch: 0) } == """
        error: compile: the batch size is 0, not at least 1
        """)
    #expect(
      message { _ = try graph.compile(batch: 1, outputs: ["z"]) } == """
        error: compile: there is no output "z"
          hint: the graph has "y"
        """)
    #expect(
      message { _ = try graph.compile(batch: 1, options: CompileOptions(threads: 0)) } == """
        error: compile: the number of threads is 0, not at least 1
        """)
    #expect(
      message { _ = try graph.compile(batch: 1, options: CompileOptions(disabled: ["fsue"])) }
        .hasPrefix("error: pipeline: there is no pass or rule \"fsue\" to switch off"))
    let wrong = State([State.Entry("w", NDArray([1, 2, 3]))])
    #expect(
      message { _ = try graph.compile(batch: 1, state: wrong) }.hasSuffix(
        "error: compile: parameter \"w\" is f32[2], but the given state has f32[3]"))
    #expect(
      message { try graph.compile(batch: 1).makeSession().load(wrong) } == """
        error: session: state "w" is f32[3], expected f32[2]
        """)
    #expect(
      message { try graph.compile(batch: 1).makeSession().load(State()) } == """
        error: session: the state has no "w"
        """)
  }

  @Test func doublePrecisionIsForTheInterpreter() {
    let graph = Graph("wide") { g in
      let x = g.input("x", [2], .f64, file: "T/main.swift", line: 2)
      g.output("y", exp(x, file: "T/main.swift", line: 3))
    }
    #expect(
      message { _ = try graph.compile() } == """
        main.swift:2: error: compile: input has type f64[2], and f64 runs in the interpreter only
          hint: cast to f32
        """)
  }
}

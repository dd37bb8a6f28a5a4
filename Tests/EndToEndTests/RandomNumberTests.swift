import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Random numbers of plans: the same on every backend and any number of threads, resumable, never stored.
@Suite struct RandomNumberTests {
  private func numbers(_ shape: Shape) -> Graph {
    Graph("numbers") { g in
      g.output("uniform", g.uniform(shape))
      g.output("normal", g.normal(shape))
      g.output("bernoulli", g.bernoulli(0.3, shape))
    }
  }

  private func options(_ threads: Int, _ backend: Backend? = nil) -> CompileOptions {
    CompileOptions(threads: threads, poison: true, minimumWorkPerThread: 1, backend: backend)
  }

  @Test(arguments: [Shape([7]), Shape([100, 37]), Shape([3, 5, 4, 11]), Shape.scalar])
  func theInterpreterDrawsTheSame(_ shape: Shape) throws {
    let plan = try numbers(shape).compile(options: options(1))
    var state = plan.graph.initialState(seed: 5)
    let sessions = try Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }.flatMap {
      backend in
      try [1, 3].map {
        try numbers(shape).compile(options: options($0, backend)).makeSession(seed: 5)
      }
    }
    for step in 0..<3 {
      let named = Dictionary(uniqueKeysWithValues: state.entries.map { ($0.name, $0.array) })
      let expected = try Interpreter().run(plan.graph, state: named)
      for session in sessions {
        let found = try session.run([:])
        for output in expected.outputs {
          let isEqual = found[output.name]?.equalsBits(of: output.array) == true
          #expect(isEqual, "\(output.name) of \(shape) in run \(step)")
        }
      }
      for (name, array) in expected.state { state[name] = array }
    }
  }

  @Test func numbersHaveTheirDistribution() throws {
    let count = 200_000.0
    let found = try numbers([200, 1000]).compile().makeSession(seed: 11).run([:])
    let uniform = try #require(found["uniform"]).doubles
    let normal = try #require(found["normal"]).doubles
    func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
    #expect(abs(mean(uniform) - 0.5) < 3 * (1.0 / 12 / count).squareRoot())
    #expect(uniform.allSatisfy { $0 >= 0 && $0 < 1 })
    #expect(abs(mean(normal)) < 3 / count.squareRoot())
    #expect(abs(mean(normal.map { $0 * $0 }) - 1) < 3 * (2 / count).squareRoot())
    let share = mean(try #require(found["bernoulli"]).doubles)
    #expect(abs(share - 0.3) < 3 * (0.3 * 0.7 / count).squareRoot())
    // Neighbours know nothing of each other.
    let products = zip(normal, normal.dropFirst()).map { $0 * $1 }
    #expect(abs(mean(products)) < 3 / count.squareRoot())
  }

  @Test func runsCallsAndSeedsDiffer() throws {
    let graph = Graph("two") { g in
      g.output("a", g.uniform([100]))
      g.output("b", g.uniform([100]))
    }
    let session = try graph.compile().makeSession(seed: 1)
    let other = try graph.compile().makeSession(seed: 1 << 32 | 1)
    let first = try session.run([:])
    let second = try session.run([:])
    let third = try other.run([:])
    let arrays = [first, second, third].flatMap { [$0["a"], $0["b"]] }
    #expect(Set(arrays).count == 6)
  }

  /// Training that was saved after some steps goes on with the very numbers.
  @Test func trainingResumes() throws {
    let graph = try network(width: 64).minimizing("loss", with: .adam(0.01))
    let x = NDArray((0..<32 * 16).map { Float($0 % 13) / 13 }, dimensions: [32, 16])
    let whole = try graph.compile(batch: 32, options: options(1)).makeSession(seed: 3)
    for _ in 0..<3 { _ = try whole.run(["x": x]) }
    let saved = whole.state
    let resumed = try graph.compile(batch: 32, state: saved, options: options(3)).makeSession(
      seed: 77)
    for step in 0..<3 {
      let expected = try whole.run(["x": x])
      let found = try resumed.run(["x": x])
      let isEqual = found["loss"]?.equalsBits(of: try #require(expected["loss"])) == true
      #expect(isEqual, "step \(step)")
    }
    #expect(whole.state == resumed.state)
  }

  /// The mask is one truth value an element; no buffer of a plan is one, and nothing random is stored.
  @Test(arguments: [64, 1000]) func masksAreNotStored(_ width: Int) throws {
    let graph = try network(width: width).minimizing("loss", with: .sgd(0.1))
    let plan = try graph.compile(batch: 32, options: options(2))
    for group in plan.groups {
      for output in group.outputs where plan.graph[output].type.shape.count > 1 {
        let node = plan.graph[output]
        #expect(node.type.dataType == .f32, "\(output) \(node.op.name) is stored")
        #expect(!isDrawn(output, in: plan.graph), "\(output) \(node.op.name) is random and stored")
      }
    }
  }

  /// Neither random numbers nor pools fall back to portable code.
  @Test(arguments: Backend.allCases.filter { $0 != .portable && $0.runs(on: .detected) })
  func kernelsAreMachineCode(_ backend: Backend) throws {
    let pool = try Graph("pool") { g in
      let w = g.parameter("w", [8, 9, 17, 5], .heNormal)
      let windows = [1: Window(size: 3, stride: 2, padding: 1), 2: Window(size: 2)]
      g.output("loss", mean(maxPool(w, windows)) + mean(averagePool(w, windows)))
    }.minimizing("loss", with: .sgd(0.1))
    let graphs = [try network(width: 64).minimizing("loss", with: .sgd(0.1)), pool]
    for graph in graphs {
      let program = try graph.compile(batch: 32, options: options(1, backend)).program
      let native = try #require(program.native)
      let pieces = program.kernels.flatMap(\.pieces)
      for (kernel, code) in zip(pieces, native.kernels) {
        switch kernel.body {
        case .bundle, .sort, .copy, .strips: continue
        case .loop, .contraction, .scatter:
          #expect(code != nil, "\(kernel.name) of \(graph.name)")
        }
      }
    }
  }

  private func network(width: Int) -> Graph {
    Graph("dropout") { g in
      let x = g.input("x", [.batch, 16])
      let w = g.parameter("w", [16, Extent(offset: width)], .heNormal)
      let v = g.parameter("v", [Extent(offset: width), 4], .heNormal)
      let hidden = dropout(relu(x.matmul(w)), 0.4)
      let deeper = dropout(tanh(hidden * 2.0), 0.25)
      g.output("loss", mean(square(deeper.matmul(v))))
    }
  }

  /// Whether a value follows from random words, numbers and nothing else.
  private func isDrawn(_ value: Value, in graph: Graph) -> Bool {
    let node = graph[value]
    if node.op.isRandom { return true }
    guard node.op.isElementwise else { return false }
    return node.operands.contains { isDrawn($0, in: graph) }
      && node.operands.allSatisfy { isDrawn($0, in: graph) || graph[$0].op.isInlineLeaf }
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Kernels of rows that sum columns for others agree with the interpreter in every bit.
@Suite struct TapTests {
  private func plan(
    _ graph: Graph, threads: Int = 1, backend: Backend? = nil, poison: Bool = false
  ) throws -> Plan {
    try graph.compile(
      options: CompileOptions(
        threads: threads, poison: poison, minimumWorkPerThread: 1, minimumRecomputedBytes: 0,
        minimumTappedBytes: 0, backend: backend))
  }

  private func taps(_ plan: Plan) -> Int {
    plan.program.kernels.flatMap(\.parts).reduce(0) { sum, part in
      guard case .loop(let loop) = part.body else { return sum }
      return loop.stages.reduce(sum) { $0 + $1.taps.count }
    }
  }

  private func taps(threads: Int = 1, _ body: (GraphBuilder) -> Void) throws -> Int {
    try taps(plan(Graph("taps", body), threads: threads))
  }

  /// Expects some taps on one thread, and the interpreter's bits on every backend and some numbers of threads.
  private func expectAgreement(
    _ graph: Graph, taps count: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let plan = try plan(graph)
    let names = plan.program.kernels.map { "\($0.name) \($0.operands)" }
    #expect(taps(plan) == count, "\(names)", sourceLocation: sourceLocation)
    try expectBits(threads: 1...3, sourceLocation: sourceLocation) {
      try self.plan(graph, threads: $0, backend: $1, poison: $0 == 2)
    }
  }

  // MARK: - Taps

  /// Rows around the ends of chunks, and columns around the widths of vectors.
  static let shapes = [
    (5, 33), (127, 16), (128, 17), (129, 18), (257, 48), (300, 35), (641, 19),
  ]

  @Test(arguments: shapes) func gradientsOfALayerNorm(rows: Int, columns: Int) throws {
    try expectAgreement(
      Networks.layerNorm(rows: rows, columns: columns)
        .gradient(of: "y", withRespectTo: ["x", "scale", "shift"]), taps: 2)
  }

  /// What a row stores it has in a register when it is tapped.
  @Test func aSumOfWhatARowStores() throws {
    try expectAgreement(
      Graph("taps") { g in
        let y = softmax(g.input("x", [260, 40]))
        g.output("y", y)
        g.output("sum", y.sum(axes: [0]))
        g.output("most", exp(y.max(axes: [0])))
      }, taps: 2)
  }

  @Test func axesThatMerge() throws {
    try expectAgreement(
      Graph("taps") { g in
        let x = g.input("x", [3, 50, 24])
        g.output("y", softmax(x))
        g.output("sum", square(x).sum(axes: [0, 1]))
      }, taps: 1)
  }

  /// The update of a scale stands behind what combines partial results, the row that reads it before.
  @Test func gradientsThatBecomeUpdates() throws {
    let graph = try Graph("taps") { g in
      let x = g.parameter("x", [300, 32], .heNormal)
      let y = layerNorm(
        x, scale: g.parameter("scale", [32], .ones), shift: g.parameter("shift", [32]))
      g.output("loss", mean(square(y - g.input("target", [300, 32]))))
    }.minimizing("loss", with: .sgd(0.1))
    try expectAgreement(graph, taps: 2)
  }

  // MARK: - No taps

  @Test func aRowThatNeedsTheColumn() throws {
    let taps = try taps { g in
      let x = g.input("x", [300, 32])
      g.output("y", softmax(x - x.sum(axes: [0])))
    }
    #expect(taps == 0)
  }

  @Test func aColumnThatReadsOtherMemoryOrPlaces() throws {
    let taps = try taps { g in
      let x = g.input("x", [300, 32])
      g.output("y", softmax(x))
      g.output("a", (x * g.input("z", [300, 32])).sum(axes: [0]))
      g.output("b", exp(x.reverse(axes: [1])).sum(axes: [0]))
    }
    #expect(taps == 0)
  }

  @Test func moreThanTheCacheHolds() throws {
    for (columns, count) in [(4096, 1), (4097, 0)] {
      let taps = try taps { g in
        let x = g.input("x", Shape([130, columns]))
        g.output("y", softmax(x))
        g.output("sum", x.sum(axes: [0]))
      }
      #expect(taps == count, "\(columns) columns")
    }
  }

  @Test func moreThanThereAreRegistersFor() throws {
    let taps = try taps { g in
      let x = g.input("x", [130, 64])
      g.output("y", softmax(x))
      for (index, z) in [x, square(x), exp(x), -x].enumerated() {
        g.output("sum \(index)", z.sum(axes: [0]))
      }
    }
    #expect(taps == 0)
  }

  /// A chunk of rows is the work of one thread.
  @Test func threadsThatWouldIdle() throws {
    for (rows, threads, isTapped) in [
      (300, 2, false), (512, 2, true), (640, 3, true), (640, 8, false),
    ] {
      let taps = try taps(threads: threads) { g in
        let x = g.input("x", Shape([rows, 64]))
        g.output("y", softmax(x))
        g.output("sum", x.sum(axes: [0]))
      }
      #expect((taps > 0) == isTapped, "\(rows) rows, \(threads) threads")
    }
  }

  @Test func smallMemory() throws {
    let graph = try Networks.layerNorm(rows: 512, columns: 256)
      .gradient(of: "y", withRespectTo: ["x", "scale", "shift"])
    #expect(try taps(graph.compile(options: CompileOptions(threads: 1))) == 0)
  }
}

import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Why values go through memory, each reason on a graph of its own.
@Suite struct FusionReasonTests {
  /// Returns the reads that go through memory, with their reasons.
  private func stored(_ body: (GraphBuilder) -> Void) -> String {
    FusedGraph(fusing: Graph("reasons", body)).storedLines
  }

  @Test func results() {
    let text = stored { g in
      let state = g.state("state", [4])
      let x = exp(state)
      g.update(state, to: x * 2.0)
      g.output("x", x)
    }
    expectSnapshot(
      text,
      """
      %1: it is an output, 16 B
      %4: it updates a state, 16 B
      """)
  }

  @Test func contractionFactors() {
    let text = stored { g in
      let x = exp(g.input("x", [4, 4]))
      g.output("y", x.matmul(x) + x)
    }
    expectSnapshot(
      text,
      """
      %1 → %2: a contraction reads it in memory, 128 B
      %1 → %3: a contraction reads it in memory, 128 B
      %3: it is an output, 64 B
      """)
  }

  @Test func indicesAndWhatTheyPointAt() {
    let text = stored { g in
      let (table, places) = (exp(g.input("x", [4])), g.input("i", [4], .i32) + 1.0)
      g.output("y", table.gather(places) + table)
      g.output("z", table.scatterAdd(places, table))
    }
    expectSnapshot(
      text,
      """
      %1 → %6: a gather reads it in memory, 32 B
      %1 → %7: a gather reads it in memory, 32 B
      %1 → %8: a scatter reads it in memory, 32 B
      %5 → %6: it holds indices, 32 B
      %5 → %8: a scatter reads it in memory, 32 B
      %7: it is an output, 16 B
      %8: it is an output, 16 B
      """)
  }

  @Test func otherPlaces() {
    let text = stored { g in
      let x = exp(g.input("x", [4, 4]))
      g.output("y", x + x.transpose())
      g.output("z", cos(x).pad(low: [1, 0], high: [0, 0], value: 0))
      g.output("flat", sin(x).reshape([16]).reverse(axes: [0]) * 2.0)
    }
    expectSnapshot(
      text,
      """
      %1 → %3: their kernels meet through %2 transpose, 128 B
      %1 → %3: their kernels meet through %2 transpose, 128 B
      %3: it is an output, 64 B
      %4 → %5: their kernels meet through %5 pad, 128 B
      %5: it is an output, 80 B
      %6 → %11: their kernels meet through %7 reshape, 128 B
      %11: it is an output, 64 B
      """)
  }

  @Test func copies() {
    let text = stored { g in
      let x = exp(g.input("x", [4, 4]))
      let turned = x.transpose()
      g.output("turned", turned)
      g.output("y", turned * 2.0)
    }
    expectSnapshot(
      text,
      """
      %1 → %2: their kernels meet through %2 transpose, 128 B
      %2: it is an output, 64 B
      %2 → %5: it is copied, 128 B
      %5: it is an output, 64 B
      """)
  }

  @Test func kindsAndDomains() {
    let text = stored { g in
      let x = exp(g.input("x", [4, 4]))
      g.output("rows", sin(x.sum(axes: [1])))
      g.output("columns", x.sum(axes: [0]))
      g.output("all", x.sum())
      let product = g.input("a", [4, 4]).matmul(g.input("b", [4, 4]))
      g.output("product", product.sum(axes: [1]) * 2.0)
      g.output("small", exp(x).slice(axis: 0, from: 0, to: 2) + 1.0)
    }
    expectSnapshot(
      text,
      """
      %1 → %2: its kernel and its reader's reduce different axes, 128 B
      %1 → %4: row and column kernels do not mix, 128 B
      %3: it is an output, 16 B
      %4: it is an output, 16 B
      %5: it is an output, 4 B
      %8 → %9: contraction and row kernels do not mix, 128 B
      %12: it is an output, 16 B
      %13 → %17: their kernels meet through %14 slice, 128 B
      %17: it is an output, 32 B
      """)
  }

  @Test func rowsOverSeveralAxesMustGoOnEvenly() {
    let text = stored { g in
      let product = g.input("x", [2, 3, 4]).matmul(g.input("w", [4, 5]))
      let scaled = (product + g.input("bias", [5])) * g.input("scale", [2, 3, 1])
      g.output("y", scaled + g.input("position", [3, 5]))
    }
    expectSnapshot(
      text,
      """
      %8 → %11: their kernels meet through %10 broadcast, 240 B
      %11: it is an output, 120 B
      """)
  }

  @Test func aColumnHasPassedWhenItIsComplete() {
    let text = stored { g in
      let x = exp(g.input("x", [32, 4]))
      g.output("y", x - mean(x, axes: [0], keepingAxes: true))
    }
    expectSnapshot(
      text,
      """
      %1 → %8: the elements have passed when a reduction is complete, 1024 B
      %6 → %8: the elements have passed when a reduction is complete, 32 B
      %8: it is an output, 512 B
      """)
  }

  @Test func aThirdKernelInBetween() {
    let text = stored { g in
      let x = exp(g.input("x", [4, 4]))
      let between = sin(x.transpose()).transpose().matmul(g.input("w", [4, 4])).transpose()
      g.output("y", x + between)
    }
    expectSnapshot(
      text,
      """
      %1 → %3: their kernels meet through %2 transpose, 128 B
      %1 → %8: another kernel stands between it and its reader, 128 B
      %3 → %6: a contraction reads it in memory, 128 B
      %6 → %8: their kernels meet through %7 transpose, 128 B
      %8: it is an output, 64 B
      """)
  }

  @Test func tooManyKernelsInBetween() {
    func turn(_ x: Tensor, _ count: Int) -> Tensor {
      (0..<count).reduce(x) { y, _ in sin(y.transpose()) }
    }
    func reason(_ count: Int) -> FusionVerdict.Outcome? {
      let graph = Graph("between") { g in
        let x = exp(g.input("x", [4, 4]))
        // No path leads from x to y through others, but those that x leads to and y comes from stand between.
        g.output("beside", turn(x, count))
        g.output("y", x + turn(g.input("z", [4, 4]), count))
      }
      let fused = FusedGraph(fusing: graph)
      let sum = graph.output("y")
      return fused.verdicts.first { graph[$0.producer].op.name == "exp" && $0.reader == sum }?
        .outcome
    }
    #expect(reason(600) == .stored(.budget))
    #expect(reason(200) == .fused(199))
  }

  @Test func aFullKernel() {
    let graph = Graph("full") { g in
      var x = g.input("x", [4])
      for _ in 0..<250 { x = sin(x) }
      g.output("y", x)
    }
    let fused = FusedGraph(fusing: graph)
    #expect(fused.groups.map(\.nodes.count) == [50, 200])
    #expect(
      fused.storedLines == """
        %50 → %51: the kernel would compute 250 nodes, 32 B
        %250: it is an output, 16 B
        """)
  }

  @Test func tooManyStreams() {
    let graph = Graph("streams") { g in
      var x = g.input("x", [4])
      for index in 0..<30 { x = x + g.input("x\(index)", [4]) }
      g.output("y", x)
    }
    let fused = FusedGraph(fusing: graph)
    #expect(fused.groups.map(\.nodes.count) == [8, 22])
    expectSnapshot(
      fused.storedLines,
      """
      %16 → %18: the kernel would read and write 32 values, 32 B
      %60: it is an output, 16 B
      """)
  }

  @Test func anEpilogueHasAFewResults() {
    func graph(_ count: Int) -> Graph {
      Graph("results") { g in
        let y = g.input("a", [4, 4]).matmul(g.input("b", [4, 4]))
        for index in 0..<count { g.output("y\(index)", y * Double(index + 2)) }
      }
    }
    #expect(FusedGraph(fusing: graph(8)).groups.map(\.outputs.count) == [8])
    let nine = FusedGraph(fusing: graph(9))
    #expect(nine.groups.map(\.kind) == [.contraction, .map])
    #expect(
      nine.verdicts.contains {
        $0.producer == Value(2) && $0.outcome == .stored(.tooManyOutputs(9))
      }, "\(nine.storedLines)")
  }

  @Test func largeMatricesAreUpdatedInLongLinesBehindShortSums() throws {
    func reason(_ width: Int, rows: Int = 8) throws -> String {
      let graph = try Graph("update") { g in
        let w = g.parameter("w", [1024, Extent(offset: width)], .heNormal)
        g.output("loss", mean(g.input("x", [Extent(offset: rows), 1024]).matmul(w)))
      }.minimizing("loss", with: .adam(1e-3))
      let fused = try FusedGraph(compiling: graph, batch: 1)
      let contraction = try #require(fused.groups.last { $0.kind == .contraction })
      let reasons = fused.verdicts.compactMap { verdict -> String? in
        guard verdict.producer == contraction.root, case .stored(let reason) = verdict.outcome
        else { return nil }
        return reason.text(in: fused.graph)
      }
      return reasons.first ?? ""
    }
    #expect(try reason(512) == "it updates a state")
    #expect(
      try reason(1024)
        == "a contraction would go through 25165824 bytes, a few at each place")
    // Long sums leave time for that.
    #expect(try reason(1024, rows: 64) == "it updates a state")
  }

  /// The norm needs all gradients before the first of them is used.
  @Test func clippingStandsBetweenAGradientAndItsUpdate() throws {
    func kinds(_ optimizer: Optimizer) throws -> (String, [String]) {
      let graph = try Graph("clip") { g in
        let hidden = g.input("x", [8, 16]).matmul(g.parameter("w", [16, 16], .heNormal))
        g.output("loss", mean(relu(hidden).matmul(g.parameter("v", [16, 4], .heNormal))))
      }.minimizing("loss", with: optimizer)
      let fused = try FusedGraph(compiling: graph, batch: 1)
      let gradients = fused.groups.filter { $0.kind == .contraction }.suffix(2).map(\.nodes[0])
      let reasons = fused.verdicts.compactMap { verdict -> String? in
        guard gradients.contains(verdict.producer), case .stored(let reason) = verdict.outcome
        else { return nil }
        return reason.text(in: fused.graph)
      }
      return (fused.groups.map(\.kind.rawValue).joined(separator: " "), reasons)
    }
    let free = try kinds(.sgd(0.1, momentum: 0.9))
    #expect(free.0 == "contraction contraction row map contraction map contraction contraction")
    #expect(free.1.isEmpty)
    let clipped = try kinds(.sgd(0.1, momentum: 0.9, clipNorm: 1))
    #expect(
      clipped.0
        == "contraction contraction row map contraction contraction contraction map row row map")
    #expect(
      clipped.1 == [
        "contraction and row kernels do not mix",
        "another kernel stands between it and its reader",
      ])
  }

  @Test func statesChangeBehindAllChecks() {
    let text = stored { g in
      let state = g.state("state", [4])
      let next = state + 1.0
      g.update(state, to: next)
      g.output("y", sin(next).gather(g.input("i", [4], .i32)))
    }
    expectSnapshot(
      text,
      """
      %3: it updates a state, 16 B
      %4 → %6: a gather reads it in memory, 32 B
      %6: it is an output, 16 B
      """)
  }

  @Test func fewRowsAreNotForStoredElements() {
    let text = stored { g in
      let x = exp(g.input("x", [2, 8192]))
      g.output("x", x)
      g.output("sum", x.sum(axes: [1]))
    }
    expectSnapshot(
      text,
      """
      %1: it is an output, 65536 B
      %1 → %2: the kernel would have only 2 units of work, 131072 B
      %2: it is an output, 8 B
      """)
  }
}

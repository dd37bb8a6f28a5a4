import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Kernels that run strip by strip agree with the interpreter in every bit.
@Suite struct StripTests {
  private func plan(
    _ graph: Graph, threads: Int = 1, backend: Backend? = nil, poison: Bool = false,
    disabled: Set<String> = []
  ) throws -> Plan {
    try graph.compile(
      options: CompileOptions(
        threads: threads, disabled: disabled, poison: poison, minimumWorkPerThread: 1,
        minimumRecomputedBytes: 0, minimumTappedBytes: 0, minimumStripBytes: 0, backend: backend))
  }

  /// What kernels run strip by strip: how many strips there are along each axis, and the stages' names.
  private func strips(_ plan: Plan) -> [String] {
    plan.program.kernels.compactMap { kernel in
      guard case .strips(let strips) = kernel.body else { return nil }
      return "\(strips.counts) \(strips.stages.map(\.name))"
    }
  }

  /// Expects the interpreter's bits on every backend and some numbers of threads.
  private func expectAgreement(
    _ graph: Graph, threads: ClosedRange<Int> = 1...3, special: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try expectBits(
      threads: threads, elements: special ? [.ordinary, .special] : [.ordinary],
      sourceLocation: sourceLocation
    ) { try plan(graph, threads: $0, backend: $1, poison: $0 == 2) }
  }

  /// An attention over inputs.
  private func attention(
    _ batch: [Extent], queries: Extent, keys: Extent, width: Extent = 8, isCausal: Bool = false,
    mask: DataType? = nil
  ) -> Graph {
    Graph("attention") { g in
      let q = g.input("q", Shape(batch + [queries, width]))
      let k = g.input("k", Shape(batch + [keys, width]))
      let v = g.input("v", Shape(batch + [keys, width]))
      let seen = mask.map { g.input("mask", Shape([queries, keys]), $0) }
      g.output("y", scaledDotProductAttention(q, k, v, mask: seen, isCausal: isCausal))
    }
  }

  // MARK: - What is joined

  private static let attentionStages = [
    "contract+mul", "max+sub+exp+sum+div+mul", "contract",
  ]

  @Test func anAttentionIsOneKernel() throws {
    let graph = attention([2, 3], queries: 10, keys: 12)
    let plan = try plan(graph)
    #expect(strips(plan) == ["[6] \(StripTests.attentionStages)"])
    #expect(plan.program.kernels.count == 1)
    // Scores and weights of one head, which take each other's place.
    #expect(plan.arenaBytes == MemoryPlan.aligned(4 * 10 * 12))
    #expect(try strips(self.plan(graph, disabled: ["strips"])) == [])
    try expectAgreement(graph)
  }

  /// With fewer products than threads, or more in one than a cache holds, strips are some of their rows.
  @Test func rowsAreDividedAmongThreads() throws {
    let graph = attention([2], queries: 192, keys: 20)
    #expect(try strips(plan(graph)) == ["[2] \(StripTests.attentionStages)"])
    #expect(try strips(plan(graph, threads: 3)) == ["[2, 3] \(StripTests.attentionStages)"])
    #expect(try strips(plan(graph, threads: 5)) == [])
    try expectAgreement(graph)
  }

  @Test func rowsAreDividedForTheCache() throws {
    let graph = attention([2], queries: 256, keys: 1024, width: 4)
    #expect(try strips(plan(graph)) == ["[2, 2] \(StripTests.attentionStages)"])
    try expectAgreement(graph, threads: 1...2, special: false)
  }

  @Test func queriesOfOneRowGoByProducts() throws {
    // Of a single row there is no product of matrices.
    #expect(try strips(plan(attention([4], queries: 1, keys: 33))) == [])
    let graph = attention([4], queries: 2, keys: 33)
    #expect(try strips(plan(graph)) == ["[4] \(StripTests.attentionStages)"])
    try expectAgreement(graph)
  }

  @Test(arguments: [(nil, true), (DataType.bool, false), (.f32, false), (.bool, true)])
  func masks(mask: DataType?, isCausal: Bool) throws {
    let graph = attention([2, 2], queries: 9, keys: 9, isCausal: isCausal, mask: mask)
    #expect(try strips(plan(graph)).count == 1)
    try expectAgreement(graph)
  }

  /// What a causal attention may see is a matrix, of which strips have some rows.
  @Test func causalRowsAreDivided() throws {
    let graph = attention([2], queries: 192, keys: 192, isCausal: true)
    let stages = ["contract+mul+select"] + StripTests.attentionStages.dropFirst()
    #expect(try strips(plan(graph, threads: 3)) == ["[2, 3] \(stages)"])
    try expectAgreement(graph, special: false)
  }

  /// Where the number of a row counts, strips would differ by more than where their operands are.
  @Test func numberedRowsStayTogether() throws {
    let graph = Graph("numbered") { g in
      let (a, b) = (g.input("a", [2, 192, 8]), g.input("b", [2, 8, 16]))
      let rows = g.iota([2, 192, 16], axis: 1, .f32)
      g.output("y", softmax(a.matmul(b) + rows).matmul(g.input("c", [2, 16, 4])))
    }
    let names = ["contract+add"] + StripTests.attentionStages.dropFirst()
    #expect(try strips(plan(graph, threads: 2)) == ["[2] \(names)"])
    #expect(try strips(plan(graph, threads: 3)) == [])
    try expectAgreement(graph)
  }

  /// An attention of two heads, whose queries, keys and values lie side by side, as a projection leaves them.
  private func heads(_ g: GraphBuilder, _ x: Tensor, width: Int) -> Tensor {
    let extents = x.shape.extents
    let size = Extent(offset: width)
    let w = g.parameter("w", [extents[2], Extent(offset: 6 * width)], .glorotUniform)
    let heads = x.matmul(w).reshaped([extents[0], extents[1], 3, 2, size])
    let part = { (index: Int) -> Tensor in
      heads.slice(axis: 2, from: Extent(offset: index), to: Extent(offset: index + 1))
        .reshaped([extents[0], extents[1], 2, size]).transpose([0, 2, 1, 3])
    }
    let y = scaledDotProductAttention(part(0), part(1), part(2))
    return y.transpose([0, 2, 1, 3]).reshaped([extents[0], extents[1], Extent(offset: 2 * width)])
  }

  @Test func headsOfOneProjection() throws {
    let graph = Graph("heads") { g in
      g.output("y", heads(g, g.input("x", [3, 128, 8]), width: 4).sum(axes: [1]))
    }
    #expect(try strips(plan(graph)) == ["[3, 2] \(StripTests.attentionStages)"])
    #expect(
      try strips(plan(graph, threads: 4)) == ["[3, 2, 2] \(StripTests.attentionStages)"])
    try expectAgreement(graph, threads: 1...4)
  }

  // MARK: - Gradients

  private func gradients(_ batch: Extent, queries: Extent, keys: Extent) throws -> Graph {
    try Graph("gradients") { g in
      let (q, dy) = (g.input("q", [batch, queries, 8]), g.input("dy", [batch, queries, 8]))
      let (k, v) = (g.input("k", [batch, keys, 8]), g.input("v", [batch, keys, 8]))
      g.output("y", (scaledDotProductAttention(q, k, v) * dy).sum())
    }.gradient(of: "y", withRespectTo: ["q", "k", "v"])
  }

  @Test func gradientsOfAnAttention() throws {
    let graph = try gradients(4, queries: 10, keys: 12)
    let plan = try plan(graph)
    #expect(
      strips(plan) == [
        "[4] [\"contract+mul\", \"contract\", \"max+sub+exp+sum+div+mul+…\", \"contract+mul\", "
          + "\"contract\", \"contract\", \"contract\"]"
      ])
    try expectAgreement(graph)
  }

  /// Gradients by keys and values are sums over rows: where strips are rows, these run behind them.
  @Test func rowsThatAreSummedStayTogether() throws {
    let graph = try gradients(2, queries: 192, keys: 20)
    #expect(
      try strips(plan(graph, threads: 3)) == [
        "[2, 3] [\"contract+mul\", \"contract\", \"max+sub+exp+sum+div+mul+…\", "
          + "\"contract+mul\", \"contract\"]"
      ])
    try expectAgreement(graph)
  }

  /// Heads of one projection, an attention, what follows it, and the steps of all weights.
  @Test func trainingWithHeads() throws {
    let graph = try Graph("training") { g in
      let (x, y) = (g.input("x", [2, 12, 8]), g.input("y", [2, 12, 8]))
      let attended = heads(g, x, width: 4)
      let out = g.parameter("out", [8, 8], .glorotUniform)
      g.output("loss", mean(square(attended.matmul(out) + x - y)))
    }.minimizing("loss", with: .adam(1e-2))
    let plan = try plan(graph)
    #expect(
      strips(plan) == [
        "[2, 2] \(StripTests.attentionStages)",
        "[2, 2] [\"contract\", \"mul+mul+sum+div+mul+neg+…\", \"contract\", \"contract\"]",
      ])
    try expectAgreement(graph, special: false)
  }

  // MARK: - What is not joined

  /// Values that others read keep memory of their own; what is handed over is read from it.
  @Test func outputsAreWhole() throws {
    let graph = Graph("outputs") { g in
      let (a, b) = (g.input("a", [4, 10, 8]), g.input("b", [4, 8, 12]))
      let c = g.input("c", [4, 12, 6])
      let scores = a.matmul(b)
      let weights = softmax(scores)
      g.output("scores", scores)
      g.output("sums", weights.sum(axes: [0]))
      g.output("y", weights.matmul(c))
    }
    let plan = try plan(graph)
    #expect(strips(plan).count == 1)
    #expect(plan.program.kernels.contains { $0.name == "sum" })
    try expectAgreement(graph)
  }

  @Test func anotherOrderOfProductsIsNotHandedOver() throws {
    // Strips of the second product would need all of the first.
    let mixed = Graph("mixed") { g in
      let (a, b) = (g.input("a", [4, 6, 8]), g.input("b", [4, 8, 4]))
      let c = g.input("c", [6, 4, 5])
      g.output("y", a.matmul(b).transpose([1, 0, 2]).matmul(c))
    }
    #expect(try strips(plan(mixed)) == [])
    try expectAgreement(mixed)
    let reversed = Graph("reversed") { g in
      let (a, b) = (g.input("a", [4, 6, 8]), g.input("b", [4, 8, 4]))
      let c = g.input("c", [4, 4, 5])
      g.output("y", a.matmul(b).reverse(axes: [0]).matmul(c))
    }
    #expect(try strips(plan(reversed)) == [])
    try expectAgreement(reversed)
  }

  /// The first product's first matrix is read by all strips of the second; and rows in another order.
  @Test func otherStripsAreNotHandedOver() throws {
    let first = Graph("first") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      let one = h.slice(axis: 0, from: 0, to: 1).broadcast(to: [4, 10, 6])
      g.output("y", one.matmul(g.input("c", [4, 6, 5])))
    }
    try expectAgreement(first)
    let reversed = Graph("reversed rows") { g in
      let h = g.input("a", [2, 128, 8]).matmul(g.input("b", [2, 8, 6]))
      g.output("y", softmax(h + h.reverse(axes: [1])).matmul(g.input("c", [2, 6, 5])))
    }
    try expectAgreement(reversed, threads: 3...4)
  }

  /// Where only some rows or products exist, or their number counts, strips differ by more than where operands are.
  @Test func placesThatDoNotExist() throws {
    let rows = Graph("rows") { g in
      let h = g.input("a", [2, 128, 8]).matmul(g.input("b", [2, 8, 6]))
      let mask = g.input("m", [2, 64, 6]).pad(low: [0, 64, 0], high: [0, 0, 0])
      g.output("y", softmax(h + mask).matmul(g.input("c", [2, 6, 5])))
    }
    try expectAgreement(rows, threads: 3...4)
    let products = Graph("products") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      let mask = g.input("m", [3, 10, 6]).pad(low: [1, 0, 0], high: [0, 0, 0])
      g.output("y", softmax(h + mask).matmul(g.input("c", [4, 6, 5])))
    }
    try expectAgreement(products)
    let numbered = Graph("numbered") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      g.output(
        "y", softmax(h + g.iota([4, 10, 6], axis: 0, .f32)).matmul(g.input("c", [4, 6, 5])))
    }
    try expectAgreement(numbered)
  }

  @Test func emptyAndShortAxes() throws {
    for (m, n, k, o) in [(2, 0, 3, 4), (2, 3, 0, 4), (2, 3, 4, 0), (3, 1, 1, 1)]
      as [(Extent, Extent, Extent, Extent)]
    {
      let graph = Graph("empty") { g in
        let h = g.input("a", [4, 1, m, k]).matmul(g.input("b", [4, 1, k, n]))
        let sums = tanh(h.sum(axes: [-1], keepingAxes: true))
        g.output("y", (h + sums).matmul(g.input("c", [4, 1, n, o])))
      }
      try expectAgreement(graph, special: false)
    }
  }

  @Test(arguments: [DataType.u8, .bool, .i64]) func resultsOfOtherTypes(_ type: DataType) throws {
    let graph = Graph("types") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      g.output("y", h.matmul(g.input("c", [4, 6, 5])).cast(to: type))
    }
    #expect(try strips(plan(graph)).count == 1)
    try expectAgreement(graph)
  }

  // MARK: - States

  /// What a product changes in place, and what it reads of it, is as it was.
  @Test func statesAreUpdated() throws {
    let added = Graph("added") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      let w = g.parameter("w", [4, 10, 5], .glorotUniform)
      g.update(w, to: w + h.matmul(g.input("c", [4, 6, 5])))
    }
    try expectAgreement(added)
    let overwritten = Graph("overwritten") { g in
      let w = g.parameter("w", [4, 8, 8], .glorotUniform)
      g.update(w, to: g.input("a", [4, 8, 8]).matmul(w).matmul(g.input("c", [4, 8, 8])))
    }
    try expectAgreement(overwritten)
  }

  /// A product that changes a state stays behind a check that needs the product before it.
  @Test func statesChangeBehindChecks() throws {
    let graph = Graph("late") { g in
      let h = g.input("a", [4, 10, 8]).matmul(g.input("b", [4, 8, 6]))
      let w = g.parameter("w", [4, 10, 5], .glorotUniform)
      let indices = h.max(axes: [1, 2]).cast(to: .i32)
      g.output("z", g.input("table", [4, 3]).gather(indices, axis: 0))
      g.update(w, to: h.matmul(g.input("c", [4, 6, 5])))
    }
    let session = try plan(graph, threads: 2).makeSession(seed: 1)
    let before = session.state
    let array = { (dimensions: [Int]) in
      NDArray(repeating: 9, .f32, dimensions: dimensions)
    }
    #expect(throws: RuntimeError.self) {
      try session.run([
        "a": array([4, 10, 8]), "b": array([4, 8, 6]), "c": array([4, 6, 5]),
        "table": array([4, 3]),
      ])
    }
    #expect(session.state == before)
  }

  // MARK: - Size

  /// Small products share a strip, as far as each thread has some.
  @Test func smallProductsShareStrips() throws {
    let graph = attention([64, 64], queries: 4, keys: 4)
    let plan = { (threads: Int) in
      try graph.compile(options: CompileOptions(threads: threads, minimumStripBytes: 100_000))
    }
    #expect(try strips(plan(1)) == ["[4] \(StripTests.attentionStages)"])
    #expect(try strips(plan(6)) == ["[16] \(StripTests.attentionStages)"])
  }

  /// Arrays that no machine holds compile all the same.
  @Test func hugeArrays() throws {
    let graph = Graph("huge") { g in
      let n: Extent = 2_097_152
      let h = g.input("a", [2, n, n]).matmul(g.input("b", [2, n, n]))
      g.output("y", h.matmul(g.input("c", [2, n, n])))
    }
    #expect(try strips(plan(graph)).map { $0.prefix(3) } == ["[2,"])
    let many = attention([64], queries: 32768, keys: 32768, width: 64)
    #expect(try strips(plan(many)).count == 1)
  }

  @Test func littleIsNotHandedOver() throws {
    let graph = attention([2, 3], queries: 10, keys: 12)
    let options = CompileOptions(threads: 1)
    #expect(try strips(graph.compile(options: options)) == [])
  }

  /// Two layers, the first of which many rows of the second need: they have no batch of products.
  @Test func layersAreNotJoined() throws {
    let graph = Graph("layers") { g in
      let x = g.input("x", [4, 32, 16])
      let (v, w) = (g.parameter("v", [16, 64], .heNormal), g.parameter("w", [64, 16], .heNormal))
      g.output("y", relu(x.matmul(v)).matmul(w))
    }
    #expect(try strips(plan(graph)) == [])
  }

  /// Indices that may be out of range are checked before anything behind them runs.
  @Test func checksKeepTheirPlace() throws {
    let graph = Graph("checks") { g in
      let (a, b) = (g.input("a", [4, 10, 8]), g.input("b", [4, 8, 12]))
      let table = g.parameter("table", [5, 12, 6], .heNormal)
      let indices = g.input("indices", [4], .i32)
      g.output("y", softmax(a.matmul(b)).matmul(table.gather(indices, axis: 0)))
    }
    let session = try plan(graph).makeSession(seed: 1)
    var random = SplitMix64(seed: 5)
    let (a, b) = (
      NDArray(TensorType(.f32, [4, 10, 8]), .ordinary, using: &random),
      NDArray(TensorType(.f32, [4, 8, 12]), .ordinary, using: &random)
    )
    _ = try session.run(["a": a, "b": b, "indices": NDArray([0, 4, 2, 1] as [Int32])])
    #expect(throws: RuntimeError.self) {
      try session.run(["a": a, "b": b, "indices": NDArray([0, 5, 2, 1] as [Int32])])
    }
  }

  // MARK: - The check

  /// A wrong stride, a stage in another place, memory that is too small: the check finds each.
  @Test func violationsAreFound() throws {
    let plan = try plan(attention([2, 3], queries: 10, keys: 12), threads: 2)
    let kernel = try #require(plan.program.kernels.first)
    guard case .strips(let strips) = kernel.body else {
      Issue.record("\(kernel.name) does not run strip by strip")
      return
    }
    #expect(strips.violations(operands: kernel.operands, threads: 2) == [])
    let expectViolation = { (expected: String, threads: Int, change: (inout StripKernel) -> Void) in
      var changed = strips
      change(&changed)
      let found = changed.violations(operands: kernel.operands, threads: threads)
      #expect(found.first?.contains(expected) == true, "\(found.prefix(3))")
    }
    expectViolation("has no memory for 3 threads", 3) { _ in }
    expectViolation("which its strip has not left", 2) { $0.stages.swapAt(0, 1) }
    expectViolation("which its strip has not left", 2) { $0.stages.remove(at: 1) }
    expectViolation("two strips write", 2) { strips in
      let last = strips.stages[2].operands.count - 1
      strips.stages[2].operands[last].strides[0] -= 4
    }
    expectViolation("touches", 2) { $0.stages[2].operands[1].strides[0] += 4 }
    expectViolation("touches", 2) { $0.counts = [7] }
    expectViolation("touches", 2) { strips in
      for position in strips.threadStrides.indices where strips.isLocal(position) {
        strips.threadStrides[position] -= 64
      }
    }
    expectViolation("which its strip has not left", 2) { $0.stages[1].operands[0].strides[0] *= 2 }
    expectViolation("writes an operand that is only read", 2) { strips in
      let last = strips.stages[2].operands.count - 1
      strips.stages[2].operands[last].position = strips.stages[2].operands[1].position
    }
  }

  // MARK: - Running

  // A sanitizer allocates for itself.
  @Test(.enabled(if: !Sanitizer.isActive)) func runsAllocateNothing() async {
    await #expect(processExitsWith: .success) {
      let graph = Graph("attention") { g in
        let (q, k) = (g.input("q", [4, 10, 8]), g.input("k", [4, 12, 8]))
        g.output("y", scaledDotProductAttention(q, k, k))
      }
      for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
        let options = CompileOptions(
          threads: 2, minimumWorkPerThread: 1, minimumStripBytes: 0, backend: backend)
        let plan = try graph.compile(options: options)
        guard plan.program.kernels.count == 1 else {
          fatalError("\(plan.program.kernels.count) kernels")
        }
        let session = try plan.makeSession()
        _ = try session.run([
          "q": NDArray(repeating: 0.1, .f32, dimensions: [4, 10, 8]),
          "k": NDArray(repeating: 0.3, .f32, dimensions: [4, 12, 8]),
        ])
        let count = AllocationCounter.leastCount(of: 3) {
          for _ in 0..<100 { try? session.run() }
        }
        guard count.objects == 0, count.mallocs == 0 else {
          fatalError("100 runs on \(backend) allocated \(count)")
        }
      }
    }
  }
}

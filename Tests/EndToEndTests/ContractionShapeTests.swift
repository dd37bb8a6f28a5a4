import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Contractions of every kind of shape agree with portable code in every bit, on every backend the machine has.
@Suite struct ContractionShapeTests {
  /// A product that is stored twice as it is, since its copy stops gradients.
  @Test func aProductMayBeStoredTwice() throws {
    let graph = Graph("twice") { g in
      let product = g.input("x", [5, 3]).matmul(g.input("y", [3, 19]))
      g.output("product", product)
      g.output("stopped", stopGradient(product))
    }
    let elements = { (count: Int) in (0..<count).map { Float($0) / 7 - 2 } }
    let inputs = [
      "x": NDArray(elements(15), dimensions: [5, 3]),
      "y": NDArray(elements(57), dimensions: [3, 19]),
    ]
    for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
      let plan = try graph.compile(options: CompileOptions(poison: true, backend: backend))
      let found = try plan.makeSession().run(inputs)
      let expected = try Interpreter().run(plan.graph, inputs: inputs, state: [:])
      for output in expected.outputs {
        let isEqual = found[output.name]?.equalsBits(of: output.array) == true
        #expect(isEqual, "\(output.name) on \(backend)")
      }
    }
  }

  struct Shape: CustomStringConvertible {
    var batch = 1
    let m: Int
    let n: Int
    let k: Int
    var transposeLeft = false
    var transposeRight = false
    var hasEpilogue = false
    var chunk = Contraction.defaultChunk

    var description: String {
      let sides = (transposeLeft ? " left" : "") + (transposeRight ? " right" : "")
      return "\(batch)×\(m)×\(n)×\(k)\(sides)\(hasEpilogue ? " epilogue" : "") by \(chunk)"
    }
  }

  /// Sizes around the widths of vectors and tiles, and some beyond.
  private static let sizes = [
    0, 1, 2, 3, 5, 7, 8, 9, 13, 14, 15, 16, 17, 29, 31, 32, 33, 35, 48, 57, 67,
  ]

  private func shape(_ random: inout SplitMix64) -> Shape {
    func size() -> Int { Self.sizes[Int(random.next() % UInt64(Self.sizes.count))] }
    return Shape(
      batch: random.next() % 4 == 0 ? 1 + Int(random.next() % 5) : 1, m: size(), n: size(),
      k: size(), transposeLeft: random.next() % 2 == 0, transposeRight: random.next() % 2 == 0,
      hasEpilogue: random.next() % 2 == 0,
      chunk: random.next() % 4 == 0 ? 1 + Int(random.next() % 32) : Contraction.defaultChunk)
  }

  private func graph(_ shape: Shape) -> Graph {
    Graph("contraction") { g in
      let product = product(shape, g)
      guard shape.hasEpilogue else { return g.output("y", product) }
      let bias = g.input("bias", [Extent(offset: shape.n)])
      let residual = g.input("residual", product.shape)
      let scale = g.input("scale", [Extent(offset: shape.m), 1])
      g.output("y", relu(product + bias) * scale + tanh(product * residual))
    }
  }

  private func product(_ shape: Shape, _ g: GraphBuilder) -> Tensor {
    let leading: [Extent] = shape.batch == 1 ? [] : [Extent(offset: shape.batch)]
    let extents = { (rows: Int, columns: Int, isTransposed: Bool) in
      DescentGraph.Shape(
        leading + (isTransposed ? [columns, rows] : [rows, columns]).map { Extent(offset: $0) })
    }
    let a = g.input("a", extents(shape.m, shape.k, shape.transposeLeft))
    let b = g.input("b", extents(shape.k, shape.n, shape.transposeRight))
    let contraction = Contraction(
      transposeLeft: shape.transposeLeft, transposeRight: shape.transposeRight,
      chunk: shape.chunk)
    return a.apply(.contraction(contraction), b)
  }

  /// Shapes for which code is written differently: copied rows and columns, packed panels, single rows over many
  /// vectors, columns that are asked for.
  private static let special = [
    (20, 16, 1024), (50, 1024, 8), (130, 40, 20), (1, 400, 33), (1, 999, 7), (9, 70, 1100),
    (1024, 20, 9), (1, 70, 300), (300, 1, 140), (1024, 70, 33), (1030, 37, 150),
  ]

  private func special(_ seed: UInt64) -> Shape {
    let (m, n, k) = Self.special[Int(seed / 8) % Self.special.count]
    return Shape(
      m: m, n: n, k: k, transposeLeft: seed & 1 != 0, transposeRight: seed & 2 != 0,
      hasEpilogue: seed & 4 != 0)
  }

  private func inputs(_ session: Session, _ random: inout SplitMix64) -> [String: NDArray] {
    var inputs: [String: NDArray] = [:]
    for (name, type) in session.inputTypes {
      inputs[name] = NDArray(
        (0..<type.shape.count).map { _ in Float(Int(random.next() % 2001) - 1000) / 700 },
        dimensions: type.shape.dimensions)
    }
    return inputs
  }

  /// Compiles for every backend with machine code, of which all kernels must have some; now and then for caches so
  /// small that most is far.
  private func nativePlans(
    _ graph: Graph, _ shape: Shape, _ seed: UInt64
  ) throws -> [(Backend, Plan)] {
    try Backend.allCases.filter { $0 != .portable && $0.runs(on: CPUFeatures.detected) }.map {
      var options = CompileOptions(
        threads: 1 + Int(seed % 4), poison: seed % 2 == 0, minimumWorkPerThread: 1, backend: $0)
      if seed % 3 == 0 {
        options.caches = CacheSizes(level1: 1 << 10, level2: 8 << 10, level3: 0, line: 64)
      }
      let plan = try graph.compile(options: options)
      #expect(plan.program.native?.kernels.contains { $0 == nil } == false, "\(shape)")
      return ($0, plan)
    }
  }

  @Test func everyShapeAgrees() throws {
    for seed in 0..<388 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let shape = seed < 88 ? special(seed) : shape(&random)
      let graph = graph(shape)
      let portable = try graph.compile(options: CompileOptions(threads: 1, backend: .portable))
      let session = try portable.makeSession()
      let inputs = inputs(session, &random)
      let expected = try session.run(inputs).y
      for (backend, plan) in try nativePlans(graph, shape, seed) {
        let found = try plan.makeSession().run(inputs).y
        #expect(found.equalsBits(of: expected), "\(backend) \(shape), seed \(seed)")
      }
    }
  }

  /// Shapes beyond every block: rows of the result are compared with those of a product that has no others.
  @Test func blocksAgree() throws {
    let shapes = [
      (1100, 300, 600, false, false), (1100, 300, 600, true, true), (1024, 290, 600, true, false),
      // Right factors that do not stay in the cache: tiles ask for the next block.
      (44, 700, 1100, false, false), (44, 700, 1100, true, true), (290, 1100, 520, false, true),
      // And the last block of columns is but a part of a panel.
      (44, 250, 1100, false, false),
    ]
    for (seed, (m, n, k, transposeLeft, transposeRight)) in shapes.enumerated() {
      var random = SplitMix64(seed: UInt64(seed))
      let shape = Shape(
        m: m, n: n, k: k, transposeLeft: transposeLeft, transposeRight: transposeRight,
        hasEpilogue: true)
      // The factors and what the epilogue reads, a row of the result at a time.
      let whole = try graph(shape).compile(options: CompileOptions(threads: 1))
      let values = inputs(try whole.makeSession(), &random)
      let rows = [0, 1, m / 2 - 1, m / 2, max(2, m - 200), m - 1].sorted()
      let some = Shape(
        m: rows.count, n: n, k: k, transposeLeft: transposeLeft, transposeRight: transposeRight,
        hasEpilogue: true)
      var chosen = values
      chosen["a"] = values["a"]?.choosing(rows, axis: transposeLeft ? 1 : 0)
      chosen["residual"] = values["residual"]?.choosing(rows, axis: 0)
      chosen["scale"] = values["scale"]?.choosing(rows, axis: 0)
      let portable = CompileOptions(threads: 1, backend: .portable)
      let expected = try graph(some).compile(options: portable).makeSession().run(chosen).y
      for backend in Backend.allCases
      where backend != .portable && backend.runs(on: CPUFeatures.detected) {
        for threads in 1...3 {
          // Small, middling and great second-level caches have blocks end at other places.
          var options = CompileOptions(threads: threads, backend: backend)
          options.caches = CacheSizes(
            level1: 32 << 10, level2: 1 << (10 + 3 * threads), level3: 0, line: 64)
          let found = try graph(shape).compile(options: options).makeSession().run(values).y
          #expect(
            found.choosing(rows, axis: 0).equalsBits(of: expected),
            "\(backend) \(shape), \(threads) threads, seed \(seed)")
        }
      }
    }
  }

  /// More operands than there are registers for their addresses, and what depends on the place.
  @Test func longEpiloguesAgree() throws {
    let graph = Graph("long") { g in
      let a = g.input("a", [29, 35])
      let b = g.input("b", [35, 37])
      var y = a.matmul(b)
      for index in 0..<14 { y = y * 0.5 + g.input("r\(index)", [29, 37]) }
      g.output("y", y)
      let columns = g.iota([29, 37], axis: 1).cast(to: .f32)
      g.output("z", a.matmul(b * 2) * columns + g.iota([29, 37], axis: 0).cast(to: .f32))
    }
    var random = SplitMix64(seed: 6)
    let portable = CompileOptions(threads: 1, backend: .portable)
    let session = try graph.compile(options: portable).makeSession()
    let inputs = inputs(session, &random)
    let expected = try session.run(inputs)
    let (y, z) = (try expected.y, try expected.z)
    for backend in Backend.allCases
    where backend != .portable && backend.runs(on: CPUFeatures.detected) {
      let plan = try graph.compile(
        options: CompileOptions(threads: 2, minimumWorkPerThread: 1, backend: backend))
      #expect(plan.program.native?.kernels.contains { $0 == nil } == false, "\(backend)")
      let found = try plan.makeSession().run(inputs)
      #expect(try found.y.equalsBits(of: y), "\(backend)")
      #expect(try found.z.equalsBits(of: z), "\(backend)")
    }
  }

  /// As many results as one contraction may have, of several types, one of them a state that changes in place.
  @Test func severalResultsAgree() throws {
    func graph(_ shape: Shape) -> Graph {
      Graph("several") { g in
        let product = product(shape, g)
        let residual = g.input("residual", product.shape)
        let mean = g.state("mean", product.shape)
        let next = mean * 0.5 + product
        g.update(mean, to: next)
        g.output("product", product)
        g.output("square", product * product)
        g.output("isGreat", product .> residual)
        g.output("whole", floor(product).cast(to: .i32))
        g.output("hot", (residual .> 0).cast(to: .u8) * (product .> 0).cast(to: .u8))
        g.output("root", residual / (sqrt(abs(next)) + 0.1))
        g.output("sum", tanh(next + residual) - residual)
      }
    }
    for seed in 0..<80 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      var shape = seed < 16 ? special(seed * 5) : shape(&random)
      shape.batch = 1
      let graph = graph(shape)
      try expectSameBits(graph, shape, seed, &random)
    }
  }

  /// Divisions and roots, which may run while the next products are taken, over states that change in place: tiles of
  /// two heights, a partial panel, several products, and sums in blocks and chunks.
  @Test func updatesAgree() throws {
    try expectDivisions { shape, g in
      let product = product(shape, g)
      let slots = ["m", "v", "w"].map { g.state($0, product.shape) }
      let (m, v) = (slots[0] * 0.9 + product * 0.1, slots[1] * 0.99 + product * product * 0.01)
      g.update(slots[0], to: m)
      g.update(slots[1], to: v)
      g.update(slots[2], to: slots[2] - m / (sqrt(v) + 1e-3) * 0.1)
    }
  }

  /// The same with few registers, and with operands that are the same for rows or columns.
  @Test func quotientsAgree() throws {
    try expectDivisions { shape, g in
      let bias = g.input("bias", [Extent(offset: shape.n)])
      let scale = g.input("scale", [Extent(offset: shape.m), 1])
      g.output("quotient", floor((product(shape, g) + bias) / scale).cast(to: .i32))
    }
  }

  /// Expects divisions behind products of many shapes to agree.
  private func expectDivisions(_ build: (Shape, GraphBuilder) -> Void) throws {
    let shapes = [
      Shape(m: 29, n: 96, k: 20), Shape(m: 30, n: 97, k: 64), Shape(m: 57, n: 160, k: 33),
      Shape(batch: 3, m: 17, n: 70, k: 40), Shape(batch: 5, m: 3, n: 130, k: 70),
      Shape(m: 31, n: 65, k: 1100), Shape(m: 43, n: 130, k: 300), Shape(m: 1, n: 999, k: 16),
      Shape(m: 64, n: 64, k: 90, chunk: 30), Shape(m: 13, n: 33, k: 600, chunk: 200),
      Shape(m: 1024, n: 70, k: 20), Shape(m: 61, n: 20, k: 1024), Shape(m: 14, n: 1040, k: 14),
      Shape(m: 14, n: 129, k: 27), Shape(m: 60, n: 200, k: 56), Shape(m: 27, n: 1100, k: 20),
      Shape(m: 31, n: 96, k: 526),
    ]
    for (seed, shape) in shapes.enumerated() {
      for sides in 0..<4 {
        let shape = Shape(
          batch: shape.batch, m: shape.m, n: shape.n, k: shape.k, transposeLeft: sides & 1 != 0,
          transposeRight: sides & 2 != 0, chunk: shape.chunk)
        let seed = UInt64(4 * seed + sides)
        var random = SplitMix64(seed: seed)
        try expectSameBits(Graph("division") { build(shape, $0) }, shape, seed, &random)
      }
    }
  }

  /// Expects plans of one kernel to give and to leave the portable backend's bits after two runs.
  private func expectSameBits(
    _ graph: Graph, _ shape: Shape, _ seed: UInt64, _ random: inout SplitMix64
  ) throws {
    let portable = try graph.compile(options: CompileOptions(threads: 1, backend: .portable))
    #expect(portable.program.kernels.count == 1, "\(shape), seed \(seed)")
    let session = try portable.makeSession()
    let inputs = inputs(session, &random)
    _ = try session.run(inputs)
    let expected = try session.run(inputs)
    for (backend, plan) in try nativePlans(graph, shape, seed) {
      let other = try plan.makeSession()
      _ = try other.run(inputs)
      let found = try other.run(inputs)
      for name in portable.program.outputs.map(\.name) {
        let array = try #require(expected[name])
        #expect(
          found[name]?.equalsBits(of: array) == true,
          "\(name) of \(backend) \(shape), seed \(seed)")
      }
      for (entry, same) in zip(session.state.entries, other.state.entries) {
        #expect(
          same.array.equalsBits(of: entry.array),
          "\(entry.name) of \(backend) \(shape), seed \(seed)")
      }
    }
  }

  /// Attention's scores: scaled, and masked by what only some axes of the batch have.
  @Test func batchedEpiloguesAgree() throws {
    let graph = Graph("scores") { g in
      let q = g.input("q", [2, 3, 17, 8])
      let k = g.input("k", [2, 3, 19, 8])
      let bias = g.input("bias", [2, 1, 17, 19])
      let heads = g.input("heads", [3, 1, 19])
      let scores = q.matmul(k, transposeRight: true) * 0.35
      g.output("y", exp(scores + bias) * heads)
      g.output("isGreat", q.matmul(k * 2, transposeRight: true) * heads .> bias)
    }
    var random = SplitMix64(seed: 5)
    let portable = CompileOptions(threads: 1, backend: .portable)
    let session = try graph.compile(options: portable).makeSession()
    let inputs = inputs(session, &random)
    let expected = try session.run(inputs)
    let (scores, isGreat) = (try expected.y, try expected.isGreat)
    for backend in Backend.allCases
    where backend != .portable && backend.runs(on: CPUFeatures.detected) {
      for threads in 1...4 {
        let plan = try graph.compile(
          options: CompileOptions(
            threads: threads, poison: true, minimumWorkPerThread: 1, backend: backend))
        #expect(plan.program.native?.kernels.contains { $0 == nil } == false, "\(backend)")
        let found = try plan.makeSession().run(inputs)
        #expect(try found.y.equalsBits(of: scores), "\(backend), \(threads) threads")
        #expect(try found.isGreat.equalsBits(of: isGreat), "\(backend), \(threads) threads")
      }
    }
  }
}

extension NDArray {
  /// Returns some rows or columns of a matrix.
  fileprivate func choosing(_ places: [Int], axis: Int) -> NDArray {
    let (rows, columns) = (dimensions[0], dimensions[1])
    guard case .f32(let elements) = storage else { preconditionFailure("not f32") }
    let chosen =
      axis == 0
      ? places.flatMap { row in elements[row * columns..<(row + 1) * columns] }
      : (0..<rows).flatMap { row in places.map { elements[row * columns + $0] } }
    return NDArray(
      chosen, dimensions: axis == 0 ? [places.count, columns] : [rows, places.count])
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Shapes at the edge agree with the interpreter in every bit, on every backend the machine has.
@Suite struct EdgeShapeTests {
  private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  private func check(_ graph: Graph, _ seed: UInt64, _ what: String) throws {
    var random = SplitMix64(seed: seed)
    for backend in Self.backends {
      for threads in [1, 3] {
        let plan = try graph.compile(
          options: CompileOptions(
            threads: threads, poison: true, minimumWorkPerThread: 1, backend: backend))
        let session = try plan.makeSession(seed: seed)
        var inputs: [String: NDArray] = [:]
        for (name, type) in session.inputTypes {
          inputs[name] = array(type, &random)
        }
        let state = Dictionary(
          uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
        let expected = try Interpreter().run(plan.graph, inputs: inputs, state: state)
        let found = try session.run(inputs)
        for output in expected.outputs {
          #expect(
            found[output.name]?.equalsBits(of: output.array) == true,
            "\(what) \(output.name) on \(backend), \(threads) threads, seed \(seed)")
        }
      }
    }
  }

  private func array(_ type: TensorType, _ random: inout SplitMix64) -> NDArray {
    let (count, dimensions) = (type.shape.count, type.shape.dimensions)
    let special: [Float] = [
      0, -0.0, .nan, .infinity, -.infinity, Float(bitPattern: 713), Float(bitPattern: 0x8000_02C9),
      3e9, -3e9, 0.5, 1.5, 2.5, -2.5, 1e38,
      .greatestFiniteMagnitude, 255.5, 256, -1, 2_147_483_648, -2_147_483_648,
    ]
    func number() -> Float {
      let bits = random.next()
      return bits % 3 == 0
        ? special[Int(bits >> 8) % special.count] : Float(Int(bits >> 8) % 4001 - 2000) / 300
    }
    let integers: [Int32] = [0, 1, -1, 7, 255, 256, -128, .max, .min, 1 << 24 + 1, 33_554_433]
    func integer() -> Int32 {
      let bits = random.next()
      return bits % 2 == 0
        ? integers[Int(bits >> 8) % integers.count] : Int32(truncatingIfNeeded: bits >> 16)
    }
    switch type.dataType {
    case .f32: return NDArray(.f32((0..<count).map { _ in number() }), dimensions: dimensions)
    case .i32: return NDArray(.i32((0..<count).map { _ in integer() }), dimensions: dimensions)
    case .u8:
      return NDArray(
        .u8((0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }),
        dimensions: dimensions)
    case .bool:
      return NDArray(
        .bool((0..<count).map { _ in random.next() % 2 == 0 }), dimensions: dimensions)
    case .i64:
      return NDArray(
        .i64((0..<count).map { _ in Int64(truncatingIfNeeded: random.next()) }),
        dimensions: dimensions)
    case .f64: return NDArray(.f64((0..<count).map { _ in 0 }), dimensions: dimensions)
    }
  }

  private static let shapes: [[Int]] = [
    [], [1], [0], [7], [8], [15], [16], [17], [33], [4095], [4097], [3, 0], [0, 5], [1, 1], [1, 9],
    [9, 1], [5, 8], [3, 31], [2, 3, 17], [4, 1, 5], [2, 0, 3],
  ]

  @Test(arguments: shapes) func mapsAgree(_ dimensions: [Int]) throws {
    let shape = Shape(dimensions.map { Extent(offset: $0) })
    let graph = Graph("mix") { g in
      let x = g.input("x", shape)
      let y = g.input("y", shape)
      let i = g.input("i", shape, .i32)
      let b = g.input("b", shape, .bool)
      let u = g.input("u", shape, .u8)
      g.output("sum", x + y * 2)
      g.output("least", minimum(x, y))
      g.output("most", maximum(x, y))
      g.output("less", x .< y)
      g.output("chosen", select(b, x, y))
      g.output("toInt", x.cast(to: .i32))
      g.output("toByte", i.cast(to: .u8))
      g.output("floatToByte", x.cast(to: .u8))
      g.output("fromByte", u.cast(to: .f32) * x)
      g.output("bool", x.cast(to: .bool))
      g.output("boolInt", b.cast(to: .i32) + i)
      g.output("intFloat", i.cast(to: .f32))
      g.output("rounded", floor(x) + ceil(y) + round(x))
      g.output("roots", sqrt(abs(x)) / y)
      g.output("long", i.cast(to: .i64))
      g.output("tanh", tanh(x) + sigmoid(y) * exp(x))
      g.output("quotient", i / (i * i + 1))
    }
    try check(graph, UInt64(dimensions.reduce(7) { $0 &* 31 &+ $1 }), "\(dimensions)")
  }

  /// Concatenations of many operands, each of which is copied by a loop of its own where it is one run of memory.
  @Test(arguments: DataType.allCases.filter { $0 != .f64 }, [[1], [3, 5], [1, 64], [2, 1, 33]])
  func manyPartsAgree(_ type: DataType, _ rest: [Int]) throws {
    let tail = rest.map { Extent(offset: $0) }
    let graph = Graph("parts") { g in
      let parts = [1, 7, 0, 16, 2, 33, 1].enumerated().map {
        g.input("x\($0)", Shape([Extent(offset: $1)] + tail), type)
      }
      g.output("along", concatenate(parts, axis: 0))
      // An axis of extent 1 in front leaves each part in one piece; a reversed part is read backwards.
      let behind = parts.map { $0.expandAxis(0) } + [parts[1].reverse(axes: [0]).expandAxis(0)]
      g.output("behind", concatenate(behind, axis: 1))
      let same = Array(repeating: parts[1].slice(axis: 0, from: 2), count: 6)
      g.output("inside", concatenate(same, axis: rest.count))
      if type == .f32 { g.output("used", concatenate(parts + parts, axis: 0) * 2) }
    }
    try check(graph, 5, "\(type) \(rest)")
  }

  @Test func emptyContractionsAgree() throws {
    for (m, n, k) in [(0, 3, 4), (3, 0, 4), (3, 4, 0), (0, 0, 0), (1, 1, 1), (1, 1, 0)] {
      let graph = Graph("empty") { g in
        let a = g.input("a", [Extent(offset: m), Extent(offset: k)])
        let b = g.input("b", [Extent(offset: k), Extent(offset: n)])
        let bias = g.input("bias", [Extent(offset: n)])
        g.output("y", relu(a.matmul(b) + bias))
        g.output("z", a.matmul(b))
      }
      try check(graph, 3, "\(m)×\(n)×\(k)")
    }
  }

  @Test func rowsThatMeetOneMatrixAgree() throws {
    for (batch, rows, columns, inner) in [
      (2, 3, 5, 4), (1, 17, 33, 16), (3, 1, 1, 7), (0, 4, 3, 2),
    ] {
      let graph = Graph("shared") { g in
        let extents = { (sizes: [Int]) in Shape(sizes) }
        let product = g.input("x", extents([batch, rows, inner]))
          .matmul(g.input("w", extents([inner, columns])))
        let scaled =
          (product + g.input("bias", extents([columns])))
          * g.input("scale", extents([batch, rows, 1]))
        g.output("even", scaled - g.input("residual", extents([batch, rows, columns])))
        g.output("uneven", tanh(product) + g.input("position", extents([rows, columns])))
      }
      try check(graph, 5, "rows \(batch)×\(rows)×\(columns)×\(inner)")
    }
  }

  @Test func paddingToOneElementAgrees() throws {
    let graph = Graph("padded") { g in
      let x = g.input("x", [5, 7])
      let none = x.slice(axis: 1, from: 0, to: 0)
      let column = none.pad(low: [0, 1], high: [0, 0], value: 3)
      // Beside a reduction, the column stands where the reduced axis had been.
      g.output("y", x.sum(axes: [1], keepingAxes: true) * column)
      g.output("z", exp(x) * column)
    }
    try check(graph, 9, "padding")
  }

  @Test func movedReadsAgree() throws {
    let graph = Graph("moved") { g in
      let x = g.input("x", [6, 40])
      let y = g.input("y", [6, 17])
      g.output("slice", x.slice(axis: 1, from: 3, to: 20) + y)
      g.output("rows", x.slice(axis: 0, from: 1, to: 3) * 2)
    }
    try check(graph, 11, "moved")
  }

  /// Nothing here has memory: what is too large for a machine's addresses or displacements must not trap.
  @Test func hugeShapesCompile() throws {
    for backend in Self.backends {
      let options = CompileOptions(threads: 1, backend: backend)
      for dimensions in [[1 << 33], [2, 1 << 33]] {
        let graph = Graph("map") { g in
          let x = g.input("x", Shape(dimensions.map { Extent(offset: $0) }))
          let b = g.input("b", [Extent(offset: dimensions.last ?? 1)])
          g.output("y", relu(x * 2 + b))
        }
        #expect(try graph.compile(options: options).kernelCount == 1)
      }
      let far = Graph("far") { g in
        let residual = g.input("residual", [14, 67_108_864]).slice(axis: 1, to: 32)
        g.output("y", g.input("a", [14, 3]).matmul(g.input("b", [3, 32])) + residual)
      }
      #expect(try far.compile(options: options).kernelCount >= 1)
      let product = Graph("product") { g in
        let x = g.input("x", [2_097_152, 2_097_152])
        g.output("y", relu(x.matmul(x)))
      }
      #expect(try product.compile(options: options).kernelCount == 1)
    }
  }

  @Test func threadsWithoutWorkCostNothing() throws {
    let graph = Graph("small") { g in g.output("y", relu(g.input("x", [3]))) }
    let session = try graph.compile(options: CompileOptions(threads: 1 << 40)).makeSession()
    #expect(try session.run(["x": NDArray([-1, 0, 2])]).y == NDArray([0, 0, 2]))
  }

  /// A pool that a larger plan made serves a smaller one of its family.
  @Test func plansOfOneFamilyShareAPool() throws {
    let graph = Graph("family") { g in
      let w = g.parameter("w", [64], .zeros)
      g.output("y", g.input("x", [.batch, 64]) + w)
    }
    let options = { CompileOptions(threads: $0, minimumWorkPerThread: 1) }
    let large = try graph.compile(batch: 64, options: options(4)).makeSession()
    let small = try graph.compile(batch: 32, options: options(2)).makeSession(sharing: large)
    let x = NDArray([Float](repeating: 1, count: 32 * 64), dimensions: [32, 64])
    for _ in 0..<20 { #expect(try small.run(["x": x]).y == x) }
  }
}

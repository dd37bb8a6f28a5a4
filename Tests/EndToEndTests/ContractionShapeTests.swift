import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Contractions of every kind of shape agree with portable code in every bit, on every backend the machine has.
@Suite struct ContractionShapeTests {
  struct Shape: CustomStringConvertible {
    var batch = 1
    let m: Int
    let n: Int
    let k: Int
    let transposeLeft: Bool
    let transposeRight: Bool
    let hasEpilogue: Bool

    var description: String {
      "\(batch)×\(m)×\(n)×\(k)\(transposeLeft ? " left" : "")\(transposeRight ? " right" : "")\(hasEpilogue ? " epilogue" : "")"
    }
  }

  /// Sizes around the widths of vectors and tiles, and some beyond.
  private static let sizes = [
    1, 2, 3, 5, 7, 8, 9, 13, 14, 15, 16, 17, 29, 31, 32, 33, 35, 48, 57, 67,
  ]

  private func shape(_ random: inout SplitMix64) -> Shape {
    func size() -> Int { Self.sizes[Int(random.next() % UInt64(Self.sizes.count))] }
    let hasEpilogue = random.next() % 2 == 0
    return Shape(
      batch: !hasEpilogue && random.next() % 4 == 0 ? 3 : 1, m: size(), n: size(), k: size(),
      transposeLeft: random.next() % 2 == 0, transposeRight: random.next() % 2 == 0,
      hasEpilogue: hasEpilogue)
  }

  private func graph(_ shape: Shape) -> Graph {
    Graph("contraction") { g in
      let leading: [Extent] = shape.batch == 1 ? [] : [Extent(offset: shape.batch)]
      let extents = { (rows: Int, columns: Int, isTransposed: Bool) in
        DescentGraph.Shape(
          leading + (isTransposed ? [columns, rows] : [rows, columns]).map { Extent(offset: $0) })
      }
      let a = g.input("a", extents(shape.m, shape.k, shape.transposeLeft))
      let b = g.input("b", extents(shape.k, shape.n, shape.transposeRight))
      let product = a.matmul(
        b, transposeLeft: shape.transposeLeft, transposeRight: shape.transposeRight)
      guard shape.hasEpilogue else { return g.output("y", product) }
      let bias = g.input("bias", [Extent(offset: shape.n)])
      let residual = g.input("residual", extents(shape.m, shape.n, false))
      let scale = g.input("scale", [Extent(offset: shape.m), 1])
      g.output("y", relu(product + bias) * scale + tanh(product * residual))
    }
  }

  /// Shapes for which code is written differently: copied rows, packed panels, single rows over many vectors.
  private static let special = [
    (20, 16, 1024), (50, 1024, 8), (130, 40, 20), (1, 400, 33), (1, 999, 7),
  ]

  private func special(_ seed: UInt64) -> Shape {
    let (m, n, k) = Self.special[Int(seed / 8) % Self.special.count]
    return Shape(
      m: m, n: n, k: k, transposeLeft: seed & 1 != 0, transposeRight: seed & 2 != 0,
      hasEpilogue: seed & 4 != 0)
  }

  @Test func everyShapeAgrees() throws {
    let backends = Backend.allCases.filter { $0 != .portable && $0.runs(on: CPUFeatures.detected) }
    for seed in 0..<290 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      let shape = seed < 40 ? special(seed) : shape(&random)
      let graph = graph(shape)
      let portable = try graph.compile(options: CompileOptions(threads: 1, backend: .portable))
      let session = try portable.makeSession()
      var inputs: [String: NDArray] = [:]
      for (name, type) in session.inputTypes {
        inputs[name] = NDArray(
          (0..<type.shape.count).map { _ in Float(Int(random.next() % 2001) - 1000) / 700 },
          dimensions: type.shape.dimensions)
      }
      let expected = try session.run(inputs).y
      for backend in backends {
        let plan = try graph.compile(
          options: CompileOptions(
            threads: 1 + Int(seed % 3), poison: seed % 2 == 0, minimumWorkPerThread: 1,
            backend: backend))
        #expect(plan.program.native?.kernels.contains { $0 == nil } == false, "\(shape)")
        let found = try plan.makeSession().run(inputs).y
        #expect(found.equalsBits(of: expected), "\(backend) \(shape), seed \(seed)")
      }
    }
  }
}

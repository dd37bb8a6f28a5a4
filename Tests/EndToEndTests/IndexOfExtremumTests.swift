import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// The first index of an extremum is the interpreter's, however many are equal to it, on every backend.
@Suite struct IndexOfExtremumTests {
  static let shapes = [
    [5, 1, 1], [4, 7, 1], [3, 33, 1], [2, 64, 1], [2, 100, 1], [2, 4200, 1], [3, 5, 9],
    [2, 300, 17],
    [1, 3, 600],
  ]

  @Test(arguments: shapes, [DataType.f32, .i32, .u8, .i64])
  func indexIsTheFirst(_ shape: [Int], _ type: DataType) throws {
    let graph = Graph("indices") { g in
      let x = g.input("x", Shape(shape), type)
      let y = g.input("y", Shape([shape[0], shape[2]]), .i32)
      let best = x.argMax(axis: 1)
      g.output("greatest", best)
      g.output("least", x.argMin(axis: 1))
      g.output("hits", (best .== y).cast(to: .f32).sum(axes: [0]))
      g.output("distance", x - x.max(axes: [1], keepingAxes: true))
    }
    for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
      let plan = try graph.compile(
        options: CompileOptions(
          threads: 2, poison: true, minimumWorkPerThread: 1, backend: backend))
      let native = plan.program.native?.kernels ?? []
      #expect(type == .i64 || native.allSatisfy { $0 != nil }, "\(shape) of \(type) on \(backend)")
      let session = try plan.makeSession()
      for seed in 0..<UInt64(3) {
        var random = SplitMix64(seed: seed)
        let inputs = [
          "x": elements(TensorType(type, Shape(shape)), hasNaN: seed == 0, &random),
          "y": elements(TensorType(.i32, Shape([shape[0], shape[2]])), hasNaN: false, &random),
        ]
        let expected = try Interpreter().run(plan.graph, inputs: inputs, state: [:])
        let found = try session.run(inputs)
        for output in expected.outputs {
          let isEqual = found[output.name]?.equalsBits(of: output.array) == true
          #expect(isEqual, "\(output.name) of \(shape) of \(type) on \(backend), seed \(seed)")
        }
      }
    }
  }

  /// Few values, so that most lines have several extrema.
  private func elements(
    _ type: TensorType, hasNaN: Bool, _ random: inout SplitMix64
  ) -> NDArray {
    let floats: [Float] = [0, -0.0, 1, -1, .infinity, -.infinity] + (hasNaN ? [.nan] : [])
    let bits = (0..<type.shape.count).map { _ -> UInt64 in
      guard type.dataType == .f32 else { return UInt64(random.int(0...3)) }
      let most = random.chance(3) ? floats.count - 1 : 3
      return UInt64(floats[random.int(0...most)].bitPattern)
    }
    return NDArray(bits: bits, type: type)
  }
}

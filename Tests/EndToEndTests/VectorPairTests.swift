import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Long chains of operations run for two vectors at once; lines of any length, and blocks of lines, come out the same.
@Suite struct VectorPairTests {
  /// From too few vectors for a loop to an even and an odd number of 8 and 16 with a rest; and blocks of 4,096 places
  /// behind which there are none, one or two whole ones.
  private static let lengths =
    [15, 16, 31, 40, 64, 72, 80, 97, 128] + [4096 + 7, 4096 + 16, 4096 + 24, 4096 + 41]

  /// Elements, then rows in three sweeps, some with several accumulators; results of other types, and some that may lie
  /// where an operand was.
  private static func graph(_ length: Int) -> Graph {
    Graph("pairs") { g in
      let x = g.input("x", Shape([3, length]))
      let scale = g.parameter("scale", Shape([length]), .heNormal)
      let y = tanh(x * scale + 0.25) * sigmoid(x)
      g.output("map", y)
      g.output("row", softmax(y) + gelu(x))
      g.output("sum", (sigmoid(x) * tanh(x * 2)).sum(axes: [1]))
      g.output("max", tanh(x * scale).max(axes: [1]))
      g.output("back", tanh(x.reverse(axes: [1])))
      g.output("bytes", (sigmoid(x) .> 0.5).cast(to: .u8))
      g.output("long", (tanh(x * 3) * 5).cast(to: .i64))
      let m = g.state("m", Shape([3, length]), .f32, .ones)
      g.update(m, to: exp(tanh(m * 0.5) - sigmoid(x)))
    }
  }

  @Test(arguments: [Backend.avx2, .avx512]) func everyLengthAgrees(backend: Backend) throws {
    guard backend.runs(on: CPUFeatures.detected) else { return }
    for length in Self.lengths {
      let graph = Self.graph(length)
      for threads in [1, 2] {
        let plan = try graph.compile(
          options: CompileOptions(
            threads: threads, poison: threads == 2, minimumWorkPerThread: 1, backend: backend))
        let session = try plan.makeSession(seed: 5)
        var state = Dictionary(
          uniqueKeysWithValues: session.state.entries.map { ($0.name, $0.array) })
        for seed in 1...2 as ClosedRange<UInt64> {
          var random = SplitMix64(seed: seed)
          let x = NDArray(TensorType(.f32, Shape([3, length])), .ordinary, using: &random)
          let expected = try Interpreter().run(plan.graph, inputs: ["x": x], state: state)
          let found = try session.run(["x": x])
          for output in expected.outputs {
            #expect(
              found[output.name]?.equalsBits(of: output.array) == true,
              "\(output.name), \(length) places, \(threads) threads")
          }
          for (name, array) in expected.state { state[name] = array }
          #expect(
            session.state.entries.allSatisfy { state[$0.name]?.equalsBits(of: $0.array) == true },
            "states, \(length) places, \(threads) threads")
        }
      }
    }
  }
}

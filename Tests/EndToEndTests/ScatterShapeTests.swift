import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Additions at indices agree with the interpreter in every bit on every backend, and report the same fault.
@Suite struct ScatterShapeTests {
  static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  private func graph(_ rows: Int, _ count: Int, _ inner: Int, _ type: DataType) -> Graph {
    Graph("scatter") { g in
      let base = g.input("base", Shape([2, rows, inner]))
      let updates = g.input("updates", Shape([2, count, inner]))
      let indices = g.input("indices", Shape([count]), type)
      g.output("y", base.scatterAdd(indices, updates, axis: 1))
      let whole = (updates * 100.0).cast(to: .i32)
      g.output(
        "z", (base * 10.0).cast(to: .i32).scatterAdd(indices, whole, axis: 1))
    }
  }

  @Test(arguments: [1, 2, 7, 8, 9, 15, 16, 17, 33, 64])
  func everyWidthAgrees(inner: Int) throws {
    for (rows, count, type) in [(3, 8, DataType.i32), (1, 4, .i64), (9, 0, .i32), (17, 40, .i64)] {
      let graph = graph(rows, count, inner, type)
      var random = SplitMix64(seed: UInt64(inner * 100 + rows))
      let numbers = { (count: Int, random: inout SplitMix64) in
        (0..<count).map { _ in Float(Int(random.next() % 2001) - 1000) / 700 }
      }
      let places = (0..<count).map { _ in Int64(random.next() % UInt64(rows)) }
      let inputs = [
        "base": NDArray(numbers(2 * rows * inner, &random), dimensions: [2, rows, inner]),
        "updates": NDArray(numbers(2 * count * inner, &random), dimensions: [2, count, inner]),
        "indices": type == .i64
          ? NDArray(.i64(places), dimensions: [count])
          : NDArray(places.map { Int32($0) }, dimensions: [count]),
      ]
      for backend in Self.backends {
        let plan = try graph.compile(options: CompileOptions(threads: 2, backend: backend))
        let expected = try Interpreter().run(plan.graph, inputs: inputs)
        let found = try plan.makeSession().run(inputs)
        for output in expected.outputs {
          let isEqual = found[output.name]?.equalsBits(of: output.array) == true
          #expect(isEqual, "\(output.name) of \(rows)×\(count)×\(inner) on \(backend)")
        }
      }
    }
  }

  @Test(arguments: [-1, 3, Int64.max, Int64.min])
  func anIndexOutOfRangeIsReported(index: Int64) throws {
    var messages: Set<String> = []
    for backend in Self.backends {
      let plan = try graph(3, 2, 5, .i64).compile(options: CompileOptions(backend: backend))
      let zeros = { (dimensions: [Int]) in NDArray(repeating: 0, .f32, dimensions: dimensions) }
      let error = #expect(throws: RuntimeError.self) {
        try plan.makeSession().run([
          "base": zeros([2, 3, 5]), "updates": zeros([2, 2, 5]),
          "indices": NDArray(.i64([0, index]), dimensions: [2]),
        ])
      }
      messages.insert(error?.description ?? "")
    }
    #expect(messages.count == 1)
    #expect(messages.first?.contains("scatterAdd") == true, "\(messages)")
  }
}

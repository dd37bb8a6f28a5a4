import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Sorts agree with the interpreter on every backend: short lines and long ones, side by side or one after the other.
@Suite struct SortShapeTests {
  private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  /// Numbers among which many are equal, and those whose order is easily wrong.
  private func array(_ type: DataType, _ dimensions: [Int], _ random: inout SplitMix64) -> NDArray {
    let count = dimensions.reduce(1, *)
    let words = (0..<count).map { _ in random.next() }
    let special: [Float] = [
      0, -0.0, .nan, -.nan, .infinity, -.infinity, Float(bitPattern: 1), -Float(bitPattern: 1),
      .greatestFiniteMagnitude, -.greatestFiniteMagnitude, 1, -1,
    ]
    let storage: NDArray.Storage =
      switch type {
      case .f32:
        .f32(
          words.map {
            $0 % 3 == 0
              ? special[Int($0 >> 8) % special.count] : Float(Int($0 >> 8) % 2001 - 1000) / 7
          })
      case .f64: .f64(words.map { Double($0 % 100) })
      case .i32: .i32(words.map { $0 % 5 == 0 ? .min : Int32(truncatingIfNeeded: $0) >> 16 })
      case .i64: .i64(words.map { $0 % 5 == 0 ? .max : Int64(bitPattern: $0) >> ($0 % 60) })
      case .u8: .u8(words.map { UInt8(truncatingIfNeeded: $0) })
      case .bool: .bool(words.map { $0 % 2 == 0 })
      }
    return NDArray(storage, dimensions: dimensions)
  }

  private static let shapes: [[Int]] = [
    [0, 3], [1, 1], [3, 1], [2, 7], [5, 33], [3, 48], [2, 49], [3, 300], [2, 5, 3], [2, 70, 3],
  ]

  @Test(arguments: DataType.allCases.filter { $0 != .f64 }, shapes)
  func everyShapeAgrees(_ type: DataType, _ dimensions: [Int]) throws {
    let graph = Graph("sort") { g in
      let x = g.input("x", Shape(dimensions.map { Extent(offset: $0) }), type)
      g.output("order", x.argSort(axis: 1))
      g.output("falling", x.argSort(axis: 1, descending: true))
      if dimensions[0] > 0 {
        g.output("sorted", x.sort(axis: 0).values)
        g.output("ranks", x.ranks(axis: 1))
      }
    }
    var random = SplitMix64(seed: UInt64(dimensions.reduce(Int(type.rawValue)) { $0 &* 31 &+ $1 }))
    let inputs = ["x": array(type, dimensions, &random)]
    for backend in Self.backends {
      for threads in [1, 3] {
        let plan = try graph.compile(
          options: CompileOptions(
            threads: threads, poison: true, minimumWorkPerThread: 1, backend: backend))
        let expected = try Interpreter().run(plan.graph, inputs: inputs)
        let found = try plan.makeSession().run(inputs)
        for output in expected.outputs {
          #expect(
            found[output.name]?.equalsBits(of: output.array) == true,
            "\(output.name) of \(type) \(dimensions) on \(backend), \(threads) threads")
        }
      }
    }
  }

  /// A comparison of all pairs would take ten billion steps.
  @Test func aHundredThousandElements() throws {
    var random = SplitMix64(seed: 5)
    let x = array(.f32, [100_000], &random)
    let plan = try Graph("long") { g in
      let (values, indices) = g.input("x", [100_000]).topK(50_000)
      g.output("values", values)
      g.output("indices", indices)
    }.compile()
    let found = try plan.makeSession().run(["x": x])
    let elements = x.floats
    let order = elements.indices.sorted {
      let (a, b) = (elements[$0], elements[$1])
      if a.isNaN || b.isNaN { return a.isNaN && (!b.isNaN || $0 < $1) }
      return a == b ? $0 < $1 : a > b
    }
    #expect(found["indices"]?.bits.map { Int($0) } == Array(order.prefix(50_000)))
    let values = try #require(found["values"]).floats
    #expect(zip(values, order).allSatisfy { $0.isNaN ? elements[$1].isNaN : $0 == elements[$1] })
  }

  @Test func aSortStandsAlone() throws {
    let plan = try Graph("alone") { g in
      let x = exp(g.input("x", [4, 9]))
      g.output("y", x.argSort() + 1.0)
    }.compile()
    #expect(plan.program.kernels.map(\.name) == ["exp", "argSort", "add"])
  }

  @Test func mistakesAreTold() {
    let graph = Graph("mistakes") { g in
      g.output("y", g.input("x", [.batch, 3]).argSort(axis: 0))
      g.output("z", g.input("z", []).argSort())
    }
    #expect(
      graph.errors.map(\.message) == [
        "argSort: axis 0 of [batch, 3] is not counted by i32",
        "argSort: axis -1 is not an axis of []",
      ])
  }
}

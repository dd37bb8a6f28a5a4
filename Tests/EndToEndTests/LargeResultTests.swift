import DescentCompiler
import DescentGraph
import DescentRuntime
import Testing

/// Results so large that stores to them pass the caches by, where lines are whole aligned vectors.
@Suite struct LargeResultTests {
  @Test(arguments: [(2048, 1024), (2047, 1025)], [1, 2])
  func everyElementArrives(_ shape: (rows: Int, columns: Int), _ threads: Int) throws {
    let graph = Graph("large") { g in
      let x = g.input("x", Shape([shape.rows, shape.columns]))
      let z = g.input("z", Shape([shape.rows, shape.columns]))
      g.output("map", z * 0.5 + 1)
      g.output("row", x - x.max(axes: [1], keepingAxes: true))
    }
    let session = try graph.compile(options: CompileOptions(threads: threads)).makeSession()
    let elements = (0..<shape.rows * shape.columns).map { Float(($0 * 7919) % 4093) }
    let x = NDArray(elements, dimensions: [shape.rows, shape.columns])
    let results = try session.run(["x": x, "z": x])
    guard case .f32(let map)? = results["map"]?.storage,
      case .f32(let row)? = results["row"]?.storage
    else {
      Issue.record("there are no results")
      return
    }
    #expect(map == elements.map { $0 * 0.5 + 1 })
    var expected: [Float] = []
    expected.reserveCapacity(elements.count)
    for start in stride(from: 0, to: elements.count, by: shape.columns) {
      let line = elements[start..<start + shape.columns]
      let greatest = line.max()!
      for element in line { expected.append(element - greatest) }
    }
    #expect(row == expected)
  }

  /// Several products too, whose rows and right factors are prefetched besides.
  @Test(arguments: [1, 2]) func everyProductArrives(threads: Int) throws {
    let (products, rows, terms, columns) = (9, 700, 32, 192)
    let graph = Graph("large") { g in
      let x = g.input("x", Shape([products, rows, terms]))
      let y = g.input("y", Shape([products, terms, columns]))
      g.output("product", x.matmul(y))
    }
    let session = try graph.compile(options: CompileOptions(threads: threads)).makeSession()
    let x = (0..<products * rows * terms).map { Float(($0 * 7919) % 31) }
    let y = (0..<products * terms * columns).map { Float(($0 * 7907) % 29) }
    let results = try session.run([
      "x": NDArray(x, dimensions: [products, rows, terms]),
      "y": NDArray(y, dimensions: [products, terms, columns]),
    ])
    guard case .f32(let found)? = results["product"]?.storage else {
      Issue.record("there is no result")
      return
    }
    // Whole numbers below 2²⁴, which any order of sums gives exactly.
    var wrong = 0
    for row in 0..<products * rows {
      let (left, right) = (x[row * terms..<(row + 1) * terms], row / rows * terms * columns)
      for column in 0..<columns {
        var sum: Float = 0
        for (k, factor) in left.enumerated() { sum += factor * y[right + k * columns + column] }
        if found[row * columns + column] != sum { wrong += 1 }
      }
    }
    #expect(wrong == 0)
  }
}

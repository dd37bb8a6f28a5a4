import DescentCodegen
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

  /// Behind sums short and long, an epilogue reads more than second-level caches hold: its rows are asked for at
  /// once, or, where there are many terms, one after the other while products are taken.
  @Test(arguments: [1, 14, 61, 530, 600], [false, true])
  func everyEpilogueMeetsItsElements(terms: Int, isTransposed: Bool) throws {
    let (rows, columns) = (131, 530)
    let graph = Graph("epilogue") { g in
      let x = g.input("x", Shape(isTransposed ? [terms, rows] : [rows, terms]))
      let y = g.input("y", Shape(isTransposed ? [columns, terms] : [terms, columns]))
      let product = x.matmul(y, transposeLeft: isTransposed, transposeRight: isTransposed)
      let result = Shape([rows, columns])
      g.output("sum", relu(product * g.input("factor", result) + g.input("rest", result)))
    }
    let elements = { (count: Int, seed: Int) in
      (0..<count).map { Float(($0 &* 7919 &+ seed) % 31 - 15) }
    }
    let (factor, rest) = (elements(rows * columns, 7), elements(rows * columns, 11))
    // xᵢₖ = uᵢ + vₖ, so that Σ xᵢₖ·yₖⱼ = uᵢ·Σ yₖⱼ + Σ vₖ·yₖⱼ; whole numbers below 2²⁴, which any order gives exactly.
    let (u, v, y) = (elements(rows, 1), elements(terms, 3), elements(terms * columns, 5))
    let matrix = { (rows: Int, columns: Int, isTransposed: Bool, at: (Int, Int) -> Float) in
      let (outer, inner) = isTransposed ? (columns, rows) : (rows, columns)
      let all = (0..<outer * inner).map { place in
        let (i, j) = (place / inner, place % inner)
        return isTransposed ? at(j, i) : at(i, j)
      }
      return NDArray(all, dimensions: [outer, inner])
    }
    let inputs = [
      "x": matrix(rows, terms, isTransposed) { u[$0] + v[$1] },
      "y": matrix(terms, columns, isTransposed) { y[$0 * columns + $1] },
      "factor": matrix(rows, columns, false) { factor[$0 * columns + $1] },
      "rest": matrix(rows, columns, false) { rest[$0 * columns + $1] },
    ]
    let sums = (0..<columns).map { column in
      (0..<terms).reduce(into: (Float(0), Float(0))) { sum, term in
        sum.0 += y[term * columns + column]
        sum.1 += v[term] * y[term * columns + column]
      }
    }
    let expected = (0..<rows * columns).map { place in
      let (row, column) = (place / columns, place % columns)
      return max(0, (u[row] * sums[column].0 + sums[column].1) * factor[place] + rest[place])
    }
    for backend in [Backend.avx2, .avx512] where backend.runs(on: CPUFeatures.detected) {
      for threads in 1...2 {
        let plan = try graph.compile(options: CompileOptions(threads: threads, backend: backend))
        #expect(plan.kernelCount == 1)
        let found = try plan.makeSession().run(inputs)["sum"]
        #expect(found?.floats == expected, "\(backend), \(threads) threads")
      }
    }
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

import DescentGraph
import DescentPasses
import DescentTestSupport
import Foundation
import Testing

/// Products in quarters are the products, but for rounding; and only large ones are made so.
@Suite struct StrassenProductTests {
  private static func run(
    _ graph: Graph, prepares: Bool = true, levels: Int? = nil
  ) throws -> (graph: Graph, journal: Journal) {
    var journal = Journal()
    let after = try Pass.strassen(prepares: prepares, levels: levels)
      .run(graph.validated(), &journal)
    #expect(after.verify() == [])
    return (after, journal)
  }

  private static func product(
    _ left: [Int], _ right: [Int], _ op: Contraction = Contraction(), _ dataType: DataType = .f32,
    isParameter: Bool = false
  ) -> Graph {
    Graph("product") { g in
      let a = g.input("a", Shape(left), dataType)
      let b = isParameter ? g.parameter("b", Shape(right)) : g.input("b", Shape(right), dataType)
      g.output("y", a.apply(.contraction(op), b))
    }
  }

  private static func contractions(_ graph: Graph) -> Int {
    graph.nodes.count { if case .contraction = $0.op { true } else { false } }
  }

  /// The result of a graph for arrays of numbers.
  private static func result(_ graph: Graph, _ inputs: [String: NDArray]) throws -> [Double] {
    let run = try Interpreter().run(graph, inputs: inputs)
    return try #require(run.outputs.first).array.doubles
  }

  /// Numbers for the inputs of a graph: integers over a divisor.
  private static func inputs(
    _ graph: Graph, _ random: inout SplitMix64, of range: ClosedRange<Int>, over divisor: Float
  ) -> [String: NDArray] {
    var inputs: [String: NDArray] = [:]
    for node in graph.nodes {
      guard case .leaf(.input(let name, let type)) = node.op else { continue }
      let values = (0..<type.shape.count).map { _ in Float(random.int(range)) / divisor }
      inputs[name] = NDArray(values, dimensions: type.shape.dimensions)
    }
    return inputs
  }

  /// Of small integers no sum is rounded, so that every quarter must be where it belongs.
  @Test(arguments: [1, 2]) func productsOfIntegersAreTheSame(levels: Int) throws {
    var random = SplitMix64(seed: UInt64(levels))
    for (m, k, n) in [(4, 4, 4), (8, 12, 16), (12, 4, 8), (4, 20, 12)] {
      for (turnsLeft, turnsRight) in [(false, false), (true, false), (false, true), (true, true)] {
        let op = Contraction(transposeLeft: turnsLeft, transposeRight: turnsRight, chunk: 3)
        let rows = m == 8 ? [2, 4, k] : [m, k]
        let graph = Self.product(turnsLeft ? [k, m] : rows, turnsRight ? [n, k] : [k, n], op)
        let quarters = try Self.run(graph, levels: levels).graph
        #expect(Self.contractions(quarters) == (levels == 1 ? 7 : 49))
        let inputs = Self.inputs(graph, &random, of: -9...9, over: 1)
        #expect(try Self.result(quarters, inputs) == Self.result(graph, inputs), "\(m)×\(k)×\(n)")
      }
    }
  }

  @Test func theJournalSaysWhatIsSaved() throws {
    let journal = try Self.run(Self.product([8, 16], [16, 4]), levels: 2).journal
    #expect(
      journal.entries.map(\.text) == [
        "%2 contract in quarters of quarters: 49 products of 2×4 by 4×1, "
          + "392 multiplications rather than 512"
      ])
  }

  /// The bound of `Pass.strassen`, and that errors of ordinary numbers are far below it.
  @Test(arguments: [1, 2]) func errorsStayBelowTheBound(levels: Int) throws {
    let n = 64
    let graph = Self.product([n, n], [n, n])
    let quarters = try Self.run(graph, levels: levels).graph
    let exact = Self.product([n, n], [n, n], Contraction(), .f64)
    var random = SplitMix64(seed: 7)
    var worst = 0.0
    for _ in 0..<4 {
      let narrow = Self.inputs(graph, &random, of: -999...999, over: 999)
      let wide = narrow.mapValues { NDArray(.f64($0.doubles), dimensions: [n, n]) }
      let largest = wide.values.reduce(1) { $0 * ($1.doubles.map(abs).max() ?? 0) }
      let (found, expected) = (try Self.result(quarters, narrow), try Self.result(exact, wide))
      let error = zip(found, expected).map { abs($0 - $1) }.max() ?? 0
      worst = max(worst, error / (largest * 0x1p-24))
    }
    let half = Double(n >> levels)
    let bound = pow(18, Double(levels)) * (half * half + 6 * half) - 6 * Double(n)
    #expect(worst < bound / 50, "\(worst) of \(bound)")
    #expect(worst > 1)
  }

  /// Whether estimates choose quarters, and how many products there are then.
  private static func products(
    _ left: [Int], _ right: [Int], _ op: Contraction = Contraction(), _ dataType: DataType = .f32,
    isParameter: Bool = false, prepares: Bool = true
  ) throws -> Int {
    contractions(
      try run(product(left, right, op, dataType, isParameter: isParameter), prepares: prepares)
        .graph)
  }

  @Test func largeProductsAreInQuarters() throws {
    // Halves are full vectors, quarters are not.
    #expect(try Self.products([2080, 2080], [2080, 2080]) == 7)
    #expect(try Self.products([2080, 2080], [2080, 2080], Contraction(transposeLeft: true)) == 7)
    #expect(try Self.products([2048, 2048], [2048, 2048]) == 49)
    #expect(try Self.products([4096, 4096], [4096, 4096]) == 49)
  }

  @Test func othersAreNot() throws {
    #expect(try Self.products([256, 256], [256, 256]) == 1)
    // What is saved is less than what threads lose to each other.
    #expect(try Self.products([1024, 1024], [1024, 1024]) == 1)
    // Halves are not full vectors.
    #expect(try Self.products([4104, 4104], [4104, 4104]) == 1)
    // Few rows do not make up for what is read of the other factor.
    #expect(try Self.products([64, 4096], [4096, 4096], isParameter: true) == 1)
    // Sums of the quarters take as long as one product of eight.
    #expect(try Self.products([1024, 64], [64, 1024]) == 1)
    // A column is left over.
    #expect(try Self.products([1024, 1024], [1024, 1023]) == 1)
    // Attention's products are many small ones.
    #expect(try Self.products([2, 1024, 1024], [2, 1024, 1024]) == 1)
    #expect(try Self.products([1024, 1024], [1024, 1024], Contraction(), .f64) == 1)
    #expect(try Self.products([0, 1024], [1024, 1024]) == 1)
    // More products than can be counted.
    #expect(try Self.products([1 << 22, 1 << 22], [1 << 22, 1 << 22]) == 1)
  }

  /// Sums of weights that are the same in every run cost nothing.
  @Test func fixedWeightsDecide() throws {
    #expect(try Self.products([1024, 1024], [1024, 1024], isParameter: true) == 49)
    #expect(try Self.products([512, 1024], [1024, 1024], isParameter: true) == 49)
    #expect(try Self.products([256, 1024], [1024, 1024], isParameter: true) == 1)
    let shapes = ([1024, 1024], [1024, 1024])
    #expect(try Self.products(shapes.0, shapes.1, isParameter: true, prepares: false) == 1)
    #expect(try Self.products(shapes.0, shapes.1) == 1)
  }

  /// What is computed only once may as well be computed plainly.
  @Test func productsOfWeightsAloneAreNot() throws {
    let graph = Graph("fixed") { g in
      let shape: Shape = [2048, 2048]
      g.output("y", g.parameter("a", shape).matmul(g.parameter("b", shape)) * g.input("x", [1]))
    }
    #expect(try Self.contractions(Self.run(graph).graph) == 1)
    #expect(try Self.contractions(Self.run(graph, prepares: false).graph) == 49)
  }
}

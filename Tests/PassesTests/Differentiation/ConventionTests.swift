import DescentGraph
import DescentPasses
import Testing

/// Exact derivatives where the mathematics leaves a choice, and where a careless formula gives NaN.
@Suite struct ConventionTests {
  /// Returns the derivatives of the sum of an expression's elements by its operands.
  private func derivatives(
    _ operands: [[Double]], order: Int = 1, _ body: ([Tensor]) -> Tensor
  ) throws -> [[Double]] {
    let names = operands.indices.map { "x\($0)" }
    var graph = Graph("conventions") { g in
      let tensors = operands.indices.map { g.input(names[$0], Shape([operands[$0].count]), .f64) }
      g.output("y", body(tensors))
    }
    var output = "y"
    for _ in 1..<order {
      graph = try graph.gradient(of: output, withRespectTo: ["x0"])
      output = "d\(output)/dx0"
    }
    graph = try graph.gradient(of: output, withRespectTo: names)
    let inputs = zip(names, operands).map {
      ($0, NDArray(.f64($1), dimensions: [$1.count]))
    }
    let results = try Interpreter().run(graph, inputs: Dictionary(uniqueKeysWithValues: inputs))
    return try names.map { try #require(results["d\(output)/d\($0)"]).doubles }
  }

  @Test func equalOperandsShareEvenly() throws {
    let x: [Double] = [1, 2, 3]
    let y: [Double] = [2, 2, 2]
    #expect(
      try derivatives([x, y]) { maximum($0[0], $0[1]) } == [[0, 0.5, 1], [1, 0.5, 0]])
    #expect(
      try derivatives([x, y]) { minimum($0[0], $0[1]) } == [[1, 0.5, 0], [0, 0.5, 1]])
    #expect(try derivatives([[3, 1, 3, 3]]) { $0[0].max() } == [[1.0 / 3, 0, 1.0 / 3, 1.0 / 3]])
    #expect(try derivatives([[1, 3, 1, 2]]) { $0[0].min() * 4.0 } == [[2, 0, 2, 0]])
  }

  @Test func kinksHaveTheValueOfTheirFormula() throws {
    #expect(try derivatives([[-2, 0, 3]]) { abs($0[0]) } == [[-1, 0, 1]])
    #expect(try derivatives([[-2, 0, 3]]) { relu($0[0]) } == [[0, 0, 1]])
    #expect(try derivatives([[-2, 0, 3]]) { leakyRelu($0[0], slope: 0.5) } == [[0.5, 0.5, 1]])
  }

  @Test func productsWithZeros() throws {
    #expect(try derivatives([[2, 3, 4]]) { $0[0].product() } == [[12, 8, 6]])
    #expect(try derivatives([[2, 0, 4]]) { $0[0].product() } == [[0, 8, 0]])
    #expect(try derivatives([[0, 3, 0]]) { $0[0].product() } == [[0, 0, 0]])
  }

  @Test func powersOfZero() throws {
    let x: [Double] = [0, 0, 0, 2]
    let y: [Double] = [0, 1, 2, 3]
    let first = try derivatives([x, y]) { pow($0[0], $0[1]) }
    #expect(first[0] == [0, 1, 0, 12])
    #expect(Array(first[1].dropLast()) == [0, 0, 0])
    #expect(abs(first[1][3] - 8 * 0.6931471805599453) < 1e-12)
    for exponent in [0.0, 1, 2, 3] {
      let expected = [exponent == 1 ? 1.0 : 0]
      let found = try derivatives([[0]]) { pow($0[0], exponent) + 0.0 * $0[0] }
      #expect(found == [expected], "power \(exponent)")
    }
    #expect(try derivatives([[0]], order: 2) { pow($0[0], 2) } == [[2]])
    #expect(try derivatives([[0], [2]], order: 2) { pow($0[0], $0[1]) }[0] == [2])
  }

  @Test func remaindersStepWithTheQuotient() throws {
    let found = try derivatives([[7, -7], [3, 3]]) { remainder($0[0], $0[1]) }
    #expect(found == [[1, 1], [-2, 3]])
  }

  @Test func castsPassTheCotangentRounded() throws {
    let found = try derivatives([[0.1]]) { square($0[0].cast(to: .f32)) }
    #expect(found == [[Double(Float(0.1) + Float(0.1))]])
  }

  @Test func repeatedIndicesAccumulate() throws {
    let rows = NDArray(.i32([1, 1, 0]), dimensions: [3])
    let found = try derivatives([[5, 6]]) { $0[0].gather($0[0].builder.constant(rows)) }
    #expect(found == [[1, 2]])
  }

  @Test func stoppedGradientsCountAsConstants() throws {
    #expect(try derivatives([[3, 4]]) { $0[0] * stopGradient($0[0]) } == [[3, 4]])
  }

  @Test func higherDerivatives() throws {
    #expect(try derivatives([[3, 4, 10]]) { square($0[0]) } == [[6, 8, 20]])
    #expect(try derivatives([[2]], order: 2) { $0[0] * $0[0] * $0[0] } == [[12]])
    #expect(try derivatives([[2]], order: 3) { $0[0] * $0[0] * $0[0] } == [[6]])
    #expect(try derivatives([[2, 3, 4]], order: 2) { $0[0].product() } == [[7, 6, 5]])
  }
}

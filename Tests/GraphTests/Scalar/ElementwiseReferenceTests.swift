import DescentGraph
import Testing

@Suite struct ElementwiseReferenceTests {
  private func apply(_ op: Elementwise, _ operands: NDArray...) throws -> NDArray {
    op.reference(operands, result: try op.resultType(of: operands.map(\.type)))
  }

  private func unary(_ function: UnaryFunction, _ x: [Float]) throws -> [Float] {
    try apply(.unary(function), NDArray(x)).floats
  }

  private func binary(_ function: BinaryFunction, _ x: [Int32], _ y: [Int32]) throws -> NDArray {
    try apply(.binary(function), NDArray(x), NDArray(y))
  }

  @Test func reluGivesPositiveZero() throws {
    let result = try unary(.relu, [-1, -0.0, 0, 2, .nan])
    #expect(Array(result.prefix(4)) == [0, 0, 0, 2])
    #expect(result[1].sign == .plus)
    #expect(result[4].isNaN)
  }

  @Test func signKeepsZerosAndNaN() throws {
    let result = try unary(.sign, [-3, -0.0, 0, 5, .nan])
    #expect(Array(result.prefix(4)) == [-1, 0, 0, 1])
    #expect(result[1].sign == .minus && result[2].sign == .plus && result[4].isNaN)
    let integers = try apply(.unary(.sign), NDArray([-7, 0, 9] as [Int32]))
    #expect(integers == NDArray([-1, 0, 1] as [Int32]))
    let bytes = try apply(.unary(.sign), NDArray(.u8([0, 200]), dimensions: [2]))
    #expect(bytes == NDArray(.u8([0, 1]), dimensions: [2]))
  }

  @Test func integerDivisionAndRemainder() throws {
    let (x, y): ([Int32], [Int32]) = ([7, -7, 7, -7, 5, .min, 6], [3, 3, -3, -3, 0, -1, 3])
    #expect(try binary(.div, x, y) == NDArray([2, -2, -2, 2, 0, .min, 2] as [Int32]))
    #expect(try binary(.remainder, x, y) == NDArray([1, 2, -2, -1, 0, 0, 0] as [Int32]))
    let bytes = try apply(
      .binary(.remainder), NDArray(.u8([250, 7]), dimensions: [2]),
      NDArray(.u8([100, 0]), dimensions: [2]))
    #expect(bytes == NDArray(.u8([50, 0]), dimensions: [2]))
  }

  @Test func realRemainderHasTheSignOfTheDivisor() throws {
    let result = try apply(
      .binary(.remainder), NDArray([5.5, -5.5, 5.5, -5.5] as [Float]),
      NDArray([2, 2, -2, -2] as [Float]))
    #expect(result == NDArray([1.5, 0.5, -0.5, -1.5] as [Float]))
  }

  @Test(arguments: Comparison.allCases)
  func comparisons(relation: Comparison) throws {
    let result = try apply(
      .compare(relation), NDArray([1, 2, 3, .nan] as [Float]), NDArray([2, 2, 2, 2] as [Float]))
    let expected: [Bool] =
      switch relation {
      case .equal: [false, true, false, false]
      case .notEqual: [true, false, true, true]
      case .less: [true, false, false, false]
      case .lessEqual: [true, true, false, false]
      case .greater: [false, false, true, false]
      case .greaterEqual: [false, true, true, false]
      }
    #expect(result == NDArray(.bool(expected), dimensions: [4]))
  }

  @Test func selectAndCast() throws {
    let condition = NDArray(.bool([true, false]), dimensions: [2])
    let chosen = try apply(
      .select, condition, NDArray([1, 2] as [Float]), NDArray([3, 4] as [Float]))
    #expect(chosen == NDArray([1, 4] as [Float]))
    let cast = try apply(.cast(.i32), NDArray([-1.5, 1e20] as [Float]))
    #expect(cast == NDArray([-1, .max] as [Int32]))
    #expect(Elementwise.cast(.f32).program(for: [.f32]).instructions.isEmpty)
    #expect(Elementwise.unary(.stopGradient).program(for: [.f32]).instructions.isEmpty)
  }

  @Test func doublesComeFromTheCLibrary() throws {
    let result = try apply(.unary(.sigmoid), NDArray(.f64([-800, 0, 800]), dimensions: [3]))
    #expect(result == NDArray(.f64([0, 0.5, 1]), dimensions: [3]))
    #expect(!Elementwise.unary(.exp).isExpanded(for: .f64))
    #expect(Elementwise.unary(.sqrt).isExpanded(for: .f64))
    let power = try apply(
      .binary(.pow), NDArray(.f64([2]), dimensions: [1]), NDArray(.f64([0.5]), dimensions: [1]))
    #expect(power == NDArray(.f64([Double(2).squareRoot()]), dimensions: [1]))
  }

  /// Every function runs for every type it is defined for.
  @Test func everyTypeOfEveryFunctionHasAMeaning() throws {
    for op in Elementwise.samples {
      for dataType in DataType.allCases {
        let x = NDArray(bits: [dataType.bits(of: 1.0)], type: TensorType(dataType, [1]))
        let truth = NDArray(.bool([true]), dimensions: [1])
        for operands in [[x], [x, x], [truth, x, x]] {
          guard let type = try? op.resultType(of: operands.map(\.type)) else { continue }
          #expect(op.reference(operands, result: type).type == type)
          #expect(op.cost(of: operands.map(\.type), result: type).bytesWritten == type.byteCount)
        }
      }
    }
  }

  @Test func costCountsTheStepsOfTheProgram() {
    let type = TensorType(.f32, [10])
    #expect(Elementwise.binary(.add).cost(of: [type, type], result: type).flops == 10)
    #expect(Elementwise.unary(.stopGradient).cost(of: [type], result: type).flops == 0)
    #expect(Elementwise.unary(.exp).cost(of: [type], result: type).flops == 220)
    let wide = TensorType(.f64, [10])
    #expect(Elementwise.unary(.exp).cost(of: [wide], result: wide).flops == 220)
  }
}

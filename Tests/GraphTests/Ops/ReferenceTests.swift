import DescentGraph
import Testing

/// Each operation's meaning on a small case.
@Suite struct ReferenceTests {
  private func apply(_ op: Op, _ operands: NDArray...) throws -> NDArray {
    let type = try op.definition.resultType(of: operands.map(\.type))
    return op.definition.reference(operands, result: type)
  }

  private func i32(_ elements: [Int32], _ dimensions: [Int]? = nil) -> NDArray {
    NDArray(.i32(elements), dimensions: dimensions ?? [elements.count])
  }

  private func f32(_ elements: [Float], _ dimensions: [Int]? = nil) -> NDArray {
    NDArray(elements, dimensions: dimensions)
  }

  private let matrix = NDArray([0, 1, 2, 3, 4, 5] as [Float], dimensions: [2, 3])

  @Test func everyOperationHasASummaryAndItsOwnName() {
    let names = Op.samples.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Op.samples.allSatisfy { !$0.summary.isEmpty })
  }

  @Test func movement() throws {
    #expect(try apply(.movement(.reshape([3, 2])), matrix) == matrix.reshaped([3, 2]))
    #expect(try apply(.movement(.transpose([1, 0])), matrix) == f32([0, 3, 1, 4, 2, 5], [3, 2]))
    #expect(
      try apply(.movement(.broadcast([2, 2, 3])), f32([1, 2], [2, 1]))
        == f32([1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2], [2, 2, 3]))
    #expect(
      try apply(.movement(.slice(starts: [1, 0], limits: [2, 3], strides: [1, 2])), matrix)
        == f32([3, 5], [1, 2]))
    #expect(
      try apply(
        .movement(.pad(low: [1, 0], high: [0, 1], interior: [0, 1], value: -1)),
        f32([7, 8], [1, 2])
      ) == f32([-1, -1, -1, -1, 7, -1, 8, -1], [2, 4]))
    #expect(
      try apply(.movement(.concatenate(axis: 1)), matrix, f32([8, 9], [2, 1]))
        == f32([0, 1, 2, 8, 3, 4, 5, 9], [2, 4]))
    #expect(try apply(.movement(.reverse([0, 1])), matrix) == f32([5, 4, 3, 2, 1, 0], [2, 3]))
    let window = Op.movement(.window(axis: 1, size: 2, stride: 1, dilation: 1))
    #expect(try apply(window, matrix) == f32([0, 1, 1, 2, 3, 4, 4, 5], [2, 2, 2]))
    let gaps = Op.movement(.window(axis: 0, size: 2, stride: 2, dilation: 3))
    #expect(
      try apply(gaps, f32([0, 1, 2, 3, 4, 5, 6])) == f32([0, 3, 2, 5], [2, 2]))
  }

  @Test func movementOfNothing() throws {
    let empty = NDArray(zeros: .f32, dimensions: [0, 2])
    #expect(try apply(.movement(.reverse([0])), empty) == empty)
    #expect(
      try apply(.movement(.pad(low: [1, 0], high: [0, 0], interior: [0, 0], value: 3)), empty)
        == f32([3, 3], [1, 2]))
    #expect(try apply(.movement(.transpose([1, 0])), empty).dimensions == [2, 0])
  }

  @Test func contractionInEveryLayout() throws {
    let left = f32([1, 2, 3, 4, 5, 6], [2, 3])
    let right = f32([1, 0, 2, 1, 0, 3], [3, 2])
    let expected = f32([5, 11, 14, 23], [2, 2])
    let turnedLeft = f32([1, 4, 2, 5, 3, 6], [3, 2])
    let turnedRight = f32([1, 2, 0, 0, 1, 3], [2, 3])
    #expect(try apply(.contraction(Contraction()), left, right) == expected)
    #expect(
      try apply(.contraction(Contraction(transposeLeft: true)), turnedLeft, right) == expected)
    #expect(
      try apply(.contraction(Contraction(transposeRight: true)), left, turnedRight) == expected)
    let both = Contraction(transposeLeft: true, transposeRight: true)
    #expect(try apply(.contraction(both), turnedLeft, turnedRight) == expected)
    #expect(
      try apply(
        .contraction(Contraction()), f32([1, 2, 3, 4], [2, 1, 2]), f32([5, 6, 7, 8], [2, 2, 1]))
        == f32([17, 53], [2, 1, 1]))
    #expect(
      try apply(.contraction(Contraction()), f32([], [1, 0]), f32([], [0, 1])) == f32([0], [1, 1]))
  }

  @Test func allRowsMayMeetOneMatrix() throws {
    let rows = f32([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 2])
    let expected = f32([11, 14, 17, 23, 30, 37, 35, 46, 57, 47, 62, 77], [2, 2, 3])
    #expect(
      try apply(.contraction(Contraction()), rows, f32([1, 2, 3, 5, 6, 7], [2, 3])) == expected)
    #expect(
      try apply(
        .contraction(Contraction(transposeRight: true)), rows, f32([1, 5, 2, 6, 3, 7], [3, 2]))
        == expected)
    let type = { (shape: Shape) in TensorType(.f32, shape) }
    let error = #expect(throws: GraphError.self) {
      try Contraction(transposeLeft: true).resultType(of: [type([2, 3, 4]), type([3, 5])])
    }
    #expect(
      error?.message
        == "matmul: needs equally many axes, at least two, not [2, 3, 4] and [3, 5]")
    #expect(error?.hint == "only an untransposed left operand may have more")
  }

  @Test func contractionFusesAndSplits() throws {
    let x: Float = 1 + 0x1p-23
    let row = f32([-1, x], [1, 2])
    let column = f32([1 + 0x1p-22, x], [2, 1])
    #expect(try apply(.contraction(Contraction()), row, column) == f32([0x1p-46], [1, 1]))
    // Two chunks of two terms and one of one: 2²⁴ + 1 is no number, 1 + 1 is added to 2²⁴ at once.
    let big = f32([0x1p24, 1, 1, 1, -0x1p24], [1, 5])
    let ones = f32([1, 1, 1, 1, 1], [5, 1])
    #expect(try apply(.contraction(Contraction()), big, ones) == f32([0], [1, 1]))
    #expect(try apply(.contraction(Contraction(chunk: 2)), big, ones) == f32([2], [1, 1]))
    #expect(
      try apply(.contraction(Contraction(chunk: 3)), big, ones) == f32([1], [1, 1]))
  }

  @Test func longSumsAreCutUnlessToldOtherwise() throws {
    let count = Contraction.defaultChunk
    let big = f32([0x1p24] + [Float](repeating: 1, count: 2 * count), [1, 2 * count + 1])
    let ones = f32([Float](repeating: 1, count: 2 * count + 1), [2 * count + 1, 1])
    #expect(
      try apply(.contraction(Contraction()), big, ones)
        == f32([0x1p24 + Float(count)], [1, 1]))
    #expect(
      try apply(.contraction(Contraction(chunk: .max)), big, ones) == f32([0x1p24], [1, 1]))
    #expect(throws: GraphError("matmul: chunk is 0, not at least 1")) {
      try Contraction(chunk: 0).resultType(of: [big.type, ones.type])
    }
  }

  @Test func wholeImagesAreSummedByThemselves() throws {
    let chunk = { (windows: Int, images: Int) in
      Convolution(strides: [1], dilations: [1], kernel: [1])
        .chunk(
          [Extent(offset: images), Extent(offset: windows), 1],
          [Extent(offset: images), Extent(offset: windows), 1])
    }
    #expect(chunk(1, 4) == 512)
    #expect(chunk(64, 4) == 512)
    // Whole vectors of windows.
    #expect(chunk(36, 4) == 12 * 36)
    #expect(chunk(49, 4) == 16 * 49)
    // An image at least.
    #expect(chunk(729, 4) == 729)
    let op = Convolution(strides: [1], dilations: [1], kernel: [1])
    let images = 3
    let x = f32(
      [0x1p24] + [Float](repeating: 1, count: images * 600 - 1), [images, 600, 1])
    let ones = f32([Float](repeating: 1, count: images * 600), [images, 600, 1])
    #expect(try apply(.convolution(op), x, ones) == f32([0x1p24 + 1200], [1, 1, 1]))
  }

  @Test func indices() throws {
    #expect(
      try apply(.index(.gather(axis: 1)), matrix, i32([2, 0, 2]))
        == f32([2, 0, 2, 5, 3, 5], [2, 3]))
    #expect(try apply(.index(.gather(axis: 0)), matrix, i32([1], [])) == f32([3, 4, 5]))
    #expect(
      try apply(.index(.scatterAdd(axis: 0)), f32([10, 20, 30]), i32([1, 1, 0]), f32([1, 2, 3]))
        == f32([13, 23, 30]))
    #expect(
      try apply(.index(.oneHot(depth: 3, .f32)), i32([2, 0])) == f32([0, 0, 1, 1, 0, 0], [2, 3]))
    #expect(
      try apply(.index(.argSort(axis: 0, descending: false)), f32([2, .nan, -0.0, 0, -.infinity]))
        == i32([4, 2, 3, 0, 1]))
    #expect(
      try apply(.index(.argSort(axis: 1, descending: true)), f32([1, 2, 1, 3, 3, 4], [2, 3]))
        == i32([1, 0, 2, 2, 0, 1], [2, 3]))
  }

  @Test func indicesOutOfRangeAreClampedAndFound() throws {
    #expect(try apply(.index(.gather(axis: 0)), f32([1, 2]), i32([-5, 9])) == f32([1, 2]))
    let gather = Index.gather(axis: 0)
    #expect(gather.firstFault([f32([1, 2]), i32([0, 1])]) == nil)
    let fault = try #require(gather.firstFault([f32([1, 2]), i32([1, 2, -1])]))
    #expect(fault.position == 1 && fault.index == 2 && fault.limit == 2)
    let wide = NDArray(.i64([.min]), dimensions: [1])
    #expect(Index.oneHot(depth: 2, .f32).firstFault([wide])?.index == .min)
    #expect(
      try apply(.index(.oneHot(depth: 2, .u8)), wide) == NDArray(.u8([1, 0]), dimensions: [1, 2]))
  }

  @Test func leaves() throws {
    #expect(
      try apply(.leaf(.iota(TensorType(.i32, [2, 3]), axis: 1)))
        == i32([0, 1, 2, 0, 1, 2], [2, 3]))
    #expect(
      try apply(.leaf(.iota(TensorType(.f32, [2, 2]), axis: 0))) == f32([0, 0, 1, 1], [2, 2]))
    #expect(try apply(.leaf(.size([2, 3], .f32))) == NDArray(scalar: 6))
    #expect(try apply(.leaf(.constant(matrix))) == matrix)
  }
}

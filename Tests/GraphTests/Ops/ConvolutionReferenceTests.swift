import DescentGraph
import DescentTestSupport
import Testing

/// What `convolve` means: the product of gathered windows and weights, in every bit.
@Suite struct ConvolutionReferenceTests {
  @Test(arguments: 0..<100) func aConvolutionIsAProductOfWindows(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let count = random.int(1...3)
    let axes = 0..<count
    let kernel = axes.map { _ in random.int(1...3) }
    let op = Convolution(
      strides: axes.map { _ in random.int(1...3) }, dilations: axes.map { _ in random.int(1...3) })
    let extents = axes.map { (kernel[$0] - 1) * op.dilations[$0] + random.int(1...4) }
    let (channels, features) = (random.int(0...4), random.int(0...4))
    let x = TensorType(.f32, Shape([random.int(0...2)] + extents + [channels]))
    let weights = TensorType(.f32, Shape(kernel + [channels, features]))
    let operands = [x, weights].map { NDArray($0, .special, using: &random) }
    let elements = kernel.reduce(channels, *)

    let found = try evaluate(operands) { $0[0].apply(.convolution(op), $0[1]) }
    let expected = try evaluate(operands) { inputs in
      let windows = inputs[0].windows(
        kernel: kernel, strides: op.strides, dilations: op.dilations)
      let places = windows.shape.extents.prefix(count + 1)
      return windows.reshape(Shape(Array(places) + [Extent(offset: elements)]))
        .matmul(inputs[1].reshape([Extent(offset: elements), Extent(offset: features)]))
    }
    #expect(found == expected, "\(op) of \(x) and \(weights)")

    let cost = op.cost(of: [x, weights], result: found.type)
    #expect(cost.flops == 2 * found.count * elements)
    #expect(cost.bytesWritten == 4 * found.count)
  }

  /// What windows do not find counts as zeros, where weights are finite.
  @Test(arguments: 0..<100) func whatIsOutsideCountsAsZeros(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(500 + seed))
    let count = random.int(1...3)
    let axes = 0..<count
    let kernel = axes.map { _ in random.int(1...3) }
    let (strides, dilations) = (
      axes.map { _ in random.int(1...3) }, axes.map { _ in random.int(1...3) }
    )
    let (low, high) = (axes.map { _ in random.int(0...4) }, axes.map { _ in random.int(0...4) })
    let extents = axes.map { axis in
      max(0, (kernel[axis] - 1) * dilations[axis] + 1 - low[axis] - high[axis]) + random.int(0...3)
    }
    let (channels, features) = (random.int(0...4), random.int(0...4))
    let x = TensorType(.f32, Shape([random.int(0...2)] + extents + [channels]))
    let weights = TensorType(.f32, Shape(kernel + [channels, features]))
    let operands = [
      NDArray(x, .special, using: &random), NDArray(weights, .ordinary, using: &random),
    ]

    let op = Convolution(strides: strides, dilations: dilations, low: low, high: high)
    let found = try evaluate(operands) { $0[0].apply(.convolution(op), $0[1]) }
    let expected = try evaluate(operands) { inputs in
      inputs[0].pad(low: [0] + low + [0], high: [0] + high + [0])
        .apply(.convolution(Convolution(strides: strides, dilations: dilations)), inputs[1])
    }
    #expect(found == expected, "\(op) of \(x) and \(weights)")
  }

  @Test func weightsOutsideAreLeftOut() throws {
    let x = NDArray([1, 2, 3] as [Float], dimensions: [1, 3, 1])
    let weights = NDArray([.infinity, 1, .nan] as [Float], dimensions: [3, 1, 1])
    let op = Convolution(strides: [1], dilations: [1], low: [2], high: [3])
    let found = try evaluate([x, weights]) { $0[0].apply(.convolution(op), $0[1]) }.floats
    // The second and third elements of windows before the operand, the first of those behind it, and none.
    #expect(found.map { $0.isNaN } == [true, true, true, false, false, false])
    #expect(Array(found[3...]) == [.infinity, .infinity, 0])
    let padded = try evaluate([x, weights]) {
      $0[0].pad(low: [0, 2, 0], high: [0, 3, 0])
        .apply(.convolution(Convolution(strides: [1], dilations: [1])), $0[1])
    }.floats
    #expect(padded.allSatisfy { $0.isNaN })
  }

  /// A sum that underflows to −0 keeps its sign: there is no zero behind it that would be added.
  @Test func theSignOfAnUnderflowStays() throws {
    let x = NDArray([-.leastNonzeroMagnitude] as [Float], dimensions: [1, 1, 1])
    let weights = NDArray([0.25, 1] as [Float], dimensions: [2, 1, 1])
    let op = Convolution(strides: [1], dilations: [1], low: [0], high: [1])
    let found = try evaluate([x, weights]) { $0[0].apply(.convolution(op), $0[1]) }
    #expect(found.floats.map(\.bitPattern) == [0x8000_0000])
  }

  @Test func productsAreFusedAndTakenInOrder() throws {
    let op = Op.convolution(Convolution(strides: [1], dilations: [1]))
    func apply(_ x: [Float], _ weights: [Float]) throws -> [Float] {
      let operands = [
        NDArray(x, dimensions: [1, x.count, 1]),
        NDArray(weights, dimensions: [weights.count, 1, 1]),
      ]
      let type = try op.definition.resultType(of: operands.map(\.type))
      return op.definition.reference(operands, result: type).floats
    }
    let x: Float = 1 + 0x1p-23
    #expect(try apply([-1, x], [1 + 0x1p-22, x]) == [0x1p-46])
    #expect(try apply([0x1p24, 1, -0x1p24, 1], [1, 1, 1, 1]) == [1])
  }

  @Test func operandsThatDoNotFitAreRefused() {
    func expect(
      _ x: TensorType, _ weights: TensorType, _ message: String, strides: [Int] = [1, 1],
      dilations: [Int] = [1, 1], low: [Int]? = nil, high: [Int]? = nil, groups: Int = 1
    ) {
      let op = Convolution(
        strides: strides, dilations: dilations, low: low, high: high, groups: groups)
      let error = #expect(throws: GraphError.self) { try op.resultType(of: [x, weights]) }
      #expect(error?.message == message)
    }
    let (x, weights) = (TensorType(.f32, [.batch, 8, 8, 3]), TensorType(.f32, [3, 3, 3, 4]))
    expect(
      x, TensorType(.f64, [3, 3, 3, 4]),
      "convolve: needs two operands of one float type, not f32[batch, 8, 8, 3] and f64[3, 3, 3, 4]")
    expect(
      TensorType(.i32, [2, 8, 3]), TensorType(.i32, [3, 3, 4]),
      "convolve: needs two operands of one float type, not i32[2, 8, 3] and i32[3, 3, 4]")
    expect(
      TensorType(.f32, [2, 8]), weights,
      "convolve: [2, 8] and weights [3, 3, 3, 4] do not have one to three spatial axes each")
    expect(
      x, weights, "convolve: strides [1] and dilations [1, 1] are not 2 numbers of at least 1 each",
      strides: [1])
    expect(
      x, weights,
      "convolve: strides [1, 1] and dilations [1, 0] are not 2 numbers of at least 1 each",
      dilations: [1, 0])
    expect(
      x, weights, "convolve: strides [\(Int.max), 1] or dilations [1, 1] are too great",
      strides: [.max, 1])
    expect(
      x, weights, "convolve: low [1] and high [0, 0] are not 2 numbers of at least 0 each",
      low: [1])
    expect(
      x, weights, "convolve: low [0, 0] and high [0, -1] are not 2 numbers of at least 0 each",
      high: [0, -1])
    let parts = TensorType(.f32, [3, 3, 1, 6])
    for groups in [0, -1, 2, 7] {
      expect(
        x, parts, "convolve: 3 channels and 6 features do not make \(groups) groups",
        groups: groups)
    }
    expect(
      x, TensorType(.f32, [3, 3, 2, 6]),
      "convolve: 3 channels in 3 groups do not fit weights [3, 3, 2, 6]", groups: 3)
    let tooFar = Movement.greatestStep + 1
    expect(
      x, weights,
      "convolve: low [\(tooFar), 0] or high [0, 0] are too great",
      low: [tooFar, 0])
    expect(
      x, weights, "convolve: 3 elements, 6 apart, do not fit axis 2 of [batch, 8, 8, 3]",
      dilations: [1, 6], low: [0, 2], high: [0, 2])
    expect(
      TensorType(.f32, [2, .batch, 8, 3]), weights,
      "convolve: [2, batch, 8, 3] or weights [3, 3, 3, 4] depend on the batch size in an axis but the first"
    )
    expect(
      x, TensorType(.f32, [3, 3, 2, 4]), "convolve: 3 channels do not fit weights [3, 3, 2, 4]")
    expect(
      x, weights, "convolve: 3 elements, 4 apart, do not fit axis 2 of [batch, 8, 8, 3]",
      dilations: [1, 4])
    expect(
      x, weights,
      "convolve: 3 elements, 9223372036854775807 apart, do not fit axis 1 of [batch, 8, 8, 3]",
      dilations: [.max, 1])
    expect(
      x, TensorType(.f32, [0, 3, 3, 4]),
      "convolve: 0 elements, 1 apart, do not fit axis 1 of [batch, 8, 8, 3]")
    let wide = TensorType(.f32, [1, 1, 0, Extent(offset: 1 << 40)])
    expect(
      TensorType(.f32, [Extent(offset: 1 << 30), 1, 1, 0]), wide,
      "convolve: f32[1073741824, 1, 1, 1099511627776] is not a possible size")
  }
}

import DescentGraph
import DescentTestSupport
import Testing

/// What `weightGradient` means: the product of gathered windows, turned, and a cotangent, in every bit.
@Suite struct WeightGradientTests {
  @Test(arguments: 0..<100) func itIsAProductOfWindows(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let axes = 0..<random.int(1...3)
    let kernel = axes.map { _ in random.int(1...3) }
    let reachesOutside = random.chance(60)
    let op = Convolution(
      strides: axes.map { _ in random.int(1...3) }, dilations: axes.map { _ in random.int(1...3) },
      low: axes.map { _ in reachesOutside ? random.int(0...4) : 0 },
      high: axes.map { _ in reachesOutside ? random.int(0...4) : 0 }, kernel: kernel)
    let extents = axes.map { axis in
      max(0, (kernel[axis] - 1) * op.dilations[axis] + 1 - op.low[axis] - op.high[axis])
        + random.int(0...3)
    }
    let (batch, channels, features) = (random.int(0...2), random.int(0...4), random.int(0...4))
    let x = TensorType(.f32, Shape([batch] + extents + [channels]))
    let windows = op.windowCounts(x.shape, x.shape)
    let cotangent = TensorType(.f32, Shape([batch] + windows + [features]))
    let operands = [
      NDArray(x, .special, using: &random),
      // What is left out counts as zeros, where the cotangent is finite.
      NDArray(cotangent, reachesOutside ? .ordinary : .special, using: &random),
    ]
    let (elements, rows) = (kernel.reduce(channels, *), windows.reduce(batch, *))

    let found = try evaluate(operands) { $0[0].apply(.convolution(op), $0[1]) }
    let expected = try evaluate(operands) { inputs in
      inputs[0].pad(low: [0] + op.low + [0], high: [0] + op.high + [0])
        .windows(kernel: kernel, strides: op.strides, dilations: op.dilations)
        .reshape(Shape([rows, elements]))
        .apply(
          .contraction(Contraction(transposeLeft: true)),
          inputs[1].reshape(Shape([rows, features]))
        )
        .reshape(Shape(kernel + [channels, features]))
    }
    #expect(found == expected, "\(op) of \(x) and \(cotangent)")

    let cost = op.cost(of: [x, cotangent], result: found.type)
    #expect(cost.flops == 2 * found.count * rows)
    #expect(cost.bytesWritten == 4 * found.count)
  }

  @Test func cotangentsOfWindowsOutsideAreLeftOut() throws {
    let x = NDArray([1, 2] as [Float], dimensions: [1, 2, 1])
    let cotangent = NDArray([.nan, 3, 5, .infinity] as [Float], dimensions: [1, 4, 1])
    let op = Convolution(strides: [1], dilations: [1], low: [1], high: [2], kernel: [2])
    let found = try evaluate([x, cotangent]) { $0[0].apply(.convolution(op), $0[1]) }.floats
    // The first element finds windows 1 and 2, the second windows 0 and 1.
    #expect(found[0] == 13)
    #expect(found[1].isNaN)
    let behind = try evaluate([x, cotangent]) {
      $0[0].apply(.convolution(op), $0[1].reverse(axes: [1]))
    }.floats
    #expect(behind == [11, .infinity])
  }

  /// Kernels remember where lines of windows are; where those are very many, zeros are put around the operand.
  @Test func zerosAreSeldomCopied() {
    let names = { (extents: [Int], kernel: [Int]) in
      let (ones, margins) = (kernel.map { _ in 1 }, kernel.map { $0 / 2 })
      let op = Convolution(strides: ones, dilations: ones, low: margins, high: margins)
      let graph = Graph("gradient") { g in
        let (x, cotangent) = (
          g.input("x", Shape([2] + extents + [3])), g.input("g", Shape([2] + extents + [4]))
        )
        g.output("w", x.weightGradient(op, kernel: kernel, cotangent))
      }
      return graph.values.map { graph[$0].op.name }
    }
    #expect(names([8, 8], [3, 3]) == ["input", "input", "weightGradient"])
    #expect(names([40], [33]) == ["input", "input", "pad", "weightGradient"])
    #expect(names([60, 60, 2], [3, 3, 1]) == ["input", "input", "weightGradient"])
    #expect(names([64, 64, 2], [3, 3, 1]) == ["input", "input", "pad", "weightGradient"])
  }

  @Test func operandsThatDoNotFitAreRefused() {
    func expect(
      _ x: TensorType, _ cotangent: TensorType, _ message: String, kernel: [Int] = [3, 3],
      low: [Int] = [1, 1]
    ) {
      let op = Convolution(
        strides: [1, 1], dilations: [1, 1], low: low, high: [1, 1], kernel: kernel)
      let error = #expect(throws: GraphError.self) { try op.resultType(of: [x, cotangent]) }
      #expect(error?.message == message)
    }
    let x = TensorType(.f32, [.batch, 8, 8, 3])
    let cotangent = TensorType(.f32, [.batch, 8, 8, 4])
    expect(
      x, TensorType(.f64, [.batch, 8, 8, 4]),
      "weightGradient: needs two operands of one float type, not f32[batch, 8, 8, 3] and "
        + "f64[batch, 8, 8, 4]")
    expect(
      x, TensorType(.f32, [8, 4]),
      "weightGradient: [batch, 8, 8, 3] and cotangent [8, 4] do not have one to three spatial axes each"
    )
    expect(
      x, cotangent, "weightGradient: kernel [3] is not 2 numbers", kernel: [3])
    expect(
      x, cotangent, "weightGradient: low [1] and high [1, 1] are not 2 numbers of at least 0 each",
      low: [1])
    expect(
      x, cotangent, "weightGradient: 0 elements, 1 apart, do not fit axis 2 of [batch, 8, 8, 3]",
      kernel: [3, 0])
    expect(
      x, cotangent,
      "weightGradient: -9223372036854775808 elements, 1 apart, do not fit axis 1 of [batch, 8, 8, 3]",
      kernel: [.min, 3])
    expect(
      x, TensorType(.f32, [.batch, 8, .batch, 4]),
      "weightGradient: [batch, 8, 8, 3] or cotangent [batch, 8, batch, 4] depend on the batch size in"
        + " an axis but the first")
    expect(
      x, TensorType(.f32, [.batch, 8, 7, 4]),
      "weightGradient: cotangent [batch, 8, 7, 4] does not have a place for each of [batch, 8, 8] windows"
    )
    expect(
      x, TensorType(.f32, [2, 8, 8, 4]),
      "weightGradient: cotangent [2, 8, 8, 4] does not have a place for each of [batch, 8, 8] windows"
    )
  }
}

import DescentGraph
import DescentTestSupport
import Testing

/// Convolutions of small integers, which are exact, against loops over every product.
@Suite struct ConvolutionTests {
  @Test(arguments: 0..<120) func aConvolutionIsALoop(seed: Int) throws {
    let test = Case(seed: UInt64(seed))
    let (x, w) = (test.x, test.weights)
    let found = try evaluate([x, w]) {
      convolve(
        $0[0], $0[1], strides: test.strides,
        padding: .zeros(low: test.low, high: test.high), dilations: test.dilations,
        groups: test.groups)
    }
    let expected = test.loop()
    #expect(found.dimensions == expected.dimensions, "\(test)")
    #expect(found.floats == expected.floats, "\(test)")
  }

  @Test(arguments: 0..<40) func channelsMayComeFirst(seed: Int) throws {
    let test = Case(seed: UInt64(1000 + seed))
    let count = test.strides.count
    let found = try evaluate([test.x, test.weights]) { inputs in
      let x = inputs[0].moveAxes([count + 1], to: [1])
      let w = inputs[1].transpose([count + 1, count] + Array(0..<count))
      return convolve(
        x, w, strides: test.strides, padding: .zeros(low: test.low, high: test.high),
        dilations: test.dilations, groups: test.groups, channels: .first
      ).moveAxes([1], to: [count + 1])
    }
    #expect(found.floats == test.loop().floats, "\(test)")
  }

  /// ⟨conv(x), y⟩ = ⟨x, convᵀ(y)⟩: the two are adjoint, whatever the numbers.
  @Test(arguments: 0..<60) func theTransposedConvolutionIsTheAdjoint(seed: Int) throws {
    let test = Case(seed: UInt64(2000 + seed))
    let forward = test.loop()
    let y = test.integers(forward.dimensions, seed: 77)
    // What the last window leaves over.
    let extra = test.strides.indices.map { axis in
      let room = test.x.dimensions[axis + 1] + test.low[axis] + test.high[axis] - test.reach(axis)
      return room % test.strides[axis]
    }
    let back = try evaluate([y, test.weights]) {
      convolveTransposed(
        $0[0], $0[1], strides: test.strides, padding: .zeros(low: test.low, high: test.high),
        outputPadding: extra, dilations: test.dilations, groups: test.groups)
    }
    #expect(back.dimensions == test.x.dimensions, "\(test)")
    let left = zip(forward.floats, y.floats).reduce(0) { $0 + $1.0 * $1.1 }
    let right = zip(test.x.floats, back.floats).reduce(0) { $0 + $1.0 * $1.1 }
    #expect(left == right, "\(test)")
  }

  @Test func sameKeepsTheExtentOverTheStride() throws {
    for (extent, kernel, stride, dilation) in [
      (7, 3, 1, 1), (7, 3, 2, 1), (8, 3, 2, 1), (5, 1, 2, 1), (9, 3, 3, 2), (4, 4, 1, 1),
    ] {
      let found = try evaluate([counting([1, extent, 1]), counting([kernel, 1, 2])]) {
        convolve($0[0], $0[1], strides: [stride], padding: .same, dilations: [dilation])
      }
      #expect(found.dimensions == [1, (extent + stride - 1) / stride, 2])
      let back = try evaluate([counting([1, extent, 2]), counting([kernel, 1, 2])]) {
        convolveTransposed($0[0], $0[1], strides: [stride], padding: .same, dilations: [dilation])
      }
      #expect(back.dimensions == [1, extent * stride, 1])
    }
  }

  @Test func mistakesSayWhatDoesNotFit() {
    let expect = {
      (x: Shape, w: Shape, message: String, body: @escaping (Tensor, Tensor) -> Tensor) in
      #expect(mistakes([x, w]) { body($0[0], $0[1]) } == [message])
    }
    expect(
      [2, 8, 3], [3, 3, 3, 4],
      "convolve: [2, 8, 3] and weights [3, 3, 3, 4] do not have one to three spatial axes each"
    ) { convolve($0, $1) }
    expect(
      [.batch, 8, 8, 3], [3, 3, 4, 4],
      "convolve: 3 channels in 1 groups do not fit weights [3, 3, 4, 4]"
    ) { convolve($0, $1) }
    expect(
      [.batch, 8, 8, 4], [3, 3, 2, 3],
      "convolve: 4 channels in 2 groups do not fit weights [3, 3, 2, 3]"
    ) { convolve($0, $1, groups: 2) }
    expect(
      [.batch, 2, 8, 1], [3, 3, 1, 1],
      "convolve: a window of 3 does not fit axis 1 of [batch, 2, 8, 1] with 0 and 0 zeros"
    ) { convolve($0, $1) }
    expect(
      [.batch, 8, 8, 1], [3, 3, 1, 1],
      "convolve: strides [0, 1], dilations [1, 1] and kernel [3, 3] are not all at least 1"
    ) { convolve($0, $1, strides: [0, 1]) }
    expect(
      [.batch, 8, 8, 1], [3, 3, 1, 1],
      "convolve: strides [1] and dilations [1, 1] need 2 entries each"
    ) { convolve($0, $1, strides: [1]) }
    expect(
      [.batch, 8, 8, 1], [3, 3, 1, 1], "convolve: [-1, 0] are not 2 amounts of zeros"
    ) { convolve($0, $1, padding: .zeros([-1, 0])) }
    expect(
      [.batch, 1, 1], [1, 1, 1],
      "convolveTransposed: nothing is left of axis 1 of [batch, 1, 1]"
    ) { convolveTransposed($0, $1, padding: .zeros([1])) }
  }
}

/// A random convolution whose numbers are small integers.
private struct Case: CustomStringConvertible {
  let x: NDArray
  let weights: NDArray
  let strides: [Int]
  let dilations: [Int]
  let low: [Int]
  let high: [Int]
  let groups: Int

  init(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let count = random.int(1...2)
    let axes = 0..<count
    strides = axes.map { _ in random.int(1...3) }
    dilations = axes.map { _ in random.int(1...3) }
    low = axes.map { _ in random.int(0...2) }
    high = axes.map { _ in random.int(0...2) }
    groups = random.int(1...3)
    let inputs = random.int(1...3)
    let outputs = random.int(1...3)
    let kernel = axes.map { _ in random.int(1...3) }
    let (dilations, low, high) = (dilations, low, high)
    let extents = axes.map { axis in
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      return max(1, reach - low[axis] - high[axis]) + random.int(0...4)
    }
    x = Case.integers([random.int(1...2)] + extents + [groups * inputs], &random)
    weights = Case.integers(kernel + [inputs, groups * outputs], &random)
  }

  func integers(_ dimensions: [Int], seed: UInt64) -> NDArray {
    var random = SplitMix64(seed: seed)
    return Case.integers(dimensions, &random)
  }

  private static func integers(_ dimensions: [Int], _ random: inout SplitMix64) -> NDArray {
    let count = dimensions.reduce(1, *)
    return NDArray((0..<count).map { _ in Float(random.int(-4...4)) }, dimensions: dimensions)
  }

  func reach(_ axis: Int) -> Int { (weights.dimensions[axis] - 1) * dilations[axis] + 1 }

  /// Every product of every window.
  func loop() -> NDArray {
    let (d, k) = (x.dimensions, weights.dimensions)
    let count = strides.count
    // One axis counts as a second of extent 1.
    let at = { (list: [Int], axis: Int, other: Int) in axis < count ? list[axis] : other }
    let extents = [at(Array(d[1...]), 0, 1), count == 2 ? d[2] : 1]
    let windows = (0..<2).map { axis in
      axis < count ? (extents[axis] + low[axis] + high[axis] - reach(axis)) / strides[axis] + 1 : 1
    }
    let kernel = [k[0], count == 2 ? k[1] : 1]
    let (channels, inputs, features) = (d[count + 1], k[count], k[count + 1])
    let outputs = features / groups
    var result: [Float] = []
    for b in 0..<d[0] {
      for i in 0..<windows[0] {
        for j in 0..<windows[1] {
          for f in 0..<features {
            var sum: Float = 0
            for u in 0..<kernel[0] {
              for v in 0..<kernel[1] {
                let row = i * strides[0] + u * dilations[0] - low[0]
                let column =
                  j * at(strides, 1, 1) + v * at(dilations, 1, 1) - at(low, 1, 0)
                guard (0..<extents[0]).contains(row), (0..<extents[1]).contains(column) else {
                  continue
                }
                for c in 0..<inputs {
                  let place =
                    ((b * extents[0] + row) * extents[1] + column) * channels
                    + f / outputs * inputs + c
                  let weight = ((u * kernel[1] + v) * inputs + c) * features + f
                  sum += x.floats[place] * weights.floats[weight]
                }
              }
            }
            result.append(sum)
          }
        }
      }
    }
    return NDArray(
      result, dimensions: [d[0]] + Array(windows.prefix(count)) + [features])
  }

  var description: String {
    "\(x.dimensions) * \(weights.dimensions), strides \(strides), dilations \(dilations), "
      + "low \(low), high \(high), \(groups) groups"
  }
}

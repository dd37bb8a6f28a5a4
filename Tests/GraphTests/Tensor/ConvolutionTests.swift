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

  @Test func zerosAreNotCopied() {
    let names = { (body: (Tensor, Tensor) -> Tensor) in
      let graph = Graph("convolution") { g in
        g.output("y", body(g.input("x", [.batch, 8, 3]), g.input("w", [3, 3, 3])))
      }
      return graph.values.map { graph[$0].op.name }
    }
    #expect(names { convolve($0, $1, padding: .same) } == ["input", "input", "convolve"])
    #expect(
      names { convolveTransposed($0, $1, padding: .same) }
        == ["input", "input", "reverse", "transpose", "convolve"])
    // More zeros than windows reach over: the transpose takes elements away.
    #expect(
      names { convolveTransposed($0, $1, padding: .zeros([3])) }
        == ["input", "input", "slice", "reverse", "transpose", "convolve"])
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
      [.batch, 2, 8, 1], [3, 6, 1, 1],
      "convolve: a window of 16 does not fit axis 2 of [batch, 2, 8, 1] with 3 and 4 zeros"
    ) { convolve($0, $1, padding: .zeros(low: [1, 3], high: [0, 4]), dilations: [1, 3]) }
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
      [.batch, Extent(offset: 1 << 40), 1], [1, 1, 1],
      "convolveTransposed: an axis of [batch, 1099511627776, 1] is too long"
    ) { convolveTransposed($0, $1, strides: [1 << 30]) }
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
    let count = random.int(1...3)
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
      return max(1, reach - low[axis] - high[axis]) + random.int(0...(count == 3 ? 2 : 4))
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
    let axes = strides.indices
    let extents = Array(x.dimensions[1...axes.count])
    let kernel = Array(weights.dimensions[..<axes.count])
    let windows = axes.map { (extents[$0] + low[$0] + high[$0] - reach($0)) / strides[$0] + 1 }
    let channels = x.dimensions[axes.count + 1]
    let (inputs, features) = (weights.dimensions[axes.count], weights.dimensions[axes.count + 1])
    var result: [Float] = []
    for batch in 0..<x.dimensions[0] {
      for window in Case.places(windows) {
        for feature in 0..<features {
          var sum: Float = 0
          for (element, offsets) in Case.places(kernel).enumerated() {
            let place = axes.map {
              window[$0] * strides[$0] + offsets[$0] * dilations[$0] - low[$0]
            }
            guard axes.allSatisfy({ (0..<extents[$0]).contains(place[$0]) }) else { continue }
            let row = zip(place, extents).reduce(batch) { $0 * $1.1 + $1.0 }
            for input in 0..<inputs {
              let channel = feature / (features / groups) * inputs + input
              let weight = (element * inputs + input) * features + feature
              sum += x.floats[row * channels + channel] * weights.floats[weight]
            }
          }
          result.append(sum)
        }
      }
    }
    return NDArray(result, dimensions: [x.dimensions[0]] + windows + [features])
  }

  /// All places in an array of some extents, in row-major order.
  private static func places(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { places, extent in
      places.flatMap { place in (0..<extent).map { place + [$0] } }
    }
  }

  var description: String {
    "\(x.dimensions) * \(weights.dimensions), strides \(strides), dilations \(dilations), "
      + "low \(low), high \(high), \(groups) groups"
  }
}

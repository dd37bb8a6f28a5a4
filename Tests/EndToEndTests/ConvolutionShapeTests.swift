import DescentGraph
import DescentTestSupport
import Testing

/// Convolutions and both their gradients agree with the interpreter in every bit on every backend, and small ones
/// with differences of what they are gradients of.
///
/// `DESCENT_RANDOM_CONVOLUTIONS` says how many shapes are drawn, `DESCENT_RANDOM_SEED` where to begin.
@Suite struct ConvolutionShapeTests {
  @Test(arguments: RandomShapes.seeds(countedBy: "DESCENT_RANDOM_CONVOLUTIONS"))
  func everyShapeAgrees(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let shape = random.chance(50) ? Drawing.long(&random) : Drawing.odd(&random)
    let graph = try Self.graph(shape).validated()
    try RandomShapes.expectAgreement(graph, seed: seed, using: &random)
    if shape.products <= 20_000 {
      try RandomShapes.expectSlope(graph, seed: seed, using: &random)
    }
  }

  /// A convolution, possibly transposed, and the gradients of a weighted sum of its result.
  private static func graph(_ shape: Drawing) -> Graph {
    let groups = shape.groups
    let first = shape.isTransposed ? groups * shape.outputs : groups * shape.inputs
    return Graph("convolution") { g in
      let x = g.input("x", Shape([shape.batch] + shape.extents + [first]))
      let w = g.input("w", Shape(shape.kernel + [shape.inputs, groups * shape.outputs]))
      let padding = ConvolutionPadding.zeros(low: shape.low, high: shape.high)
      let y =
        shape.isTransposed
        ? convolveTransposed(
          x, w, strides: shape.strides, padding: padding, dilations: shape.dilations,
          groups: groups)
        : convolve(
          x, w, strides: shape.strides, padding: padding, dilations: shape.dilations,
          groups: groups)
      g.outputWithSlopes(y, of: [("x", x), ("w", w)])
    }
  }
}

/// The numbers of a random convolution.
private struct Drawing {
  var batch: Int
  var extents: [Int]
  var kernel: [Int]
  var strides: [Int]
  var dilations: [Int]
  var low: [Int]
  var high: [Int]
  var groups = 1
  /// The channels of a group, and its features.
  var inputs: Int
  var outputs: Int
  var isTransposed = false

  /// About how many products there are: every element meets every weight of its group.
  var products: Int {
    let places = extents.reduce(batch, *)
    return places * kernel.reduce(1, *) * groups * inputs * outputs
  }

  /// Hardly anything, of any number of axes.
  static func odd(_ random: inout SplitMix64) -> Drawing {
    let axes = 0..<random.int(1...3)
    var shape = Drawing(
      batch: random.int(1...3), extents: [], kernel: axes.map { _ in random.int(1...3) },
      strides: axes.map { _ in random.int(1...3) }, dilations: axes.map { _ in random.int(1...3) },
      low: axes.map { _ in random.int(0...2) }, high: axes.map { _ in random.int(0...2) },
      inputs: random.int(1...5), outputs: random.int(1...9))
    if random.chance(40) { shape.groups = random.int(2...4) }
    shape.isTransposed = random.chance(30)
    shape.extents = axes.map { axis in
      (shape.isTransposed ? 5 : shape.leastExtent(axis)) + random.int(0...(axes.count == 3 ? 3 : 9))
    }
    return shape
  }

  /// Rows of many windows, channels and features, for which kernels have ways of their own, and more zeros than a
  /// window reaches over.
  static func long(_ random: inout SplitMix64) -> Drawing {
    let axes = 0..<random.pick([1, 2, 2, 2, 3])
    let strides = random.chance(60) ? axes.map { _ in 1 } : axes.map { _ in random.int(1...3) }
    let kernel = axes.map { _ in random.int(1...5) }
    var shape = Drawing(
      batch: random.int(1...3), extents: [], kernel: kernel, strides: strides,
      dilations: axes.map { _ in random.chance(70) ? 1 : 2 },
      low: kernel.map { random.int(0...$0 + 1) }, high: kernel.map { random.int(0...$0 + 1) },
      inputs: random.int(1...48), outputs: random.int(1...40))
    if random.chance(30) {
      shape.groups = random.int(2...24)
      if random.chance(70) { shape.inputs = random.pick([1, 1, 2, 3, 4, 8]) }
      if random.chance(70) { shape.outputs = random.pick([1, shape.inputs, 2, 4, 8, 16]) }
    }
    if random.chance(30) {
      (shape.low, shape.high) = (kernel.map { $0 / 2 }, kernel.map { $0 / 2 })
    }
    // The innermost axis is the long one; the interpreter has to do all of it, too.
    let windows = axes.map { axis in
      axis == axes.count - 1 ? random.int(7...40) : random.int(1...(axes.count == 3 ? 3 : 9))
    }
    shape.extents = axes.map { axis in
      max(1, shape.leastExtent(axis, windows: windows[axis]) + random.int(0...strides[axis] - 1))
    }
    let products =
      windows.reduce(shape.batch, *) * kernel.reduce(1, *) * shape.inputs * shape.outputs
    let excess = products * shape.groups / 400_000
    if excess > 0 {
      let groups = shape.groups
      shape.groups = max(1, groups / (excess + 1))
      shape.inputs = max(1, shape.inputs * groups / shape.groups / (excess + 1))
    }
    return shape
  }

  /// The extent that has just so many windows, or 1.
  func leastExtent(_ axis: Int, windows: Int = 1) -> Int {
    let reach = (kernel[axis] - 1) * dilations[axis] + 1
    return max(1, (windows - 1) * strides[axis] + reach - low[axis] - high[axis])
  }
}

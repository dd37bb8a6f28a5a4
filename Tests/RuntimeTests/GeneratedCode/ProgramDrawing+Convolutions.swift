import DescentCodegen
import DescentGraph
import DescentTestSupport

// Windows that may reach outside of an operand, of which nothing but its elements is in memory.

extension ProgramDrawing {
  /// The most products of two numbers in a convolution.
  private static let mostProducts = 40_000

  /// Draws a convolution or its weights' gradient, with an epilogue.
  mutating func drawConvolution() -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    let (op, x, second) = random.chance(50) ? drawShapes() : drawGradient()
    return drawConvolution(op, x, second)
  }

  /// Draws where the second operand of a convolution is, if it has no groups, and an epilogue.
  mutating func drawConvolution(
    _ op: Convolution, _ x: Shape, _ second: Shape
  ) -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    let extents = op.extents(x, second)
    let graph = Graph("convolution") { g in
      g.output("y", g.input("x", x).apply(.convolution(op), g.input("w", second)))
    }
    let core = graph.outputs[0].value
    // Any number of whole images may be summed by themselves.
    var chunk = op.chunk(x, second)
    if op.kernel != nil, random.chance(50) {
      chunk = max(1, op.windowCounts(x, second).reduce(1, *)) * random.int(1...3)
    }
    let left = ContractionKernel.Factor(
      operand: addOperand(.f32, count: x.dimensions.reduce(1, *), terms: extents.k),
      layout: graph.factor(of: core, .left).layout)
    let right =
      op.groups > 1 && random.chance(70)
      ? ContractionKernel.Factor(
        operand: addOperand(.f32, count: second.dimensions.reduce(1, *), terms: extents.k),
        layout: graph.factor(of: core, .right).layout)
      : drawFactor(
        .right, op.groups > 1 ? [op.groups] : [], extents.n, extents.k,
        isTurned: random.chance(70), extents.m == 1 || extents.n == 1, Contraction(chunk: chunk))
    return drawEpilogue(
      ContractionKernel(
        extents: extents, chunk: chunk, left: left, right: right,
        margins: WindowMargins(op, x, second), domain: [extents.m, extents.rowLength],
        epilogue: VectorProgram(), stores: []))
  }

  /// Draws the gradient of a convolution's weights, at times of so many windows that an image is cut into blocks, or
  /// images are.
  private mutating func drawGradient() -> (op: Convolution, x: Shape, cotangent: Shape) {
    let (op, x, weights) = random.chance(70) ? drawShapes() : drawManyWindows()
    let places = [x.dimensions[0]] + op.windowCounts(x, weights)
    return (
      op.with(kernel: op.kernel(weights)), x,
      Shape(places + [weights.dimensions[op.spatialRank + 1]])
    )
  }

  private mutating func drawManyWindows() -> (op: Convolution, x: Shape, weights: Shape) {
    let kinds = [
      ([3], 2, 1, [700]), ([2, 2], 33, 1, [30, 30]), ([3, 3], 1, 2, [23, 29]),
      ([3, 3], 32, 9, [8, 8]), ([3, 3], 3, 40, [4, 4]), ([2, 3], 5, 90, [3, 2]),
      ([1, 3, 2], 4, 2, [8, 7, 10]), ([3], 40, 130, [5]), ([2, 1], 17, 3, [24, 23]),
      ([3], 33, 600, [1]),
    ]
    let (kernel, channels, batch, windows) = kinds[random.int(0...kinds.count - 1)]
    return shapes(kernel, channels, pick([1, 2, 3, 17]), batch, windows)
  }

  /// Draws a convolution of one to three axes, of which the last mostly has many windows.
  private mutating func drawShapes() -> (op: Convolution, x: Shape, weights: Shape) {
    if random.chance(12) { return drawManyTerms() }
    let axes = 0..<pick([1, 2, 2, 3])
    var left = ProgramDrawing.mostProducts
    func extent(_ choice: Int) -> Int {
      let extent = min(choice, max(1, left))
      left /= extent
      return extent
    }
    let kernel = axes.map { _ in extent(random.int(1...(axes.count == 3 ? 3 : 5))) }
    var windows = axes.map { _ in 1 }
    var (batch, channels, features) = (1, 1, 1)
    for number in [0, 1, 2, 3, 4].shuffled(using: &random) {
      switch number {
      case 0: batch = extent(pick([1, 1, 2, 3]))
      case 1:
        channels = extent(pick([1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48]))
      case 2:
        features = extent(pick([1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 48, 64, 65]))
      case 3: windows[axes.count - 1] = extent(pick([1, 2, 3, 5, 6, 7, 8, 9, 13, 14, 15, 28, 40]))
      default: for axis in axes.dropLast() { windows[axis] = extent(random.int(1...6)) }
      }
    }
    return shapes(kernel, channels, features, batch, windows)
  }

  /// Draws windows of so many terms that blocks end within a line of elements, or within an element; or of as many
  /// lines or elements as there may be, or one more.
  private mutating func drawManyTerms() -> (op: Convolution, x: Shape, weights: Shape) {
    let kinds = [
      ([3, 5], 130), ([3, 3], 330), ([2, 2], 331), ([2], 660), ([2, 32], 21), ([64, 1], 3),
      ([65, 1], 2), ([33], 2), ([1, 3, 2], 400), ([2, 3], 512), ([171], 6), ([103], 10), ([91], 12),
    ]
    let (kernel, channels) = kinds[random.int(0...kinds.count - 1)]
    var windows = kernel.map { _ in random.int(1...2) }
    windows[kernel.count - 1] = random.int(1...9)
    return shapes(kernel, channels, pick([1, 2, 3, 17]), 1, windows)
  }

  /// Draws how windows lie, and what of them lies outside.
  private mutating func shapes(
    _ kernel: [Int], _ channels: Int, _ features: Int, _ batch: Int, _ windows: [Int]
  ) -> (op: Convolution, x: Shape, weights: Shape) {
    let axes = kernel.indices
    let strides = axes.map { _ in random.chance(60) ? 1 : random.int(1...3) }
    let dilations = axes.map { _ in random.chance(70) ? 1 : random.int(1...3) }
    // So long windows are left to others where they reach outside.
    let isInside = kernel.contains { $0 > 80 }
    let low = kernel.map { isInside ? 0 : random.int(0...$0 + 1) }
    let high = kernel.map { isInside ? 0 : random.int(0...$0 + 1) }
    // Mostly of few channels and features, whose columns fill vectors together.
    let divisors = (1...max(1, channels)).filter { channels % $0 == 0 && $0 > 1 }
    let isNarrow = random.chance(70)
    let groups = random.chance(35) && !divisors.isEmpty ? pick(divisors) : 1
    let part = channels / groups
    let features =
      groups == 1 ? features : groups * pick(isNarrow ? [1, part, 2, 4, 8] : [3, features])
    let lengths = axes.map { axis in
      let reach = (kernel[axis] - 1) * dilations[axis] + 1
      let extent = (windows[axis] - 1) * strides[axis] + reach - low[axis] - high[axis]
      // At times there is nothing that windows could find.
      return max(random.chance(3) ? 0 : 1, extent) + random.int(0...strides[axis] - 1)
    }
    return (
      Convolution(strides: strides, dilations: dilations, low: low, high: high, groups: groups),
      Shape([batch] + lengths + [channels]), Shape(kernel + [part, features])
    )
  }
}

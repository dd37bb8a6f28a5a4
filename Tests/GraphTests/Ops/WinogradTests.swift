import DescentGraph
import DescentTestSupport
import Testing

/// What Winograd's maps mean: products of 3×3 windows, and the gradient of their weights, but for rounding.
@Suite struct WinogradTests {
  /// The maps of every tile, in a precision in which rounding hardly counts, give a convolution.
  @Test(arguments: Winograd.tiles, [[0, 0], [1, 1], [2, 0]])
  func planesGiveAConvolution(tile: Int, low: [Int]) throws {
    var random = SplitMix64(seed: 7)
    let high = low.map { 2 - $0 }
    let x = NDArray(TensorType(.f64, [2, 8, 4, 3]), .ordinary, using: &random)
    let weights = NDArray(TensorType(.f64, [3, 3, 3, 5]), .ordinary, using: &random)
    let planes = Extent(offset: (tile + 2) * (tile + 2))
    let tiles = [2, Extent(offset: 8 / tile), Extent(offset: 4 / tile)]
    let rows = Extent(offset: 2 * 8 / tile * 4 / tile)
    let graph = try Graph("tiles") { g in
      let (x, w) = (g.constant(x), g.constant(weights))
      let image = x.apply(
        .winograd(Winograd(.image, tile: tile, axis: 1, low: low, high: high)))
      let kernel = w.apply(.winograd(Winograd(.kernel, tile: tile, axis: 0)))
      let product = image.reshaped(Shape([planes, rows, 3]))
        .matmul(kernel.reshaped(Shape([planes, 3, 5])))
      let result = product.reshaped(Shape([planes] + tiles + [5]))
        .apply(.winograd(Winograd(.result, tile: tile, axis: 1)))
      let convolution = Convolution(strides: [1, 1], dilations: [1, 1], low: low, high: high)
      let cotangent = sin(result)
      let other = cotangent.apply(.winograd(Winograd(.cotangent, tile: tile, axis: 1)))
      let sums = image.reshaped(Shape([planes, rows, 3])).transpose()
        .matmul(other.reshaped(Shape([planes, rows, 5])))
      g.output("found", result)
      g.output("expected", x.apply(.convolution(convolution), w))
      g.output(
        "found gradient",
        sums.reshaped(Shape([planes, 1, 1, 3, 5]))
          .apply(.winograd(Winograd(.kernelGradient, tile: tile, axis: 0))))
      g.output(
        "expected gradient",
        x.apply(.convolution(convolution.with(kernel: [3, 3])), cotangent))
    }.validated()
    let outputs = try Interpreter().run(graph, inputs: [:]).outputs
    for (found, expected) in [(0, 1), (2, 3)] {
      for (a, b) in zip(outputs[found].array.doubles, outputs[expected].array.doubles) {
        #expect(abs(a - b) < 1e-10 * max(1, abs(b)), "\(outputs[found].name)")
      }
    }
  }

  /// With elements of up to one and 32 channels, results err about as much as documented.
  @Test(arguments: [(2, 8e-6), (4, 4e-5)]) func roundingIsBounded(tile: Int, bound: Double) throws {
    var random = SplitMix64(seed: 11)
    func array(_ shape: Shape) -> NDArray {
      NDArray(
        .f32((0..<shape.count).map { _ in Float(2 * random.unit() - 1) }),
        dimensions: shape.dimensions)
    }
    let (x, weights) = (array([1, 8, 8, 32]), array([3, 3, 32, 4]))
    let graph = try Graph("tiles") { g in
      for (name, type) in [("single", DataType.f32), ("double", .f64)] {
        let (x, w) = (g.constant(x).cast(to: type), g.constant(weights).cast(to: type))
        let convolution = Convolution(
          strides: [1, 1], dilations: [1, 1], low: [1, 1], high: [1, 1])
        g.output("\(name) plain", x.apply(.convolution(convolution), w))
        let planes = Extent(offset: (tile + 2) * (tile + 2))
        let (line, rows) = (Extent(offset: 8 / tile), Extent(offset: 64 / tile / tile))
        let image = x.apply(
          .winograd(Winograd(.image, tile: tile, axis: 1, low: [1, 1], high: [1, 1])))
        let kernel = w.apply(.winograd(Winograd(.kernel, tile: tile, axis: 0)))
        g.output(
          "\(name) in tiles",
          image.reshaped(Shape([planes, rows, 32])).matmul(kernel.reshaped(Shape([planes, 32, 4])))
            .reshaped(Shape([planes, 1, line, line, 4]))
            .apply(.winograd(Winograd(.result, tile: tile, axis: 1))))
      }
    }.validated()
    let outputs = try Interpreter().run(graph, inputs: [:]).outputs.map(\.array.doubles)
    let (plain, tiles, exact) = (outputs[0], outputs[1], outputs[2])
    let error = { (found: [Double]) in zip(found, exact).map { abs($0 - $1) }.max()! }
    #expect(error(tiles) < bound, "\(error(tiles)), and \(error(plain)) at once")
    #expect(error(plain) < 1.6e-5)
  }

  @Test func mistakesAreThrown() throws {
    func message(_ op: Winograd, _ shape: Shape, _ type: DataType = .f32) -> String {
      do {
        return try "\(op.resultType(of: [TensorType(type, shape)]))"
      } catch {
        return error.message
      }
    }
    let image = Winograd(.image, tile: 4, axis: 1, low: [1, 1], high: [1, 1])
    #expect(message(image, [2, 8, 4, 3]) == "f32[36, 2, 2, 1, 3]")
    #expect(
      message(image, [2, 8, 5, 3])
        == "winogradImage: axis 2 of [2, 8, 5, 3] is not made of tiles of 6, 4 apart")
    #expect(
      message(image, [8, 8, 3], .i32) == "winogradImage: needs real numbers, not i32[8, 8, 3]")
    #expect(
      message(image, [2, 8, 8])
        == "winogradImage: no three axes of [2, 8, 8] begin with axis 1")
    #expect(
      message(Winograd(.kernel, tile: 3, axis: 0), [3, 3, 1])
        == "winogradKernel: there are tiles of [2, 4], not of 3")
    #expect(
      message(Winograd(.kernel, tile: 2, axis: 0), [6, 3, 1])
        == "winogradKernel: axis 0 of [6, 3, 1] is not made of tiles of 3, 3 apart")
    #expect(
      message(Winograd(.image, tile: 2, axis: 0, low: [4, 0]), [4, 4, 1])
        == "winogradImage: low [4, 0] or high [0, 0] are not two numbers below 4")
    #expect(
      message(Winograd(.result, tile: 2, axis: .max), [16, 1, 1, 2])
        == "winogradResult: no three axes of [16, 1, 1, 2] begin with axis 9223372036854775807")
    #expect(
      message(Winograd(.kernel, tile: 2, axis: 0, high: [0, 3]), [3, 3, 1])
        == "winogradKernel: low [0, 0] or high [0, 3] are not two numbers below 1")
    #expect(
      message(Winograd(.result, tile: 2, axis: 0), [36, 1, 1, 2])
        == "winogradResult: [36, 1, 1, 2] does not begin with 16 planes")
    #expect(
      message(Winograd(.kernelGradient, tile: 2, axis: 0), [16, 2, 1, 2])
        == "winogradKernelGradient: 2 tiles along axis 0 of [16, 2, 1, 2]")
    #expect(
      message(
        Winograd(.result, tile: 2, axis: 0),
        [16, Extent(offset: 1 << 60), Extent(offset: 1 << 60), 2]
      ).contains(
        "not a possible size"))
    #expect(
      message(Winograd(.cotangent, tile: 2, axis: 0), [.batch, 2, 1])
        == "winogradCotangent: [batch, 2, 1] depends on the batch size along axis 0")
  }
}

extension NDArray {
  fileprivate var doubles: [Double] {
    switch storage {
    case .f32(let elements): elements.map { Double($0) }
    case .f64(let elements): elements
    default: []
    }
  }
}

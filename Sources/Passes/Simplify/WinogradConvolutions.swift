import DescentGraph

extension Pass {
  /// Makes products of 3×3 windows, and the gradients of their weights, of fewer multiplications.
  ///
  ///     %2 = convolve(%0, %1) low=[1, 1] …     →    %2 = winogradImage(%0) tile=4 low=[1, 1] …
  ///                                                 %3 = winogradKernel(%1) tile=4 …
  ///                                                 …
  ///                                                 %6 = contract(%4, %5)
  ///                                                 …
  ///                                                 %8 = winogradResult(%7) tile=4 …
  ///
  /// A tile of 4×4 results takes 36 products for each channel and feature rather than 144, one of 2×2 takes 16 rather
  /// than 36; but planes go through memory. So what each way costs is estimated (`WinogradEstimate`).
  ///
  /// Results differ by rounding (see `Winograd` and `Pass.fewerMultiplications`).
  ///
  /// - Parameter prepares: Whether what follows from unchanged parameters is computed once.
  /// - Returns: The pass.
  package static func winograd(prepares: Bool = true) -> Pass {
    fewerMultiplications(
      "winograd", "makes products of 3×3 windows of fewer multiplications", in: "tiles",
      prepares: prepares
    ) { node, types, changes, operands in
      guard case .convolution(let op) = node.op,
        let estimate = WinogradEstimate(op, types, node.type, changesWeights: changes[1]),
        let tile = estimate.bestTile
      else { return nil }
      let product = WinogradProduct(op, tile: tile)
      let result =
        op.kernel == nil
        ? product.result(operands[0], operands[1]) : product.gradient(operands[0], operands[1])
      let products = (tiles: Int(estimate.products(tile)), plain: Int(estimate.products))
      return (
        result, " of \(tile)×\(tile): \(products.tiles) products rather than \(products.plain)"
      )
    }
  }
}

/// What a product of windows costs, all at once or in tiles, in fused multiply-adds.
///
/// Kernels follow one another, and each takes as long as its products or its bytes, whichever is more.
struct WinogradEstimate {
  /// The products of the plain way, without those that find nothing.
  let products: Double
  private let x: Double
  private let y: Double
  private let weights: Double
  /// The places of the windows along both axes.
  private let places: [Int]
  private let images: Double
  private let channels: Double
  private let features: Double
  private let isGradient: Bool
  private let changesWeights: Bool

  /// The share of its products' peak that one product for each plane reaches.
  private static let efficiency = 0.85
  /// How much less must be estimated for tiles to be chosen.
  private static let worth = 0.9
  /// More elements than planes may have.
  private static let mostElements = 0x1p48

  /// Looks at a product, or returns nil where its windows are not 3×3 neighbours, one step apart, or it has groups.
  init?(
    _ op: Convolution, _ operands: [TensorType], _ result: TensorType, changesWeights: Bool
  ) {
    let (first, second) = (operands[0].shape, operands[1].shape)
    guard op.spatialRank == 2, op.groups == 1, result.dataType == .f32,
      op.kernel(second) == [3, 3],
      (op.strides + op.dilations).allSatisfy({ $0 == 1 }),
      (op.low + op.high).allSatisfy({ $0 < Winograd.kernel }), first.count > 0,
      result.shape.count > 0
    else { return nil }
    isGradient = op.kernel != nil
    self.changesWeights = changesWeights
    let dimensions = first.dimensions
    let places = op.windowCounts(first, second)
    self.places = places
    images = Double(dimensions[0])
    (channels, features) = (Double(dimensions[3]), Double(second.dimensions[3]))
    (x, weights) = (Double(first.count), Double((isGradient ? result.shape : second).count))
    y = images * Double(places[0]) * Double(places[1]) * features
    // Along an axis, places times elements less those that windows do not find.
    let found = (0..<2).reduce(images) { product, axis in
      let missing = [op.low[axis], op.high[axis]].reduce(0) { $0 + $1 * ($1 + 1) / 2 }
      return product * max(1, 3 * Double(places[axis]) - Double(missing))
    }
    products = found * channels * features
  }

  /// The products in tiles of an extent.
  func products(_ tile: Int) -> Double { planes(tile) * tiles(tile) * channels * features }

  /// The extent of tiles that cost least, or nil where the plain way does.
  var bestTile: Int? {
    let costs = Winograd.tiles.filter { tile in places.allSatisfy { $0 % tile == 0 } }
      .map { (tile: $0, cost: cost($0)) }
    guard let best = costs.min(by: { $0.cost < $1.cost }),
      best.cost < WinogradEstimate.worth * plainCost,
      planes(best.tile) * (tiles(best.tile) + channels) * (channels + features)
        < WinogradEstimate.mostElements
    else { return nil }
    return best.tile
  }

  private func planes(_ tile: Int) -> Double { Double((tile + 2) * (tile + 2)) }

  private func tiles(_ tile: Int) -> Double {
    images * Double(places[0] / tile) * Double(places[1] / tile)
  }

  private var plainCost: Double { max(products, Moving.cost(x, weights, y)) }

  private func cost(_ tile: Int) -> Double {
    let count = planes(tile) * tiles(tile)
    let (image, matrix, result) = (
      count * channels, planes(tile) * channels * features, count * features
    )
    let product = max(
      products(tile) / WinogradEstimate.efficiency, Moving.cost(image, matrix, result))
    let kernel = changesWeights || isGradient ? Moving.cost(weights, matrix) : 0
    return Moving.cost(x, image) + Moving.cost(result, y) + kernel + product
  }
}

/// Writes a product of windows in tiles.
private struct WinogradProduct {
  let op: Convolution
  let tile: Int

  init(_ op: Convolution, tile: Int) {
    self.op = op
    self.tile = tile
  }

  private func map(_ transform: Winograd.Transform, axis: Int, _ x: Tensor) -> Tensor {
    let margins = transform == .image ? (op.low, op.high) : ([0, 0], [0, 0])
    return x.apply(
      .winograd(
        Winograd(transform, tile: tile, axis: axis, low: margins.0, high: margins.1)))
  }

  /// The planes of an image or cotangent, a row for each tile.
  private func planes(_ transform: Winograd.Transform, _ x: Tensor) -> (Tensor, tiles: [Extent]) {
    let planes = map(transform, axis: 1, x)
    let extents = planes.shape.extents
    let rows = extents[1...3].reduce(1) { $0 * ($1.fixed ?? 0) }
    return (
      planes.reshaped(Shape([extents[0], Extent(offset: rows), extents[4]])),
      Array(extents[1...3])
    )
  }

  /// Windows times weights.
  func result(_ x: Tensor, _ weights: Tensor) -> Tensor {
    let (image, tiles) = planes(.image, x)
    let (weights, isTurned) = weights.untransposed
    let kernel = map(.kernel, axis: 0, weights)
    let extents = kernel.shape.extents
    let matrix = kernel.reshaped(Shape([extents[0], extents[3], extents[4]]))
    let product = image.apply(.contraction(Contraction(transposeRight: isTurned)), matrix)
    return map(
      .result, axis: 1,
      product.reshaped(Shape([extents[0]] + tiles + [product.shape[2]])))
  }

  /// The gradient of the weights.
  func gradient(_ x: Tensor, _ cotangent: Tensor) -> Tensor {
    let (image, _) = planes(.image, x)
    let (other, _) = planes(.cotangent, cotangent)
    let product = image.apply(.contraction(Contraction(transposeLeft: true)), other)
    let extents = product.shape.extents
    return map(
      .kernelGradient, axis: 0,
      product.reshaped(Shape([extents[0], 1, 1, extents[1], extents[2]])))
  }
}

extension Tensor {
  /// The weights without a transposition of channels and features, and whether there is one: products read their
  /// factors either way, but maps would have to gather what is transposed.
  fileprivate var untransposed: (Tensor, isTurned: Bool) {
    guard let value, case .movement(let movement) = builder.nodes[Int(value.index)].op else {
      return (self, false)
    }
    let operand = Tensor(builder, builder.nodes[Int(value.index)].operands[0])
    switch movement {
    case .transpose([0, 1, 3, 2]): return (operand, true)
    case .reverse(let axes) where axes.allSatisfy({ $0 < 2 }):
      let (source, isTurned) = operand.untransposed
      return isTurned ? (source.reverse(axes: axes), true) : (self, false)
    default: return (self, false)
    }
  }
}

/// One of the linear maps by which products of 3×3 windows are made of fewer multiplications.
///
/// Windows that stand side by side share most of their elements. Winograd's minimal filtering computes a tile of t×t
/// results of such windows, for each channel and feature, with (t + 2)² products rather than 9t²: image and kernel
/// are brought into (t + 2)² *planes*, plane meets plane, and what comes of it is brought back. Sums over channels
/// come before that, so they are products of matrices, one for each plane.
///
///     convolve(x, w)            =  result(image(x) · kernel(w))
///     weightGradient(x, G)      =  kernelGradient(image(x)ᵀ · cotangent(G))
///
/// With B, G and A of the tile, `image` is BᵀdB for each tile d of (t + 2)×(t + 2) elements, t apart, `kernel` is GgGᵀ,
/// and `result` AᵀmA; `cotangent` and `kernelGradient` are the transposes of `result` and `kernel`. The points of the
/// interpolation are 0, ±1 and ∞ for tiles of 2, and ±2 besides for tiles of 4.
///
/// The operand of the first three has tiles along `axis` and the axis behind it, and channels behind these; planes come
/// first in the result, in row-major order, and both axes count tiles. The other two turn that round.
///
/// **Order.** A map is applied along the first of the two axes, then along the second, in the steps of
/// `WinogradSteps`. Each step is rounded once.
///
/// **Bound.** Results differ from a convolution's by rounding alone. Tiles of 2 err less than a convolution, whose sums
/// are nine times as long; tiles of 4, in which sums of up to 100 times an operand's elements cancel, a few times as
/// much (Lavin and Gray, 2016; Barabasz et al., 2020). Elements that are not finite spread to the whole tile.
public struct Winograd: Hashable, Sendable, Codable {
  /// Which of the maps.
  public enum Transform: String, Hashable, Sendable, Codable, CaseIterable {
    /// An image, or what windows lie over, into planes.
    case image
    /// The weights into planes.
    case kernel
    /// The cotangent of a result into planes.
    case cotangent
    /// Planes into a result.
    case result
    /// Planes into the gradient of weights.
    case kernelGradient

    /// Whether planes are made, rather than made into something else.
    package var makesPlanes: Bool { self == .image || self == .kernel || self == .cotangent }
  }

  /// The map.
  public let transform: Transform
  /// The results of a tile along each of its axes: 2 or 4.
  public let tile: Int
  /// The first of the two neighbouring axes that tiles lie along, in what is not planes.
  public let axis: Int
  /// How far before an image its first tile begins along each axis; zeros lie there.
  public let low: [Int]
  /// How far behind an image its last tile ends along each axis; zeros lie there.
  public let high: [Int]

  /// Creates a map; an image's tiles lie within it if nothing else is said.
  public init(
    _ transform: Transform, tile: Int, axis: Int, low: [Int] = [0, 0], high: [Int] = [0, 0]
  ) {
    self.transform = transform
    self.tile = tile
    self.axis = axis
    self.low = low
    self.high = high
  }

  /// The results of a tile along an axis that there are steps for.
  package static let tiles = [2, 4]
  /// The elements of a kernel along each axis.
  package static let kernel = 3

  /// How many elements of a tile there are along each axis on the side of the planes.
  package var planesPerAxis: Int { tile + Winograd.kernel - 1 }
  /// The number of planes.
  package var planes: Int { planesPerAxis * planesPerAxis }

  /// How many elements of a tile there are along each axis on the other side.
  package var extent: Int {
    switch transform {
    case .image: planesPerAxis
    case .cotangent, .result: tile
    case .kernel, .kernelGradient: Winograd.kernel
    }
  }

  /// How far apart neighbouring tiles are on that side.
  package var stride: Int { transform == .image ? tile : extent }

  /// The steps along one axis.
  package var steps: WinogradSteps { WinogradSteps(transform, tile: tile) }
}

extension Winograd: OpDefinition {
  package var name: String {
    "winograd" + transform.rawValue.prefix(1).uppercased() + transform.rawValue.dropFirst()
  }

  package var summary: String {
    switch transform {
    case .image: "tiles of an image into planes, in which products of 3×3 windows are few"
    case .kernel: "3×3 weights into the planes of Winograd's tiles"
    case .cotangent: "tiles of a cotangent into the planes that give the gradient of 3×3 weights"
    case .result: "planes of products into tiles of what 3×3 windows times weights are"
    case .kernelGradient: "planes of products into the gradient of 3×3 weights"
    }
  }

  package var attributes: Attributes {
    let attributes = Attributes().with("tile", tile).with("axis", axis)
    guard transform == .image, low + high != [0, 0, 0, 0] else { return attributes }
    return attributes.with("low", low).with("high", high)
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(1, operands)
    try expect(operands[0], in: .floats)
    guard Winograd.tiles.contains(tile) else {
      throw GraphError("\(name): there are tiles of \(Winograd.tiles), not of \(tile)")
    }
    let bound = transform == .image ? extent : 1
    guard low.count == 2, high.count == 2, (low + high).allSatisfy({ (0..<bound).contains($0) })
    else {
      throw GraphError("\(name): low \(low) or high \(high) are not two numbers below \(bound)")
    }
    let shape = operands[0].shape
    let front = transform.makesPlanes ? 0 : 1
    guard (0..<shape.rank).contains(axis), axis + front + 2 < shape.rank else {
      throw GraphError("\(name): no three axes of \(shape) begin with axis \(axis)")
    }
    let first = axis + front
    var extents = shape.extents
    guard let lines = [extents[first].fixed, extents[first + 1].fixed] as? [Int] else {
      throw GraphError("\(name): \(shape) depends on the batch size along axis \(axis)")
    }
    if transform.makesPlanes {
      for (position, line) in lines.enumerated() {
        extents[first + position] = Extent(offset: try tileCount(line, position, shape))
      }
      return try checked(
        TensorType(operands[0].dataType, Shape([Extent(offset: planes)] + extents)))
    }
    guard extents.removeFirst() == Extent(offset: planes) else {
      throw GraphError("\(name): \(shape) does not begin with \(planes) planes")
    }
    for (position, line) in lines.enumerated() {
      let (count, overflow) = line.multipliedReportingOverflow(by: extent)
      guard !overflow, transform == .result || line == 1 else {
        throw GraphError("\(name): \(line) tiles along axis \(axis + position) of \(shape)")
      }
      extents[axis + position] = Extent(offset: count)
    }
    return try checked(TensorType(operands[0].dataType, Shape(extents)))
  }

  /// Returns how many tiles a line of an operand has.
  private func tileCount(
    _ line: Int, _ position: Int, _ shape: Shape
  ) throws(GraphError) -> Int {
    let (length, isLong) = line.addingReportingOverflow(low[position] + high[position])
    let rest = length - (extent - stride)
    guard !isLong, rest >= 0, rest % stride == 0, transform != .kernel || line == extent else {
      throw GraphError(
        "\(name): axis \(axis + position) of \(shape) is not made of tiles of \(extent), \(stride) apart"
      )
    }
    return rest / stride
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    let planes = transform.makesPlanes ? result.shape.count : operands[0].shape.count
    let lines = transform.makesPlanes ? extent + planesPerAxis : planesPerAxis + extent
    let flops = planes / self.planes * lines * steps.steps.count * 2
    return Cost(flops: flops, operands: operands, result: result)
  }

  package static var samples: [Winograd] {
    [Winograd(.image, tile: 4, axis: 1, low: [1, 1], high: [1, 1])]
      + Transform.allCases.dropFirst().map { Winograd($0, tile: 2, axis: 0) }
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Winograd? {
    guard
      let transform = Transform.allCases.first(where: {
        Winograd($0, tile: 2, axis: 0).name == name
      })
    else { return nil }
    let isInside = attributes["low"] == nil && attributes["high"] == nil
    return Winograd(
      transform, tile: try attributes.integer("tile"), axis: try attributes.integer("axis"),
      low: isInside ? [0, 0] : try attributes.integers("low"),
      high: isInside ? [0, 0] : try attributes.integers("high"))
  }
}

import DescentGraph

// The maps are linear, and most are each other's transposes: a result's cotangent goes through `cotangent`, that of
// weights through `kernelGradient`, and back. The tiles of an image overlap, so its planes' cotangents meet in it:
// each tile's elements are made by the transposed matrix, and windows of them added up.

extension Winograd: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch transform {
    case .image: .rule(gradientOfImage)
    case .kernel: .rule { $0.cotangent.apply(.winograd(with(.kernelGradient))) }
    case .kernelGradient: .rule { $0.cotangent.apply(.winograd(with(.kernel))) }
    case .result: .rule { $0.cotangent.apply(.winograd(with(.cotangent))) }
    case .cotangent: .rule { $0.cotangent.apply(.winograd(with(.result))) }
    }
  }

  private func with(_ transform: Transform) -> Winograd {
    Winograd(transform, tile: tile, axis: axis)
  }

  private func gradientOfImage(_ context: GradientContext) -> Tensor {
    let (x, cotangent) = (context.x.shape, context.cotangent)
    let places = Array(cotangent.shape.extents.dropFirst())
    guard let count = Shape.product(places) else {
      return cotangent.failure("gradient of \(name): \(cotangent.shape) cannot be counted")
    }
    let square = [Extent](repeating: Extent(offset: planesPerAxis), count: 2)
    let tiles = cotangent.reshaped(Shape([Extent(offset: planes), count]))
    // The elements of all tiles, [row, column, places…], of which each pair of axes becomes neighbours.
    var elements = matrix(for: cotangent)
      .apply(.contraction(Contraction(transposeLeft: true)), tiles)
      .reshaped(Shape(square + places))
    let axes = Array(places.indices).map { $0 + 2 }
    elements = elements.apply(
      .movement(
        .transpose(
          axes[...axis] + [0, axes[axis + 1], 1] + axes[(axis + 2)...])))
    for (position, line) in (axis...axis + 1).enumerated() {
      let extent = x[line].fixed ?? 0
      elements = elements.addingWindows(
        axis: line, to: low[position] + extent + high[position], stride: stride, dilation: 1)
      guard low[position] + high[position] > 0 else { continue }
      elements = elements.slice(
        axis: line, from: Extent(offset: low[position]),
        to: Extent(offset: low[position] + extent))
    }
    return elements
  }

  /// The matrix `[planes, elements of a tile]` of the map, which is that of one axis times itself.
  private func matrix(for cotangent: Tensor) -> Tensor {
    let units = (0..<extent).map { unit in
      steps.evaluate(
        (0..<extent).map { $0 == unit ? 1 : 0.0 }, multiply: *, multiplyAdd: { $0 * $1 + $2 })
    }
    var elements: [Double] = []
    for i in 0..<planesPerAxis {
      for j in 0..<planesPerAxis {
        for y in 0..<extent {
          for x in 0..<extent { elements.append(units[y][i] * units[x][j]) }
        }
      }
    }
    let dimensions = [planes, extent * extent]
    let array =
      cotangent.dataType == .f64
      ? NDArray(.f64(elements), dimensions: dimensions)
      : NDArray(.f32(elements.map { Float($0) }), dimensions: dimensions)
    return cotangent.builder.constant(array)
  }
}

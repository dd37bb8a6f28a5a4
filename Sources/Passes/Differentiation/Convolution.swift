import DescentGraph

// A product of windows is linear in three: the operand x, the weights W, and the cotangent G with which the sum of its
// results is weighed. What belongs to one is made of the two others, whatever these are:
//
//   the result of x and W, or the gradient of G      x ∗ W
//   the gradient of W, made of x and G               each element of the windows of x times G, summed over windows
//   the gradient of x, made of W and G               every product handed back to the element it came from:
//
//   strides of 1      G under windows of W turned round, which reach outside of it, channels and features changed over
//   other strides     G·Wᵀ, the windows' own gradients, each added to the elements of its window
//
// Groups are so many of these side by side.
// The first would multiply with the zeros between windows that lie apart. Where the windows of x reach outside of it,
// what the second adds up there is thrown away.

extension Convolution: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch (position, kernel) {
    case (0, nil): .rule { gradient(of: $0.x, weights: $0.y, $0.cotangent) }
    case (0, _): .rule { gradient(of: $0.x, weights: $0.cotangent, $0.y) }
    case (_, nil):
      .rule { $0.x.weightGradient(self, kernel: kernel($0.y.shape), $0.cotangent) }
    default: .rule { $0.x.convolved(with(kernel: nil), $0.cotangent) }
    }
  }

  /// Returns the gradient of the operand.
  private func gradient(of x: Tensor, weights: Tensor, _ cotangent: Tensor) -> Tensor {
    strides.allSatisfy { $0 == 1 }
      ? gradientByConvolution(of: x, weights, cotangent)
      : gradientByWindows(of: x.shape, weights, cotangent)
  }

  private func gradientByConvolution(
    of x: Tensor, _ weights: Tensor, _ cotangent: Tensor
  ) -> Tensor {
    // Windows over zeros alone take nothing back.
    guard !x.shape.extents.contains(0) else {
      return cotangent.builder.scalar(0, x.dataType).broadcast(to: x.shape)
    }
    let reaches = zip(weights.shape.extents, dilations).map { (($0.fixed ?? 0) - 1) * $1 + 1 }
    let before = zip(reaches, low).map { $0 - 1 - $1 }
    let behind = zip(reaches, high).map { $0 - 1 - $1 }
    var cotangent = cotangent
    for axis in 0..<spatialRank where before[axis] < 0 || behind[axis] < 0 {
      // The outermost windows see nothing of x.
      let (first, last) = (min(before[axis], 0), min(behind[axis], 0))
      let count = (cotangent.shape[axis + 1].fixed ?? 0) + last
      cotangent = cotangent.slice(
        axis: axis + 1, from: Extent(offset: -first), to: Extent(offset: count))
    }
    let turned = Convolution(
      strides: strides, dilations: dilations, low: before.map { max($0, 0) },
      high: behind.map { max($0, 0) }, groups: groups)
    return cotangent.convolved(turned, weights.turned(groups: groups))
  }

  private func gradientByWindows(
    of x: Shape, _ weights: Tensor, _ cotangent: Tensor
  ) -> Tensor {
    let places = Array(cotangent.shape.extents.dropLast())
    guard let elements = Shape.product(weights.shape.extents.dropLast()) else {
      return cotangent.failure("gradient of \(name): \(weights.shape) cannot be counted")
    }
    let windows = products(cotangent, weights, elements, x[x.rank - 1])
      .reshaped(Shape(places + Array(weights.shape.extents.prefix(spatialRank)) + [x[x.rank - 1]]))
    // Each window's elements stand beside its place, axis by axis.
    let axes = 0..<spatialRank
    var sum = windows.apply(
      .movement(
        .transpose([0] + axes.flatMap { [$0 + 1, $0 + 1 + spatialRank] } + [2 * spatialRank + 1])))
    for axis in axes {
      let extent = x[axis + 1].fixed ?? 0
      sum = sum.addingWindows(
        axis: axis + 1, to: low[axis] + extent + high[axis], stride: strides[axis],
        dilation: dilations[axis])
      guard low[axis] + high[axis] > 0 else { continue }
      sum = sum.slice(
        axis: axis + 1, from: Extent(offset: low[axis]), to: Extent(offset: low[axis] + extent))
    }
    return sum
  }
  /// Returns a cotangent times transposed weights, for each place the elements of its window.
  private func products(
    _ cotangent: Tensor, _ weights: Tensor, _ elements: Extent, _ channels: Extent
  ) -> Tensor {
    let transposed = Op.contraction(Contraction(transposeRight: true))
    let features = weights.shape[weights.rank - 1]
    let matrix = weights.reshaped(Shape([elements, features]))
    guard groups > 1 else { return cotangent.apply(transposed, matrix) }
    guard let places = Shape.product(cotangent.shape.extents.dropLast()),
      let features = features.fixed, let channels = channels.fixed, let elements = elements.fixed
    else {
      return cotangent.failure(
        "gradient of \(name): the places of \(cotangent.shape) cannot be counted")
    }
    let part = (channels: channels / groups, features: features / groups)
    let kernel = elements / max(1, part.channels)
    let extents = { (numbers: [Int]) in numbers.map { Extent(offset: $0) } }
    // A feature by itself makes no sums.
    guard part.features > 1 else {
      let sides = extents([kernel, part.channels, groups])
      let products =
        cotangent.reshaped(Shape([places] + extents([1, 1, groups])))
        * weights.reshaped(Shape(sides))
      return products.transpose([0, 1, 3, 2])
    }
    // A matrix for each group.
    let matrices = [(cotangent, places), (matrix, Extent(offset: elements))].map { tensor, rows in
      tensor.reshaped(Shape([rows] + extents([groups, part.features]))).transpose([1, 0, 2])
    }
    return matrices[0].apply(transposed, matrices[1])
      .reshaped(Shape([Extent(offset: groups), places] + extents([kernel, part.channels])))
      .transpose([1, 2, 0, 3])
  }
}

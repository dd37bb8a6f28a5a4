import DescentGraph

// With G the cotangent of C = x ∗ W, and P the windows of x as rows: C is P·W, so the gradient of the weights is
// Pᵀ·G. That of x hands every product back to the element it came from:
//
//   strides of 1      G under windows of W turned round, which reach outside of it, channels and features changed over
//   other strides     G·Wᵀ, the windows' own gradients, each added to the elements of its window
//
// The first would multiply with the zeros between windows that lie apart.
//
// Where the windows of x reach outside of it, P has zeros there, and what is added up to them is thrown away.

extension Convolution: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    if position == 1 { return .rule(gradientOfWeights) }
    return strides.allSatisfy { $0 == 1 } ? .rule(gradientByConvolution) : .rule(gradientByWindows)
  }

  private func gradientOfWeights(_ context: GradientContext) -> Tensor {
    let (weights, cotangent) = (context.y.shape, context.cotangent)
    guard let rows = Shape.product(cotangent.shape.extents.dropLast()),
      let elements = Shape.product(weights.extents.dropLast())
    else {
      return cotangent.failure(
        "gradient of convolve: the windows of \(context.x.shape) cannot be counted")
    }
    let windows = context.x.surrounded(low: low, high: high)
      .windows(kernel: kernel(of: weights), strides: strides, dilations: dilations)
      .reshaped(Shape([rows, elements]))
    let columns = cotangent.reshaped(Shape([rows, weights[weights.rank - 1]]))
    return windows.apply(.contraction(Contraction(transposeLeft: true)), columns)
      .reshaped(weights)
  }

  private func gradientByConvolution(_ context: GradientContext) -> Tensor {
    let x = context.x.shape
    // Windows over zeros alone take nothing back.
    guard !x.extents.contains(0) else {
      return context.cotangent.builder.scalar(0, context.x.dataType).broadcast(to: x)
    }
    let reaches = reaches(of: context.y.shape)
    let before = zip(reaches, low).map { $0 - 1 - $1 }
    let behind = zip(reaches, high).map { $0 - 1 - $1 }
    var cotangent = context.cotangent
    for axis in 0..<spatialRank where before[axis] < 0 || behind[axis] < 0 {
      // The outermost windows see nothing of x.
      let (first, last) = (min(before[axis], 0), min(behind[axis], 0))
      let count = (cotangent.shape[axis + 1].fixed ?? 0) + last
      cotangent = cotangent.slice(
        axis: axis + 1, from: Extent(offset: -first), to: Extent(offset: count))
    }
    let turned = Convolution(
      strides: strides, dilations: dilations, low: before.map { max($0, 0) },
      high: behind.map { max($0, 0) })
    return cotangent.convolved(turned, context.y.turnedWeights)
  }

  private func gradientByWindows(_ context: GradientContext) -> Tensor {
    let (x, weights, cotangent) = (context.x.shape, context.y.shape, context.cotangent)
    let places = Array(cotangent.shape.extents.dropLast())
    guard let elements = Shape.product(weights.extents.dropLast()) else {
      return cotangent.failure("gradient of convolve: \(weights) cannot be counted")
    }
    let matrix = context.y.reshaped(Shape([elements, weights[weights.rank - 1]]))
    let windows = cotangent.apply(.contraction(Contraction(transposeRight: true)), matrix)
      .reshaped(Shape(places + Array(weights.extents.dropLast())))
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
}

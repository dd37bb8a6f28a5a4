import DescentGraph

// With G the cotangent of C = x ∗ W, and P the windows of x as rows: C is P·W, so the gradient of the weights is
// Pᵀ·G. That of x hands every product back to the element it came from:
//
//   strides of 1      G with zeros around it, under windows of W turned round, channels and features changed over
//   other strides     G·Wᵀ, the windows' own gradients, each added to the elements of its window
//
// The first would multiply with the zeros between windows that lie apart.

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
    let windows = context.x
      .windows(kernel: kernel(of: weights), strides: strides, dilations: dilations)
      .reshaped(Shape([rows, elements]))
    let columns = cotangent.reshaped(Shape([rows, weights[weights.rank - 1]]))
    return windows.apply(.contraction(Contraction(transposeLeft: true)), columns)
      .reshaped(weights)
  }

  private func gradientByConvolution(_ context: GradientContext) -> Tensor {
    let zeros = [0] + reaches(of: context.y.shape).map { $0 - 1 } + [0]
    let isPadded = zeros.contains { $0 != 0 }
    let padded = isPadded ? context.cotangent.pad(low: zeros, high: zeros) : context.cotangent
    return padded.apply(.convolution(self), context.y.turnedWeights)
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
      sum = sum.addingWindows(
        axis: axis + 1, to: x[axis + 1].fixed ?? 0, stride: strides[axis],
        dilation: dilations[axis])
    }
    return sum
  }
}

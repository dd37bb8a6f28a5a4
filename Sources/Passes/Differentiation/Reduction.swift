import DescentGraph

// The cotangent has lost the reduced axes; it is repeated along them before it meets the operand again.

extension Reduction: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch kind {
    case .sum: .rule { spread($0.cotangent, to: $0.x.shape) }
    case .product: .rule(gradientOfProduct)
    case .max, .min: .rule(gradientOfExtreme)
    case .any, .all: .none(because: "its result is a truth value")
    case .argMax, .argMin: .none(because: "its result is an index")
    }
  }

  /// Returns a value without the reduced axes repeated along them.
  private func spread(_ tensor: Tensor, to shape: Shape) -> Tensor {
    var extents = shape.extents
    for axis in axes { extents[axis] = 1 }
    return tensor.reshaped(Shape(extents)).broadcast(to: shape)
  }

  /// Returns g times the product of all other elements.
  ///
  /// That is P / xᵢ with P the product of the elements that are not 0 and a zero xᵢ counted as 1, unless
  /// there is a zero elsewhere. Only elements that are 0 make second derivatives wrong: they get none.
  private func gradientOfProduct(_ context: GradientContext) -> Tensor {
    let shape = context.x.shape
    let isZero = context.x .== 0.0
    let zeroCount = isZero.cast(to: context.x.dataType)
    let zerosElsewhere = spread(zeroCount.reduce(.sum, axes, false), to: shape) - zeroCount
    let nonzero = select(isZero, context.number(1), context.x)
    let others = spread(nonzero.reduce(.product, axes, false), to: shape) / nonzero
    return context.masked(zerosElsewhere .== 0.0, spread(context.cotangent, to: shape) * others)
  }

  /// Returns g divided evenly among the elements that equal the greatest or least.
  private func gradientOfExtreme(_ context: GradientContext) -> Tensor {
    let shape = context.x.shape
    let isExtreme = context.x .== spread(context.result, to: shape)
    let count = isExtreme.cast(to: context.cotangent.dataType).reduce(.sum, axes, false)
    return context.masked(isExtreme, spread(context.cotangent / count, to: shape))
  }
}

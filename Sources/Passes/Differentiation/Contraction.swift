import DescentGraph

// With G the cotangent of C = A·B: the gradients are G·Bᵀ and Aᵀ·G. Operands are never transposed in
// memory; which side is read transposed follows from how A and B are stored.
//
//   stored        gradient of the left     gradient of the right
//   A   B         G · Bᵀ                   Aᵀ · G
//   A   Bᵀ        G · B                    Gᵀ · A
//   Aᵀ  B         B · Gᵀ                   A · G
//   Aᵀ  Bᵀ        Bᵀ · Gᵀ                  Gᵀ · Aᵀ

extension Contraction: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    position == 0 ? .rule(gradientOfLeft) : .rule(gradientOfRight)
  }

  private func gradientOfLeft(_ context: GradientContext) -> Tensor {
    let (right, cotangent) = (context.y, context.cotangent)
    return transposeLeft
      ? product(right, transposed: transposeRight, cotangent, transposed: true)
      : product(cotangent, transposed: false, right, transposed: !transposeRight)
  }

  private func gradientOfRight(_ context: GradientContext) -> Tensor {
    var (left, cotangent) = (context.x, context.cotangent)
    if Contraction.isShared(left.shape, context.y.shape) {
      (left, cotangent) = (left.flattenedRows, cotangent.flattenedRows)
    }
    return transposeRight
      ? product(cotangent, transposed: true, left, transposed: transposeLeft)
      : product(left, transposed: !transposeLeft, cotangent, transposed: false)
  }

  /// Adds a contraction in one run; a later pass chooses the runs that the new shape calls for.
  private func product(
    _ left: Tensor, transposed transposeLeft: Bool, _ right: Tensor,
    transposed transposeRight: Bool
  ) -> Tensor {
    left.apply(
      .contraction(Contraction(transposeLeft: transposeLeft, transposeRight: transposeRight)),
      right)
  }
}

extension Tensor {
  /// The same rows as one matrix.
  fileprivate var flattenedRows: Tensor {
    guard let rows = Shape.product(shape.extents.dropLast()) else {
      return failure("gradient of matmul: the rows of \(shape) cannot be counted")
    }
    return reshaped(Shape([rows, shape[rank - 1]]))
  }
}

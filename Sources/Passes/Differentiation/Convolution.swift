import DescentGraph

// A product of windows is linear in three: the operand x, the weights W, and the cotangent G with which the sum of its
// results is weighed. What belongs to one is made of the two others, whatever these are:
//
//   the result of x and W, or the gradient of G      x ∗ W
//   the gradient of W, made of x and G               each element of the windows of x times G, summed over windows
//   the gradient of x, made of W and G               every product handed back to the element it came from
//
// Where the windows of x reach outside of it, nothing is handed back.

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
    let extents = x.shape.extents.dropFirst().dropLast().map { $0.fixed ?? 0 }
    return cotangent.operandGradient(with(kernel: nil), weights, extents: extents)
  }
}

import DescentGraph

// m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
// the parameter loses  rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε)

extension OptimizerStep {
  /// Returns what a parameter loses by Adam.
  func adam(_ item: Trained, beta1: Double, beta2: Double, epsilon: Double) -> Tensor {
    guard let correction else { preconditionFailure("Adam works without its bias correction") }
    let dataType = item.parameter.dataType
    let gradient = item.gradient
    let (oldMean, oldSquare) = (slot("m", of: item), slot("v", of: item))
    let mean = oldMean * beta1 + gradient * (1 - beta1)
    let square = oldSquare * beta2 + gradient * gradient * (1 - beta2)
    builder.update(oldMean, to: mean)
    builder.update(oldSquare, to: square)
    let root = sqrt(square) / correction.root.cast(to: dataType) + epsilon
    return mean / root * correction.rate.cast(to: dataType)
  }
}

/// The two numbers by which Adam makes up for moments that began at zero.
///
/// 1 − βᵗ is kept itself, not βᵗ: it begins at 0 and becomes (1 − βᵗ)·β + (1 − β), which is exact to a few units in
/// the last place from the first step on, where subtracting a power near 1 from 1 would lose five digits.
struct BiasCorrection {
  /// rate / (1 − β₁ᵗ).
  let rate: Tensor
  /// √(1 − β₂ᵗ).
  let root: Tensor

  /// Declares the two cells and what becomes of them.
  init(rate: Tensor, beta1: Double, beta2: Double) {
    func correction(_ name: String, _ beta: Double) -> Tensor {
      let before = rate.builder.state("optimizer.\(name)Correction", .scalar)
      let after = before * beta + (1 - beta)
      rate.builder.update(before, to: after)
      return after
    }
    self.rate = rate / correction("beta1", beta1)
    root = sqrt(correction("beta2", beta2))
  }
}

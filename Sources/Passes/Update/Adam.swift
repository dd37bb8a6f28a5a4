import DescentGraph

// m ← β₁·m + (1 − β₁)·g        v ← β₂·v + (1 − β₂)·g²
// the parameter loses  rate / (1 − β₁ᵗ) · m / (√v / √(1 − β₂ᵗ) + ε); by AMSGrad the greatest v so far takes v's place

extension OptimizerStep {
  /// Returns what a parameter loses by Adam.
  func adam(
    _ item: Trained, beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool
  ) -> Tensor {
    guard let correction else { preconditionFailure("Adam works without its bias correction") }
    let dataType = item.parameter.dataType
    let gradient = item.gradient
    let (oldMean, oldSquare) = (slot("m", of: item), slot("v", of: item))
    let mean = oldMean * beta1 + gradient * (1 - beta1)
    let square = oldSquare * beta2 + gradient * gradient * (1 - beta2)
    builder.update(oldMean, to: mean)
    builder.update(oldSquare, to: square)
    var divisor = square
    if amsgrad {
      let greatest = slot("greatest", of: item)
      divisor = maximum(greatest, square)
      builder.update(greatest, to: divisor)
    }
    // Divisions are slow; the one by a number that all elements share is made once.
    let root = sqrt(divisor) * correction.inverseRoot.cast(to: dataType) + epsilon
    return mean / root * correction.rate.cast(to: dataType)
  }
}

/// The two numbers by which Adam makes up for moments that began at zero.
///
/// With λ = −log β, 1 − βᵗ is 1 − e^(−λt) = 2·T / (1 + T), where T = tanh(λt / 2). So it follows from the step alone
/// and is right to a few units in the last place at every step. Subtracting a power from 1 would lose five digits at
/// the first steps, and multiplying one up would settle 3·10⁻⁵ beside 1 for β = 0.999.
struct BiasCorrection {
  /// rate / (1 − β₁ᵗ).
  let rate: Tensor
  /// 1 / √(1 − β₂ᵗ).
  let inverseRoot: Tensor

  /// Creates the numbers for a step counted from 1.
  init(rate: Tensor, step: Tensor, beta1: Double, beta2: Double) {
    let count = step.cast(to: rate.dataType)
    func correction(_ beta: Double) -> Tensor {
      guard beta > 0 else { return rate.builder.scalar(1, rate.dataType) }
      let half = tanh(count * (beta.negatedLogarithm / 2))
      return 2.0 * half / (1.0 + half)
    }
    self.rate = rate / correction(beta1)
    inverseRoot = 1.0 / sqrt(correction(beta2))
  }
}

extension Double {
  /// −log x of a number between 0 and 1, from exact operations only, so that it is the same everywhere.
  fileprivate var negatedLogarithm: Double {
    // log x = 2·log √x brings x near 1, where log x = 2·artanh((x − 1) / (x + 1)) converges quickly.
    var (x, scale) = (self, 2.0)
    while x < 0.5 { (x, scale) = (x.squareRoot(), scale * 2) }
    let ratio = (1 - x) / (1 + x)
    var (sum, power) = (0.0, ratio)
    for order in stride(from: 1.0, through: 33, by: 2) {
      sum += power / order
      power *= ratio * ratio
    }
    return scale * sum
  }
}

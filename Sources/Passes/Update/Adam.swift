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
struct BiasCorrection {
  /// rate / (1 − β₁ᵗ), in double precision.
  let rate: Tensor
  /// √(1 − β₂ᵗ), in double precision.
  let root: Tensor

  /// Declares the powers of β and what becomes of them.
  init(rate: Tensor, beta1: Double, beta2: Double) {
    func power(_ name: String, _ beta: Double) -> Tensor {
      let finished = rate.builder.state("optimizer.\(name)Power", .scalar, .f64, .ones)
      let power = finished * beta
      rate.builder.update(finished, to: power)
      return power
    }
    self.rate = rate.cast(to: .f64) / (1.0 - power("beta1", beta1))
    root = sqrt(1.0 - power("beta2", beta2))
  }
}

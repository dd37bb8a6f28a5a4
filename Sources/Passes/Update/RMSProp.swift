import DescentGraph

// v ← α·v + (1 − α)·g²        the parameter loses  rate · g / (√v + ε)
// Centred, m ← α·m + (1 − α)·g and v − m² takes v's place. With momentum, b ← μ·b + g / (√v + ε) and it loses rate·b.

extension OptimizerStep {
  /// Returns what a parameter loses by RMSProp.
  func rmsProp(
    _ item: Trained, alpha: Double, epsilon: Double, momentum: Double, isCentred: Bool
  ) -> Tensor {
    let gradient = item.gradient
    let oldSquare = slot("v", of: item)
    let square = oldSquare * alpha + gradient * gradient * (1 - alpha)
    builder.update(oldSquare, to: square)
    var spread = square
    if isCentred {
      let oldMean = slot("m", of: item)
      let mean = oldMean * alpha + gradient * (1 - alpha)
      builder.update(oldMean, to: mean)
      // Rounding may leave less than nothing where all gradients were alike.
      spread = maximum(square - mean * mean, 0.0)
    }
    var step = gradient / (sqrt(spread) + epsilon)
    if momentum != 0 {
      let old = slot("momentum", of: item)
      step = old * momentum + step
      builder.update(old, to: step)
    }
    return step * rate.cast(to: item.parameter.dataType)
  }
}

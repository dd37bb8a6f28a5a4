import DescentGraph

// v ← v + g²        the parameter loses  rate / (1 + (t − 1)·decay) · g / (√v + ε)

extension OptimizerStep {
  /// Returns what a parameter loses by Adagrad.
  func adagrad(
    _ item: Trained, rateDecay: Double, initial: Double, epsilon: Double
  ) -> Tensor {
    let oldSum = slot("v", of: item, from: initial)
    let sum = oldSum + item.gradient * item.gradient
    builder.update(oldSum, to: sum)
    var rate = rate
    if rateDecay != 0 { rate = rate / (1.0 + finished.cast(to: rate.dataType) * rateDecay) }
    return item.gradient / (sqrt(sum) + epsilon) * rate.cast(to: item.parameter.dataType)
  }
}

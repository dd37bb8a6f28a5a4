import DescentGraph

// v ← μ·v + g, and the parameter loses rate·v; by Nesterov's form rate·(g + μ·v), without momentum rate·g.

extension OptimizerStep {
  /// Returns what a parameter loses by gradient descent.
  func sgd(_ item: Trained, momentum: Double, nesterov: Bool) -> Tensor {
    let rate = rate.cast(to: item.parameter.dataType)
    guard momentum != 0 else { return item.gradient * rate }
    let old = slot("momentum", of: item)
    let velocity = old * momentum + item.gradient
    builder.update(old, to: velocity)
    return (nesterov ? item.gradient + velocity * momentum : velocity) * rate
  }
}

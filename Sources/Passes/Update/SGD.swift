import DescentGraph

// v ← μ·v + g, and the parameter loses rate·v; by Nesterov's form rate·(g + μ·v), without momentum rate·g.
// With dampening τ, v ← μ·v + (1 − τ)·g from the second step on.

extension OptimizerStep {
  /// Returns what a parameter loses by gradient descent.
  func sgd(_ item: Trained, momentum: Double, nesterov: Bool, dampening: Double) -> Tensor {
    let rate = rate.cast(to: item.parameter.dataType)
    guard momentum != 0 else { return item.gradient * rate }
    let old = slot("momentum", of: item)
    var gradient = item.gradient
    if dampening != 0 {
      let share = select(finished .== 0.0, gradient.number(1), gradient.number(1 - dampening))
      gradient = gradient * share
    }
    let velocity = old * momentum + gradient
    builder.update(old, to: velocity)
    return (nesterov ? item.gradient + velocity * momentum : velocity) * rate
  }
}

import DescentGraph

// A leaf is where gradients arrive: there is nothing behind it.

extension Leaf: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    .none(because: "it is a leaf and has no operands")
  }
}

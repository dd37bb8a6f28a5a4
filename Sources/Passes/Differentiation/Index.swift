import DescentGraph

// Gathering and scattering are each other's gradients: what was read from a place is added back to it.

extension Index: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch (self, position) {
    case (.gather(let axis), 0):
      .rule { context in
        let zeros = context.number(0).broadcast(to: context.x.shape)
        return zeros.apply(.index(.scatterAdd(axis: axis)), context.y, context.cotangent)
      }
    case (.scatterAdd, 0): .rule { $0.cotangent }
    case (.scatterAdd(let axis), 2):
      .rule { $0.cotangent.apply(.index(.gather(axis: axis)), $0.y) }
    case (.gather, _), (.scatterAdd, _): .none(because: "its indices are whole numbers")
    case (.oneHot, _): .none(because: "its operand is an index")
    case (.argSort, _): .none(because: "its result is whole numbers")
    }
  }
}

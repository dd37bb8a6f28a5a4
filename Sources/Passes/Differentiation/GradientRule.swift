package import DescentGraph

/// How a cotangent passes through an operation to one of its operands, or why it does not.
package enum GradientRule {
  /// The operand's share of the cotangent, as nodes.
  case rule((GradientContext) -> Tensor)
  /// Nothing passes; the reason completes "floor has no gradient because …".
  case none(because: String)

  /// Why nothing passes, or nil where something does.
  package var noGradientReason: String? {
    if case .none(let reason) = self { reason } else { nil }
  }
}

/// What a gradient rule may use: a node's operands, its result, and the cotangent of that result.
package struct GradientContext {
  /// The values the node is computed from.
  package let operands: [Tensor]
  /// What the node computes; using it spares computing it again.
  package let result: Tensor
  /// The derivative of the differentiated output by the result; it has the result's type.
  package let cotangent: Tensor

  /// The first operand.
  package var x: Tensor { operands[0] }
  /// The second operand.
  package var y: Tensor { operands[1] }

  /// Returns elements where a condition holds, else 0.
  package func masked(_ condition: Tensor, _ tensor: Tensor) -> Tensor {
    select(condition, tensor, number(0))
  }

  /// Returns elements where a condition does not hold, else 0.
  package func masked(not condition: Tensor, _ tensor: Tensor) -> Tensor {
    select(condition, number(0), tensor)
  }

  /// Returns a number of the cotangent's element type.
  package func number(_ value: Double) -> Tensor {
    cotangent.builder.scalar(value, cotangent.dataType)
  }
}

/// A family of operations that says how to differentiate itself.
package protocol Differentiable: OpDefinition {
  /// Returns the rule for the operand at a position.
  ///
  /// The rule is only asked for operands that hold real numbers, so a family of integers need not state why
  /// those have no gradient.
  func gradient(at position: Int) -> GradientRule
}

extension Op {
  /// The family, as differentiation sees it.
  package var differentiable: any Differentiable {
    switch self {
    case .leaf(let op): op
    case .elementwise(let op): op
    case .reduction(let op): op
    case .movement(let op): op
    case .contraction(let op): op
    case .convolution(let op): op
    case .winograd(let op): op
    case .index(let op): op
    }
  }

  /// Returns why the operand at a position gets no gradient, or nil where it gets one.
  package func noGradientReason(at position: Int) -> String? {
    differentiable.gradient(at: position).noGradientReason
  }
}

import DescentGraph

extension MovementRules {
  static let broadcasts: [RewriteRule] = [
    RewriteRule("broadcast-same", "broadcast(x) to its own shape = x", at: .broadcast) { match in
      match.operandType(0) == match.type ? .value(match.operands[0]) : nil
    },
    RewriteRule("broadcast-broadcast", "broadcast(broadcast(x)) = broadcast(x)", at: .broadcast) {
      match in
      guard case (.broadcast, .broadcast, let source)? = match.movements else { return nil }
      return match.move(.broadcast(match.type.shape), source)
    },
    RewriteRule(
      "broadcast-ones", "broadcast(x) that only adds axes of 1 = reshape(x)", at: .broadcast
    ) {
      match in
      let shape = match.shape(match.operands[0])
      guard shape.widened(to: match.type.shape.rank) == match.type.shape else { return nil }
      return match.move(.reshape(match.type.shape), match.operands[0])
    },
    RewriteRule(
      "broadcast-reshape", "broadcast(reshape(x)) = broadcast(x), only leading axes of 1 differ",
      at: .broadcast
    ) { match in
      guard case (.broadcast, .reshape(let middle), let source)? = match.movements else {
        return nil
      }
      let shape = match.shape(source)
      guard shape.rank <= match.type.shape.rank,
        shape.extents.drop(while: { $0 == 1 }) == middle.extents.drop(while: { $0 == 1 })
      else { return nil }
      return match.move(.broadcast(match.type.shape), source)
    },
  ]

  /// Rules that compute before repeating instead of after.
  static let sinking: [RewriteRule] = [
    RewriteRule("repeat-last", "f(broadcast(x), …) = broadcast(f(x, …))", at: elementwiseKinds) {
      match in
      guard case .elementwise = match.op, let joint = jointSource(match) else { return nil }
      let operands = match.operands.map { operand in
        match.move(.broadcast(joint), match.node(operand).operands[0])
      }
      return match.move(.broadcast(match.type.shape), .node(match.op, operands))
    },
    RewriteRule(
      "reduce-one", "f(x) over axes of 1 = reshape(x), f = max min product any all",
      at: .reduction(.max), .reduction(.min), .reduction(.product), .reduction(.any),
      .reduction(.all)
    ) { match in
      guard case .reduction(let reduction) = match.op else { return nil }
      let shape = match.shape(match.operands[0])
      guard reduction.axes.allSatisfy({ shape[$0] == 1 }) else { return nil }
      return match.move(.reshape(match.type.shape), match.operands[0])
    },
    RewriteRule("sum-one", "sum(x) over axes of 1 = reshape(x), x integers", at: .reduction(.sum)) {
      match in
      guard case .reduction(let reduction) = match.op, !match.type.dataType.isFloat else {
        return nil
      }
      let shape = match.shape(match.operands[0])
      guard reduction.axes.allSatisfy({ shape[$0] == 1 }) else { return nil }
      return match.move(.reshape(match.type.shape), match.operands[0])
    },
    RewriteRule(
      "reduce-repeated", "f(broadcast(x)) = broadcast(x) over repeated axes, f = max min any all",
      at: .reduction(.max), .reduction(.min), .reduction(.any), .reduction(.all)
    ) { match in
      guard case .reduction(let reduction) = match.op,
        case .movement(.broadcast(let middle)) = match.node(match.operands[0]).op
      else { return nil }
      let source = match.node(match.operands[0]).operands[0]
      let full = match.shape(source).widened(to: middle.rank)
      // An axis that may be empty would yield the identity instead.
      guard reduction.axes.allSatisfy({ full[$0] == 1 && middle[$0].isPositive }) else {
        return nil
      }
      let kept = Shape(
        full.extents.indices.filter { !reduction.axes.contains($0) }.map { full[$0] })
      return match.move(.broadcast(match.type.shape), match.move(.reshape(kept), source))
    },
  ]

  private static let elementwiseKinds: [OpKind] =
    UnaryFunction.allCases.map(OpKind.unary) + BinaryFunction.allCases.map(OpKind.binary)
    + Comparison.allCases.map(OpKind.compare) + [.select, .cast]

  /// Returns the smallest shape to which the sources of repeated operands can be repeated, if it is
  /// smaller than the result's.
  private static func jointSource(_ match: Match) -> Shape? {
    let result = match.type.shape
    var joint = Shape.scalar
    for operand in match.operands {
      let node = match.node(operand)
      guard case .movement(.broadcast) = node.op,
        let next = Shape.broadcast(joint, match.shape(node.operands[0]))
      else { return nil }
      joint = next
    }
    let full = joint.widened(to: result.rank)
    let isSmaller = result.extents.indices.contains { result[$0] != full[$0] }
    // A result without elements costs nothing as it stands.
    return isSmaller && result.extents.allSatisfy(\.isPositive) ? joint : nil
  }
}

extension Extent {
  /// Whether the extent is at least one; while it depends on the batch size, nobody knows.
  fileprivate var isPositive: Bool { fixed.map { $0 > 0 } ?? false }
}

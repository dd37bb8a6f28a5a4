import DescentGraph

extension MovementRules {
  static let reshapes: [RewriteRule] = [
    RewriteRule("reshape-same", "reshape(x) to its own shape = x", at: .reshape) { match in
      match.operandType(0) == match.type ? .value(match.operands[0]) : nil
    },
    RewriteRule("reshape-reshape", "reshape(reshape(x)) = reshape(x)", at: .reshape) { match in
      guard case (.reshape, .reshape, let source)? = match.movements,
        Movement.sameCount(match.shape(source), match.type.shape)
      else { return nil }
      return match.move(.reshape(match.type.shape), source)
    },
    RewriteRule(
      "reshape-repeated", "reshape(broadcast(x)) = broadcast(x), x one element", at: .reshape
    ) {
      match in
      guard case (.reshape, .broadcast, let source)? = match.movements,
        match.shape(source).withoutOnes.isEmpty
      else { return nil }
      let one = match.move(.reshape(.scalar), source)
      return match.move(.broadcast(match.type.shape), one)
    },
  ]

  static let transposes: [RewriteRule] = [
    RewriteRule("transpose-transpose", "transpose(transpose(x)) = transpose(x)", at: .transpose) {
      match in
      guard case (.transpose(let outer), .transpose(let inner), let source)? = match.movements
      else { return nil }
      return match.move(.transpose(outer.map { inner[$0] }), source)
    },
    RewriteRule(
      "transpose-ones", "transpose(x) that moves only axes of 1 = reshape(x)", at: .transpose
    ) {
      match in
      guard case .movement(.transpose(let permutation)) = match.op else { return nil }
      let shape = match.shape(match.operands[0])
      let moved = permutation.filter { shape[$0] != 1 }
      guard moved == moved.sorted() else { return nil }
      return match.move(.reshape(match.type.shape), match.operands[0])
    },
    RewriteRule(
      "transpose-repeated", "transpose(broadcast(x)) = broadcast(transpose(x))", at: .transpose
    ) {
      match in
      guard
        case (.transpose(let permutation), .broadcast(let middle), let source)? = match.movements
      else { return nil }
      let full = match.shape(source).widened(to: middle.rank)
      let small = match.move(.transpose(permutation), match.move(.reshape(full), source))
      return match.move(.broadcast(match.type.shape), small)
    },
  ]

  static let contractions: [RewriteRule] = [
    RewriteRule(
      "contract-transpose", "contract(transpose(x), y) = contract(x, y), one axis pair turned",
      at: .contract
    ) { match in
      guard case .contraction(let contraction) = match.op else { return nil }
      let left = matrixTransposeSource(match, match.operands[0])
      let right = matrixTransposeSource(match, match.operands[1])
      guard left != nil || right != nil else { return nil }
      // Rows that all meet one matrix have nothing to be transposed to.
      if left != nil, match.shape(match.operands[0]).rank != match.shape(match.operands[1]).rank {
        return nil
      }
      let turned = Contraction(
        transposeLeft: contraction.transposeLeft != (left != nil),
        transposeRight: contraction.transposeRight != (right != nil), chunk: contraction.chunk)
      return .node(
        .contraction(turned), of: [left ?? match.operands[0], right ?? match.operands[1]])
    }
  ]

  /// Returns what a value is the transpose of, if only the last two axes have changed places.
  private static func matrixTransposeSource(_ match: Match, _ value: Value) -> Value? {
    guard case .movement(.transpose(let permutation)) = match.node(value).op else { return nil }
    var swapped = Array(permutation.indices)
    swapped.swapAt(swapped.count - 1, swapped.count - 2)
    return permutation == swapped ? match.node(value).operands[0] : nil
  }
}

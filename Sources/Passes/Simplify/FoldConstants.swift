import DescentGraph

extension Pass {
  /// Computes what depends on constants alone.
  ///
  ///     %0 = constant value=[2.0, 3.0] : f32[2]
  ///     %1 = constant value=4.0 : f32[]
  ///     %2 = broadcast(%1) shape=[2] : f32[2]
  ///     %3 = mul(%0, %2) : f32[2]                  →      %0 = constant value=[8.0, 12.0] : f32[2]
  ///
  /// What is computed from one repeated element stays one repeated element. Otherwise a constant never becomes
  /// larger than the growth cap or than all it is folded from, and never takes more work than `workCap`:
  /// compiling must not become running. Repeated elements and counted ones (`iota`) are not written out for
  /// their own sake.
  ///
  /// Afterwards every constant index of `gather`, `scatterAdd` and `oneHot` is known to lie in its range.
  package static let fold: Pass = fold()

  /// Returns the folding pass for a growth cap in bytes.
  package static func fold(growthCap: Int = 65_536) -> Pass {
    let summary = "computes what depends on constants alone; refuses constant indices out of range"
    return Pass("fold", summary) { graph, journal throws(GraphErrors) in
      let rules = [ConstantFolding.repeated, ConstantFolding.evaluate(growthCap)]
      let result = Rewriter.rewrite(graph, with: rules, journal: &journal)
      try result.checkConstantIndices()
      return result
    }
  }
}

/// The rules of the folding pass.
package enum ConstantFolding {
  /// The scalar operations a compiler may spend on one constant.
  private static let workCap = 1 << 20

  /// All rules, with an ordinary growth cap.
  package static let all: [RewriteRule] = [repeated, evaluate(65_536)]

  static let repeated = RewriteRule(
    "fold-repeated", "f of repeated constants is one repeated constant", at: nil
  ) { match in
    guard case .elementwise(let op) = match.op else { return nil }
    var elements: [NDArray] = []
    for operand in match.operands {
      guard let splat = match.splat(operand) else { return nil }
      elements.append(splat.array)
    }
    let type = TensorType(match.type.dataType, .scalar)
    guard let element = Splat(op.reference(elements, result: type)) else { return nil }
    return .splat(element, match.type.shape)
  }

  static func evaluate(_ growthCap: Int) -> RewriteRule {
    RewriteRule("fold-constant", "f of constants is a constant", at: nil) { match in
      guard !match.operands.isEmpty, !match.type.shape.isSymbolic else { return nil }
      if case .movement(.broadcast) = match.op { return nil }
      let types = match.operands.map { match.node($0).type }
      guard !types.contains(where: \.shape.isSymbolic) else { return nil }
      var (bytes, written) = (0, 0)
      for operand in match.operands {
        guard let root = constantRoot(match, operand) else { return nil }
        bytes += root.type.byteCount
        written = max(written, match.node(operand).type.byteCount)
      }
      guard max(written, match.type.byteCount) <= max(growthCap, bytes),
        work(match, types) <= workCap
      else { return nil }
      let operands = match.operands.compactMap { elements($0, match) }
      guard operands.count == types.count else { return nil }
      // Left standing, an index out of range is reported once the sweep is over.
      if case .index(let index) = match.op, index.firstFault(operands) != nil { return nil }
      return .node(
        .leaf(.constant(match.op.definition.reference(operands, result: match.type))), [])
    }
  }

  /// The scalar operations and moved elements of a place.
  private static func work(_ match: Match, _ types: [TensorType]) -> Int {
    let flops = match.op.definition.cost(of: types, result: match.type).flops
    return types.reduce(max(flops, match.type.shape.count)) { max($0, $1.shape.count) }
  }

  /// Returns the constant that a value is or repeats.
  private static func constantRoot(_ match: Match, _ value: Value) -> NDArray? {
    var node = match.node(value)
    if case .movement(.broadcast) = node.op { node = match.node(node.operands[0]) }
    guard case .leaf(.constant(let array)) = node.op else { return nil }
    return array
  }

  /// Returns all elements of a value that is or repeats a constant.
  private static func elements(_ value: Value, _ match: Match) -> NDArray? {
    guard let root = constantRoot(match, value) else { return nil }
    let node = match.node(value)
    guard case .movement(.broadcast) = node.op else { return root }
    return node.op.definition.reference([root], result: node.type)
  }
}

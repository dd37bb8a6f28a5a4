import DescentGraph

extension MovementRules {
  static let pads: [RewriteRule] = [
    RewriteRule("pad-nothing", "pad(x) by nothing = x", at: .pad) { match in
      guard case .movement(.pad(let low, let high, _, _)) = match.op,
        (low + high).allSatisfy({ $0 == 0 }), match.operandType(0) == match.type
      else { return nil }
      return .value(match.operands[0])
    },
    RewriteRule("pad-pad", "pad(pad(x)) = pad(x) with one value", at: .pad) { match in
      guard
        case (
          .pad(let outerLow, let outerHigh, let outerInterior, let outer),
          .pad(let innerLow, let innerHigh, let interior, let inner), let source
        )? = match.movements,
        outer.bitPattern == inner.bitPattern, outerInterior.allSatisfy({ $0 == 0 })
      else { return nil }
      var (low, high): ([Extent], [Extent]) = ([], [])
      for axis in interior.indices {
        guard let before = outerLow[axis].adding(innerLow[axis]),
          let after = outerHigh[axis].adding(innerHigh[axis])
        else { return nil }
        low.append(before)
        high.append(after)
      }
      return match.move(.pad(low: low, high: high, interior: interior, value: outer), source)
    },
    RewriteRule("pad-same", "pad(x) of c around c = c", at: .pad) { match in
      guard case .movement(.pad(_, _, _, let value)) = match.op,
        let splat = match.splat(match.operands[0]), splat == Splat(value, match.type.dataType)
      else { return nil }
      return .splat(splat, match.type.shape)
    },
  ]

  static let reversals: [RewriteRule] = [
    RewriteRule("reverse-short", "reverse(x) along axes of 0 or 1 = x", at: .reverse) { match in
      guard case .movement(.reverse(let axes)) = match.op else { return nil }
      let long = axes.filter { match.type.shape[$0] != 0 && match.type.shape[$0] != 1 }
      guard long.count < axes.count || axes.isEmpty else { return nil }
      return reversed(match, .value(match.operands[0]), long)
    },
    RewriteRule("reverse-reverse", "reverse(reverse(x)) = reverse(x)", at: .reverse) { match in
      guard case (.reverse(let outer), .reverse(let inner), let source)? = match.movements else {
        return nil
      }
      let axes = Set(outer).symmetricDifference(inner).sorted()
      return reversed(match, .value(source), axes)
    },
    RewriteRule("reverse-repeated", "reverse(broadcast(x)) = broadcast(reverse(x))", at: .reverse) {
      match in
      guard case (.reverse(let axes), .broadcast(let middle), let source)? = match.movements else {
        return nil
      }
      let missing = middle.rank - match.shape(source).rank
      let own = axes.map { $0 - missing }.filter { $0 >= 0 && match.shape(source)[$0] != 1 }
      return match.move(.broadcast(middle), reversed(match, .value(source), own))
    },
  ]

  private static func reversed(_ match: Match, _ patch: Patch, _ axes: [Int]) -> Patch {
    axes.isEmpty ? patch : match.move(.reverse(axes), patch)
  }

  /// Lists of operands are not made longer than this, so that chains of concatenations stay linear.
  private static let longestList = 64

  static let concatenations: [RewriteRule] = [
    RewriteRule("concatenate-one", "concatenate(x) = x", at: .concatenate) { match in
      match.operands.count == 1 ? .value(match.operands[0]) : nil
    },
    RewriteRule("concatenate-empty", "concatenate(x, empty) = x", at: .concatenate) { match in
      guard case .movement(.concatenate(let axis)) = match.op else { return nil }
      let full = match.operands.filter { match.shape($0)[axis] != 0 }
      guard full.count < match.operands.count else { return nil }
      return full.isEmpty ? .value(match.operands[0]) : .node(match.op, of: full)
    },
    RewriteRule(
      "concatenate-nested", "concatenate(concatenate(x, y), z) = concatenate(x, y, z)",
      at: .concatenate
    ) { match in
      var flat: [Value] = []
      for operand in match.operands {
        let node = match.node(operand)
        flat += node.op == match.op ? node.operands : [operand]
      }
      guard flat.count > match.operands.count, flat.count <= longestList else { return nil }
      return .node(match.op, of: flat)
    },
    RewriteRule(
      "concatenate-slices", "concatenate of neighbouring slices of x = slice(x)", at: .concatenate
    ) { match in
      guard case .movement(.concatenate(let axis)) = match.op else { return nil }
      return union(match, along: axis)
    },
    RewriteRule("concatenate-same", "concatenate(c, c) = c", at: .concatenate) { match in
      guard let first = match.splat(match.operands[0]),
        match.operands.allSatisfy({ match.splat($0) == first })
      else { return nil }
      return .splat(first, match.type.shape)
    },
  ]
}

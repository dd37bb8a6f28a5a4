import DescentGraph

// Factors behind a product that differ from feature to feature, such as those of a batch norm with fixed statistics,
// can as well be factors of the weights. Where nothing the plan does changes either, the weights are scaled once, in
// its preparation, and the product's own kernel has less to do. The products round differently then.

extension Algebra {
  /// Rules that move factors into weights where the graph updates neither; they hold for floats only nearly.
  package static let weights: [RewriteRule] = [
    RewriteRule(
      "fast-scale-weights", "(x · w) * s = x · (w * s), s for each feature",
      at: .binary(.mul), numerics: .rounding
    ) { match in
      for (product, factor) in [(0, 1), (1, 0)] {
        let (product, factor) = (match.operands[product], match.operands[factor])
        guard let w = match.weights(of: product),
          let features = match.perFeature(factor)
        else { continue }
        let node = match.node(product)
        let scaled = Patch.node(
          .elementwise(.binary(.mul)), [.value(w), match.spread(features, along: w, of: node.op)])
        return .node(node.op, [.value(node.operands[0]), scaled])
      }
      return nil
    },
    RewriteRule(
      "fast-scale-sum", "(x · w + b) * s = (x · w) * s + b * s, b and s for each feature",
      at: .binary(.mul), numerics: .rounding
    ) { match in
      for (sum, factor) in [(0, 1), (1, 0)] {
        let (sum, factor) = (match.operands[sum], match.operands[factor])
        guard case .elementwise(.binary(.add)) = match.node(sum).op, match.isReadHereOnly(sum),
          let features = match.perFeature(factor)
        else { continue }
        for (product, bias) in [(0, 1), (1, 0)] {
          let operands = match.node(sum).operands
          guard match.weights(of: operands[product]) != nil,
            let bias = match.perFeature(operands[bias])
          else { continue }
          let mul = Op.elementwise(.binary(.mul))
          let shifted = Patch.node(
            mul, [match.line(bias, like: features), match.line(features, like: bias)])
          return .node(
            .elementwise(.binary(.add)),
            [
              .node(mul, of: [operands[product], factor]),
              match.move(.broadcast(match.type.shape), shifted),
            ])
        }
      }
      return nil
    },
  ]
}

extension Match {
  /// Returns the weights of a product that only this node reads, if they are the same in every run.
  fileprivate func weights(of value: Value) -> Value? {
    guard isReadHereOnly(value) else { return nil }
    switch node(value).op {
    case .contraction: break
    case .convolution(let convolution) where convolution.kernel == nil: break
    default: return nil
    }
    let weights = node(value).operands[1]
    return isFixed(weights) ? weights : nil
  }

  /// Returns what a factor or summand repeats, if that differs along the last axis only and is the same in every run.
  fileprivate func perFeature(_ value: Value) -> Value? {
    guard case .movement(.broadcast) = node(value).op else { return nil }
    let source = node(value).operands[0]
    let isLine = shape(source).extents.dropLast().allSatisfy { $0 == 1 }
    return isLine && !shape(source).isSymbolic && isFixed(source) ? source : nil
  }

  /// Returns numbers for each feature, or one for all, repeated to the shape of a product's weights.
  fileprivate func spread(_ features: Value, along weights: Value, of op: Op) -> Patch {
    var line = Shape(shape(features).extents.suffix(1))
    if case .contraction(let contraction) = op, contraction.transposeRight, line.rank == 1 {
      line = Shape(line.extents + [1])
    }
    let patch = shape(features) == line ? .value(features) : move(.reshape(line), features)
    return move(.broadcast(shape(weights)), patch)
  }

  /// Returns numbers for each feature, or one for all, as `[features]`, as many as there are of these or of others.
  fileprivate func line(_ features: Value, like others: Value) -> Patch {
    let own = Shape(shape(features).extents.suffix(1))
    let patch = shape(features) == own ? .value(features) : move(.reshape(own), features)
    let count = shape(features).count == 1 ? shape(others).count : shape(features).count
    return own == [Extent(offset: count)] ? patch : move(.broadcast([Extent(offset: count)]), patch)
  }
}

/// A factor of a contraction as its kernel reads it.
package struct Factor: Hashable, Sendable {
  /// The value in whose memory the elements are: the operand itself, or what movement made it from.
  package let source: Value
  /// Where they are.
  package let layout: FactorLayout
}

extension Graph {
  /// Returns both factors of a contraction.
  package func factors(of core: Value) -> [Factor] {
    [factor(of: core, .left), factor(of: core, .right)]
  }

  /// Returns how a contraction's kernel reads a factor: through as much movement as it can without a copy.
  ///
  /// It is a fact about the graph and no choice of any pass.
  ///
  /// - Parameters:
  ///   - core: A contraction of bound shape.
  ///   - side: Which of its factors.
  /// - Returns: The factor.
  /// - Complexity: Linear in the movements that follow one another.
  package func factor(of core: Value, _ side: FactorLayout.Side) -> Factor {
    guard case .contraction(let contraction) = self[core].op else {
      preconditionFailure("\(core) has no factors")
    }
    let operands = self[core].operands
    let extents = contraction.extents(self[operands[0]].type.shape, self[operands[1]].type.shape)
    var value = operands[side == .left ? 0 : 1]
    var trace = contraction.trace(self[operands[0]].type.shape, self[operands[1]].type.shape, side)
    var factor = Factor(source: value, layout: trace.layout)
    while case .movement(let movement) = self[value].op {
      value = self[value].operands[0]
      guard trace.follow(movement, to: self[value].type.shape) else { break }
      let layout = trace.layout
      let isReadable = layout.isReadable(
        as: side, isVector: extents.m == 1 || extents.n == 1, isCut: contraction.chunks > 1)
      if isReadable { factor = Factor(source: value, layout: layout) }
    }
    return factor
  }
}

extension Contraction {
  /// Returns the axes of a factor.
  fileprivate func trace(_ left: Shape, _ right: Shape, _ side: FactorLayout.Side) -> FactorTrace {
    let shape = side == .left ? left : right
    let (rows, columns) = (shape.rank - 2, shape.rank - 1)
    if side == .left, Contraction.isShared(left, right) {
      return FactorTrace(
        shape.dimensions, batch: [], kept: Array(0..<columns), summed: [columns])
    }
    let isTurned = side == .left ? transposeLeft : !transposeRight
    return FactorTrace(
      shape.dimensions, batch: Array(0..<rows), kept: [isTurned ? columns : rows],
      summed: [isTurned ? rows : columns])
  }
}

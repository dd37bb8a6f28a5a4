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

  /// Returns the values in whose memory both factors are.
  package func factorSources(of core: Value) -> [Value] {
    let operands = self[core].operands
    return [source(operands[0], .left), source(operands[1], .right)]

    func source(_ operand: Value, _ side: FactorLayout.Side) -> Value {
      // Where nothing moves there is nothing to follow.
      guard case .movement = self[operand].op else { return operand }
      return factor(of: core, side).source
    }
  }

  /// Returns how the kernel of a contraction or convolution reads a factor: through as much movement as it can without
  /// a copy.
  ///
  /// It is a fact about the graph and no choice of any pass.
  ///
  /// - Parameters:
  ///   - core: The node, of bound shape.
  ///   - side: Which of its factors.
  /// - Returns: The factor.
  /// - Complexity: Linear in the movements that follow one another.
  package func factor(of core: Value, _ side: FactorLayout.Side) -> Factor {
    let operands = self[core].operands
    let shapes = operands.map { self[$0].type.shape }
    var trace: FactorTrace
    let (extents, chunk): (Contraction.Extents, Int)
    switch self[core].op {
    case .contraction(let op):
      trace = op.trace(shapes[0], shapes[1], side)
      (extents, chunk) = (op.extents(shapes[0], shapes[1]), op.chunk)
    case .convolution(let op):
      trace = op.trace(shapes[0], shapes[1], side)
      (extents, chunk) = (op.extents(shapes[0], shapes[1]), op.chunk(shapes[0], shapes[1]))
    default: preconditionFailure("\(core) has no factors")
    }
    var value = operands[side == .left ? 0 : 1]
    var factor = Factor(source: value, layout: trace.layout)
    // What lies outside of an operand is known by its places, not by those of what it was made from.
    if case .convolution(let op) = self[core].op, !op.isInside, side == .left { return factor }
    while case .movement(let movement) = self[value].op {
      value = self[value].operands[0]
      guard trace.follow(movement, to: self[value].type.shape) else { break }
      let layout = trace.layout
      let isReadable = layout.isReadable(
        as: side, isVector: extents.m == 1 || extents.n == 1, chunk: chunk)
      // Groups of few columns are one product to kernels, if these lie side by side.
      let isNarrow =
        side == .right && extents.groups > 1 && extents.n <= FactorLayout.narrowColumns
      if isReadable, !isNarrow || layout.groupsLieSideBySide(columns: extents.n) {
        factor = Factor(source: value, layout: layout)
      }
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

extension Convolution {
  /// Returns the axes of a factor: windows and their elements, or weights or a cotangent and features.
  fileprivate func trace(_ x: Shape, _ second: Shape, _ side: FactorLayout.Side) -> FactorTrace {
    let last = spatialRank + 1
    guard side == .left else {
      var trace = FactorTrace(
        second.dimensions, batch: [], kept: [last], summed: Array(0..<last))
      trace.divide(last, into: groups)
      return trace
    }
    let isGradient = kernel != nil
    var trace = FactorTrace(
      x.dimensions, batch: [], kept: [isGradient ? last : 0], summed: [isGradient ? 0 : last])
    trace.divide(last, into: groups)
    let (counts, kernel) = (windowCounts(x, second), kernel(second))
    trace.layWindows(
      (0..<spatialRank).map { axis in
        (
          count: counts[axis], size: kernel[axis], stride: strides[axis], dilation: dilations[axis],
          start: -low[axis]
        )
      }, keepsPlaces: !isGradient)
    return trace
  }
}

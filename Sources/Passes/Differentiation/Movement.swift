import DescentGraph

// Each movement's gradient is the movement back; where elements were repeated they are summed.

extension Movement: Differentiable {
  package func gradient(at position: Int) -> GradientRule {
    switch self {
    case .reshape: .rule { $0.cotangent.reshaped($0.x.shape) }
    case .transpose(let permutation):
      .rule { context in
        var inverse = permutation
        for (axis, source) in permutation.enumerated() { inverse[source] = axis }
        return context.cotangent.apply(.movement(.transpose(inverse)))
      }
    case .broadcast: .rule(gradientOfBroadcast)
    case .slice(let starts, let limits, let strides):
      .rule { gradientOfSlice($0, starts, limits, strides) }
    case .pad(let low, _, let interior, _): .rule { gradientOfPad($0, low, interior) }
    case .concatenate(let axis): .rule { gradientOfConcatenate($0, axis, position) }
    case .reverse(let axes): .rule { $0.cotangent.apply(.movement(.reverse(axes))) }
    case .window(let axis, _, let stride, let dilation):
      .rule { context in
        context.cotangent.addingWindows(
          axis: axis, to: context.x.shape[axis].fixed ?? 0, stride: stride, dilation: dilation)
      }
    }
  }

  /// Sums over the axes that were repeated.
  private func gradientOfBroadcast(_ context: GradientContext) -> Tensor {
    let (shape, result) = (context.x.shape, context.result.shape)
    let missing = result.rank - shape.rank
    let repeated = (0..<result.rank).filter { axis in
      let before: Extent = axis < missing ? 1 : shape[axis - missing]
      return before != result[axis]
    }
    return context.cotangent.reduce(.sum, repeated, false).reshaped(shape)
  }

  /// Puts the slice back among zeros.
  private func gradientOfSlice(
    _ context: GradientContext, _ starts: [Extent], _ limits: [Extent], _ strides: [Int]
  ) -> Tensor {
    let (shape, result) = (context.x.shape, context.result.shape)
    var high: [Extent] = []
    for axis in 0..<shape.rank {
      // The last index taken, and with it what lies behind, follows from the length of the slice.
      guard let end = Movement.end(of: result[axis], from: starts[axis], by: strides[axis]),
        let behind = shape[axis].subtracting(end)
      else {
        return context.cotangent.failure(
          "gradient: slice \(starts[axis])..<\(limits[axis]) by \(strides[axis]) is too long")
      }
      high.append(behind)
    }
    return context.cotangent.apply(
      .movement(.pad(low: starts, high: high, interior: strides.map { $0 - 1 }, value: 0)))
  }

  /// Takes out what was padded.
  private func gradientOfPad(
    _ context: GradientContext, _ low: [Extent], _ interior: [Int]
  ) -> Tensor {
    let shape = context.x.shape
    // An axis without elements may have any interior, even one too great to count past.
    let strides = interior.map { Swift.min($0, Int.max - 1) + 1 }
    var limits: [Extent] = []
    for axis in 0..<shape.rank {
      guard let end = Movement.end(of: shape[axis], from: low[axis], by: strides[axis]) else {
        return context.cotangent.failure("gradient: pad of axis \(axis) of \(shape) is too long")
      }
      limits.append(end)
    }
    return context.cotangent.apply(
      .movement(.slice(starts: low, limits: limits, strides: strides)))
  }

  /// Takes the operand's part of the axis.
  private func gradientOfConcatenate(
    _ context: GradientContext, _ axis: Int, _ position: Int
  ) -> Tensor {
    // The sums cannot overflow: the extent of the whole axis is one of them.
    let part = context.operands[position].shape[axis]
    let start = context.operands[..<position].reduce(Extent(offset: 0)) {
      $0.adding($1.shape[axis]) ?? $0
    }
    return context.cotangent.slice(axis: axis, from: start, to: start.adding(part))
  }

  /// Returns the index behind the last of so many elements taken by a stride, or nil on overflow.
  private static func end(of count: Extent, from start: Extent, by stride: Int) -> Extent? {
    if count == 0 { return start }
    return count.multiplied(by: Extent(offset: stride))?.subtracting(Extent(offset: stride - 1))?
      .adding(start)
  }
}

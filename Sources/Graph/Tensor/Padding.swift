// Elements around a tensor. Negative amounts take elements away.

/// What stands around a tensor that is padded.
public enum PadMode: Sendable, Hashable {
  /// One number.
  case constant(Double)
  /// The nearest element of the edge.
  case edge
  /// The elements mirrored at the edge, which is not repeated.
  case reflect
  /// The elements from the other end.
  case wrap
}

extension Tensor {
  /// Returns the tensor with elements around each axis, or without some where an amount is negative.
  public func pad(
    low: [Int], high: [Int], mode: PadMode, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "pad") {
      guard !isPlaceholder else { return self }
      guard low.count == rank, high.count == rank else {
        return failure("pad: low and high need \(rank) entries for \(shape)")
      }
      guard (low + high).allSatisfy({ $0.magnitude < 1 << 40 }) else {
        return failure("pad: cannot pad \(shape) by \(low) and \(high)")
      }
      var result = self
      for axis in 0..<rank where low[axis] != 0 || high[axis] != 0 {
        result = result.padded(axis, low[axis], high[axis], mode)
      }
      return result
    }
  }

  private func padded(_ axis: Int, _ low: Int, _ high: Int, _ mode: PadMode) -> Tensor {
    guard !isPlaceholder else { return self }
    let (before, behind) = (Swift.max(low, 0), Swift.max(high, 0))
    if case .constant(let value) = mode {
      // Padded first: taking away may leave less than nothing of what was there.
      var (lows, highs) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
      (lows[axis], highs[axis]) = (before, behind)
      return pad(low: lows, high: highs, value: value).cropped(axis, low, high)
    }
    guard let extent = shape[axis].fixed else {
      return failure("pad: axis \(axis) of \(shape) depends on the batch size")
    }
    let limit =
      switch mode {
      case .reflect: extent - 1
      case .wrap: extent
      case .edge: extent == 0 ? 0 : Int.max
      case .constant: Int.max
      }
    guard before <= limit, behind <= limit else {
      return failure("pad: axis \(axis) of \(shape) is too short to pad by \(low) and \(high)")
    }
    var parts = [self]
    if before > 0 { parts.insert(border(axis, before, extent, mode, isLow: true), at: 0) }
    if behind > 0 { parts.append(border(axis, behind, extent, mode, isLow: false)) }
    return concatenate(parts, axis: axis).cropped(axis, low, high)
  }

  /// Returns what stands before or behind an axis.
  private func border(
    _ axis: Int, _ count: Int, _ extent: Int, _ mode: PadMode, isLow: Bool
  ) -> Tensor {
    func part(_ start: Int, _ limit: Int) -> Tensor {
      slice(axis: axis, from: Extent(offset: start), to: Extent(offset: limit))
    }
    switch mode {
    case .reflect:
      let mirrored = isLow ? part(1, count + 1) : part(extent - 1 - count, extent - 1)
      return mirrored.reverse(axes: [axis])
    case .wrap: return isLow ? part(extent - count, extent) : part(0, count)
    case .edge, .constant:
      var extents = shape.extents
      extents[axis] = Extent(offset: count)
      return (isLow ? part(0, 1) : part(extent - 1, extent)).broadcast(to: Shape(extents))
    }
  }

  /// Takes away elements where amounts are negative.
  private func cropped(_ axis: Int, _ low: Int, _ high: Int) -> Tensor {
    guard !isPlaceholder, low < 0 || high < 0 else { return self }
    let limit = shape[axis].subtracting(Extent(offset: Swift.max(-high, 0)))
    return slice(axis: axis, from: Extent(offset: Swift.max(-low, 0)), to: limit)
  }
}

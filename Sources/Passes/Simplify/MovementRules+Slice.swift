import DescentGraph

/// The indices a slice takes along one axis.
private struct SliceRange: Equatable {
  var start: Int
  let count: Int
  let stride: Int

  /// The last index taken; only meaningful where there is one.
  var last: Int { start + (count - 1) * stride }
}

extension [SliceRange] {
  /// Creates the ranges of a slice, or nil while one depends on the batch size.
  fileprivate init?(_ movement: Movement) {
    guard case .slice(let starts, let limits, let strides) = movement else { return nil }
    self = []
    for axis in starts.indices {
      guard let start = starts[axis].fixed, let limit = limits[axis].fixed else { return nil }
      let count = limit > start ? (limit - start - 1) / strides[axis] + 1 : 0
      append(SliceRange(start: start, count: count, stride: count > 1 ? strides[axis] : 1))
    }
  }

  /// The slice that takes these ranges.
  fileprivate var movement: Movement {
    .slice(
      starts: map { Extent(offset: $0.count == 0 ? 0 : $0.start) },
      limits: map { Extent(offset: $0.count == 0 ? 0 : $0.last + 1) }, strides: map(\.stride))
  }
}

extension MovementRules {
  static let slices: [RewriteRule] = [
    RewriteRule("slice-all", "slice(x) that takes all = x", at: .slice) { match in
      match.operandType(0) == match.type ? .value(match.operands[0]) : nil
    },
    RewriteRule("slice-slice", "slice(slice(x)) = slice(x)", at: .slice) { match in
      guard let (outer, inner, source) = match.movements, let second = [SliceRange](outer),
        let first = [SliceRange](inner)
      else { return nil }
      let ranges = zip(first, second).map { first, second in
        SliceRange(
          start: first.start + second.start * first.stride, count: second.count,
          stride: second.count > 1 ? first.stride * second.stride : 1)
      }
      return match.move(ranges.movement, source)
    },
    RewriteRule("slice-repeated", "slice(broadcast(x)) = broadcast(slice(x))", at: .slice) {
      match in
      guard case (let outer, .broadcast(let middle), let source)? = match.movements,
        var ranges = [SliceRange](outer)
      else { return nil }
      let shape = match.shape(source)
      ranges.removeFirst(middle.rank - shape.rank)
      for axis in ranges.indices
      where shape[axis] == 1 && middle[axis + middle.rank - shape.rank] != 1 {
        ranges[axis] = SliceRange(start: 0, count: 1, stride: 1)
      }
      return match.move(.broadcast(match.type.shape), match.move(ranges.movement, source))
    },
    RewriteRule("slice-pad", "slice(pad(x)) = slice(x), nothing padded is taken", at: .slice) {
      match in
      guard case (let outer, .pad(let low, _, let interior, _), let source)? = match.movements,
        var ranges = [SliceRange](outer), let extents = match.shape(source).fixedDimensions
      else { return nil }
      for axis in ranges.indices {
        guard let low = low[axis].fixed, interior[axis] == 0, ranges[axis].count > 0 else {
          return nil
        }
        ranges[axis].start -= low
        guard ranges[axis].start >= 0, ranges[axis].last < extents[axis] else { return nil }
      }
      return match.move(ranges.movement, source)
    },
    RewriteRule(
      "slice-padding", "slice(pad(x)) = pad(slice(x)) with less padding, if nothing else reads it",
      at: .slice
    ) { match in
      guard
        case (let outer, .pad(let low, _, let interior, let fill), let source)? = match.movements,
        match.isReadHereOnly(match.operands[0]), let ranges = [SliceRange](outer),
        let extents = match.shape(source).fixedDimensions
      else { return nil }
      var (kept, before, behind) = (ranges, [Extent](), [Extent]())
      for axis in ranges.indices {
        guard let low = low[axis].fixed, low >= 0, interior[axis] == 0, ranges[axis].stride == 1
        else { return nil }
        let first = max(0, ranges[axis].start - low)
        let last = min(extents[axis] - 1, ranges[axis].last - low)
        guard first <= last else { return nil }
        kept[axis] = SliceRange(start: first, count: last - first + 1, stride: 1)
        before.append(Extent(offset: max(0, low - ranges[axis].start)))
        behind.append(Extent(offset: ranges[axis].last - low - last))
      }
      return match.move(
        .pad(low: before, high: behind, interior: interior, value: fill),
        match.move(kept.movement, source))
    },
    RewriteRule(
      "slice-convolve", "slice(convolve(x, y)) = convolve(slice(x), y), if nothing else reads it",
      at: .slice
    ) { match in
      let inner = match.node(match.operands[0])
      guard case .movement(let outer) = match.op, case .convolution(let convolution) = inner.op,
        convolution.kernel == nil, match.isReadHereOnly(match.operands[0]),
        var ranges = [SliceRange](outer),
        ranges[ranges.count - 1].count == inner.type.shape.extents.last?.fixed,
        let channels = match.shape(inner.operands[0]).extents.last?.fixed,
        ranges.allSatisfy({ $0.count > 0 && $0.stride == 1 })
      else { return nil }
      let reaches = convolution.reaches(match.shape(inner.operands[1]))
      var (low, high) = (convolution.low, convolution.high)
      for (axis, stride) in convolution.strides.enumerated() {
        guard let extent = match.shape(inner.operands[0])[axis + 1].fixed else { return nil }
        let range = ranges[axis + 1]
        // From the first window through the last, which may reach outside.
        let first = range.start * stride - convolution.low[axis]
        let end = first + (range.count - 1) * stride + reaches[axis]
        (low[axis], high[axis]) = (max(0, -first), max(0, end - extent))
        let (start, limit) = (max(0, first), min(extent, end))
        guard start < limit else { return nil }
        ranges[axis + 1] = SliceRange(start: start, count: limit - start, stride: 1)
      }
      ranges[ranges.count - 1] = SliceRange(start: 0, count: channels, stride: 1)
      let narrowed = Convolution(
        strides: convolution.strides, dilations: convolution.dilations, low: low, high: high,
        groups: convolution.groups)
      return .node(
        .convolution(narrowed),
        [match.move(ranges.movement, inner.operands[0]), .value(inner.operands[1])])
    },
    RewriteRule(
      "slice-concatenate", "slice(concatenate(x, …)) = slice(x), nothing else is taken", at: .slice
    ) { match in
      let joined = match.node(match.operands[0])
      guard case .movement(let outer) = match.op, var ranges = [SliceRange](outer),
        case .movement(.concatenate(let axis)) = joined.op, ranges[axis].count > 0
      else { return nil }
      for operand in joined.operands {
        guard let extent = match.shape(operand)[axis].fixed else { return nil }
        if ranges[axis].start < extent {
          return ranges[axis].last < extent ? match.move(ranges.movement, operand) : nil
        }
        ranges[axis].start -= extent
      }
      return nil
    },
  ]

  /// Returns the slice that neighbouring slices of one value make up along an axis.
  static func union(_ match: Match, along axis: Int) -> Patch? {
    var source: Value?
    var whole: [SliceRange]?
    for operand in match.operands {
      let node = match.node(operand)
      guard case .movement(let movement) = node.op, var ranges = [SliceRange](movement),
        ranges[axis].stride == 1, source == nil || source == node.operands[0]
      else { return nil }
      if let first = whole {
        let range = SliceRange(
          start: first[axis].start, count: first[axis].count + ranges[axis].count, stride: 1)
        guard ranges[axis].start == first[axis].start + first[axis].count else { return nil }
        ranges[axis] = first[axis]
        guard ranges == first else { return nil }
        ranges[axis] = range
      }
      source = node.operands[0]
      whole = ranges
    }
    guard let source, let whole else { return nil }
    return match.move(whole.movement, source)
  }
}

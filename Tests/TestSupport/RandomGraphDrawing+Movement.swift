import DescentGraph

extension RandomGraphDrawing {
  /// Returns elements of some value in other places.
  mutating func movement() -> Tensor? {
    guard let x = some() else { return nil }
    switch random.int(0...8) {
    case 0: return reshape(x)
    case 1: return x.transpose((0..<x.rank).shuffled(using: &random))
    case 2: return broadcast(x)
    case 3, 4: return slice(x)
    case 5: return pad(x)
    case 6: return joined(x)
    case 7: return window(x)
    default: return x.reverse(axes: (0..<x.rank).filter { _ in random.chance(50) })
    }
  }

  /// Merges, splits, adds or drops axes.
  private mutating func reshape(_ x: Tensor) -> Tensor? {
    var extents = x.shape.extents
    guard !extents.isEmpty, random.chance(75) else {
      guard x.rank < 6 else { return nil }
      extents.insert(1, at: random.int(0...x.rank))
      return x.reshape(Shape(extents))
    }
    let axis = random.int(0...x.rank - 1)
    if extents[axis] == 1, random.chance(50) {
      extents.remove(at: axis)
    } else if axis + 1 < x.rank, let merged = extents[axis].multiplied(by: extents[axis + 1]) {
      extents.replaceSubrange(axis...axis + 1, with: [merged])
    } else if let length = extents[axis].fixed, length > 1, x.rank < 6 {
      let divisor = random.pick((1...length).filter { length % $0 == 0 })
      extents.replaceSubrange(
        axis...axis, with: [Extent(offset: divisor), Extent(offset: length / divisor)])
    }
    return x.reshape(Shape(extents))
  }

  private mutating func broadcast(_ x: Tensor) -> Tensor? {
    guard x.rank < 6 else { return nil }
    var extents = x.shape.extents.map { extent in
      extent == 1 && random.chance(70) ? Extent(offset: self.extent()) : extent
    }
    if random.chance(60) { extents.insert(Extent(offset: extent()), at: 0) }
    return x.broadcast(to: Shape(extents))
  }

  private mutating func slice(_ x: Tensor) -> Tensor? {
    guard x.rank > 0 else { return nil }
    var starts: [Extent] = []
    var limits: [Extent] = []
    var strides: [Int] = []
    for extent in x.shape.extents {
      guard let length = extent.fixed, length > 0, random.chance(70) else {
        starts.append(0)
        limits.append(extent)
        strides.append(1)
        continue
      }
      let start = random.int(0...length - 1)
      let limit = random.int((options.allowsEmpty ? start : start + 1)...length)
      starts.append(Extent(offset: start))
      limits.append(Extent(offset: limit))
      strides.append(random.chance(60) ? 1 : random.int(1...3))
    }
    return x.apply(.movement(.slice(starts: starts, limits: limits, strides: strides)))
  }

  private mutating func pad(_ x: Tensor) -> Tensor? {
    guard x.rank > 0, x.dataType == .f32 || x.dataType == .i32 else { return nil }
    let widths = { (random: inout SplitMix64, rank: Int) in
      (0..<rank).map { _ in Extent(offset: random.chance(50) ? 0 : random.int(1...2)) }
    }
    let low = widths(&random, x.rank)
    let high = widths(&random, x.rank)
    let interior = x.shape.extents.map { extent in
      extent.isSymbolic || random.chance(70) ? 0 : random.int(1...2)
    }
    let value = random.pick([0.0, 0.0, 1.0, -3.0])
    return x.apply(.movement(.pad(low: low, high: high, interior: interior, value: value)))
  }

  /// Windows over one axis, overlapping, apart or with gaps.
  private mutating func window(_ x: Tensor) -> Tensor? {
    let axes = x.shape.extents.indices.filter { (x.shape[$0].fixed ?? 0) > 0 }
    guard x.rank < 6, !axes.isEmpty else { return nil }
    let axis = random.pick(Array(axes))
    let (size, dilation) = (random.int(1...4), random.int(1...2))
    guard let length = x.shape[axis].fixed, (size - 1) * dilation < length else { return nil }
    let windows = x.windows(axis: axis, size: size, stride: random.int(1...3), dilation: dilation)
    guard x.dataType != .bool, random.chance(50) else { return windows }
    return windows.max(axes: [axis + 1])
  }

  private mutating func joined(_ x: Tensor) -> Tensor? {
    guard x.rank > 0 else { return nil }
    let axis = random.int(0...x.rank - 1)
    let others = pool.filter { other in
      other.dataType == x.dataType && other.rank == x.rank
        && (0..<x.rank).allSatisfy { $0 == axis || other.shape[$0] == x.shape[$0] }
    }
    let parts = (0..<random.int(1...3)).map { _ in random.pick(others) }
    return builder.add(.movement(.concatenate(axis: axis)), parts.map(\.value)).map {
      Tensor(builder, $0)
    }
  }
}

// Shapes: axes that come, go, join and part. Nothing here computes; movements become the way a kernel reads.

extension Tensor {
  /// Returns the tensor with an axis of extent 1 more, at a place among the new axes.
  public func expandAxis(_ axis: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "expandAxis") {
      guard !isPlaceholder else { return self }
      let place = axis < 0 ? axis + rank + 1 : axis
      guard place >= 0, place <= rank else {
        return failure("expandAxis: there is no place \(axis) among the axes of \(shape)")
      }
      var extents = shape.extents
      extents.insert(1, at: place)
      return reshaped(Shape(extents))
    }
  }

  /// Returns the tensor without axes of extent 1: those that are named, or all.
  public func squeeze(_ axes: [Int]? = nil, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "squeeze") {
      guard !isPlaceholder else { return self }
      guard let axes else { return reshaped(Shape(shape.squeezed)) }
      var gone: Set<Int> = []
      for axis in axes {
        guard let axis = normalized(axis, "squeeze") else { return Tensor(builder, nil) }
        guard shape[axis] == 1 else {
          return failure("squeeze: axis \(axis) of \(shape) has more than one element")
        }
        gone.insert(axis)
      }
      return reshaped(Shape((0..<rank).filter { !gone.contains($0) }.map { shape[$0] }))
    }
  }

  /// Returns the axes from one through another as one axis.
  public func flatten(
    from first: Int = 0, through last: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "flatten") {
      guard !isPlaceholder, rank > 0 else { return isPlaceholder ? self : reshaped([1]) }
      guard let first = normalized(first, "flatten"), let last = normalized(last, "flatten")
      else { return Tensor(builder, nil) }
      guard first <= last, let count = Shape.product(shape.extents[first...last]) else {
        return failure("flatten: axes \(first) through \(last) of \(shape) do not make one axis")
      }
      var extents = shape.extents
      extents.replaceSubrange(first...last, with: [count])
      return reshaped(Shape(extents))
    }
  }

  /// Returns two axes exchanged.
  public func swapAxes(
    _ first: Int, _ second: Int, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "swapAxes") {
      guard let first = normalized(first, "swapAxes"), let second = normalized(second, "swapAxes")
      else { return Tensor(builder, nil) }
      var order = Array(0..<rank)
      order.swapAt(first, second)
      return apply(.movement(.transpose(order)))
    }
  }

  /// Returns axes moved to other places; the rest keep their order.
  public func moveAxes(
    _ sources: [Int], to places: [Int], file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "moveAxes") {
      var (from, to): ([Int], [Int]) = ([], [])
      for axis in sources {
        guard let axis = normalized(axis, "moveAxes") else { return Tensor(builder, nil) }
        from.append(axis)
      }
      for axis in places {
        guard let axis = normalized(axis, "moveAxes") else { return Tensor(builder, nil) }
        to.append(axis)
      }
      guard from.count == to.count, Set(from).count == from.count, Set(to).count == to.count
      else {
        return failure("moveAxes: \(sources) and \(places) are not equally many distinct axes")
      }
      var order = [Int?](repeating: nil, count: rank)
      for (source, place) in zip(from, to) { order[place] = source }
      var rest = (0..<rank).filter { !from.contains($0) }.makeIterator()
      return apply(.movement(.transpose(order.compactMap { $0 ?? rest.next() })))
    }
  }

  /// Returns the parts of an axis that have given lengths.
  public func split(
    _ lengths: [Int], axis: Int = 0, file: String = #fileID, line: Int = #line
  ) -> [Tensor] {
    builder.at(Site(file, line), "split") {
      guard let axis = normalized(axis, "split") else { return [Tensor(builder, nil)] }
      guard lengths.allSatisfy({ $0 >= 0 }), shape[axis].fixed == lengths.reduce(0, &+) else {
        return [failure("split: lengths \(lengths) do not add up to axis \(axis) of \(shape)")]
      }
      var start = 0
      return lengths.map { length in
        defer { start += length }
        return slice(
          axis: axis, from: Extent(offset: start), to: Extent(offset: start + length))
      }
    }
  }

  /// Returns the parts of an axis that have one length, but for a shorter last part.
  public func split(
    every length: Int, axis: Int = 0, file: String = #fileID, line: Int = #line
  ) -> [Tensor] {
    builder.at(Site(file, line), "split") {
      guard let axis = normalized(axis, "split") else { return [Tensor(builder, nil)] }
      guard let extent = shape[axis].fixed, length > 0 || extent == 0 else {
        return [failure("split: axis \(axis) of \(shape) has no parts of length \(length)")]
      }
      guard extent > 0 else { return [self] }
      let starts = stride(from: 0, to: extent, by: length)
      return split(starts.map { Swift.min(length, extent - $0) }, axis: axis)
    }
  }

  /// Returns the elements at one index of an axis, which the result no longer has; −1 is the last.
  public func element(
    _ index: Int, axis: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "element") {
      guard let axis = normalized(axis, "element") else { return Tensor(builder, nil) }
      guard let extent = shape[axis].fixed, index >= -extent, index < extent else {
        return failure("element: index \(index) is not on axis \(axis) of \(shape)")
      }
      let start = index < 0 ? index + extent : index
      return slice(axis: axis, from: Extent(offset: start), to: Extent(offset: start + 1))
        .squeeze([axis])
    }
  }

  /// Returns the elements at each index of an axis in turn.
  public func unstack(axis: Int = 0, file: String = #fileID, line: Int = #line) -> [Tensor] {
    builder.at(Site(file, line), "unstack") {
      guard let axis = normalized(axis, "unstack") else { return [Tensor(builder, nil)] }
      guard let extent = shape[axis].fixed else {
        return [failure("unstack: axis \(axis) of \(shape) depends on the batch size")]
      }
      return (0..<extent).map { element($0, axis: axis) }
    }
  }

  /// Returns the whole tensor repeated along each axis; missing leading axes count as 1.
  public func tile(_ counts: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "tile") {
      guard !isPlaceholder else { return self }
      guard counts.allSatisfy({ $0 >= 0 }) else {
        return failure("tile: counts \(counts) are not all at least 0")
      }
      let width = Swift.max(rank, counts.count)
      let counts = [Int](repeating: 1, count: width - counts.count) + counts
      let extents = [Extent](repeating: 1, count: width - rank) + shape.extents
      var result = reshaped(Shape(extents))
      for axis in 0..<width where counts[axis] != 1 {
        result = result.repeated(counts[axis], axis: axis, elementwise: false)
      }
      return result
    }
  }

  /// Returns each element of an axis repeated, one beside the other.
  public func repeatElements(
    _ count: Int, axis: Int, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "repeatElements") {
      guard let axis = normalized(axis, "repeatElements") else { return Tensor(builder, nil) }
      guard count >= 0 else { return failure("repeatElements: \(count) is not at least 0") }
      return repeated(count, axis: axis, elementwise: true)
    }
  }

  /// Repeats an axis along a new axis before it, or behind it, and joins the two.
  private func repeated(_ count: Int, axis: Int, elementwise: Bool) -> Tensor {
    guard !isPlaceholder, count != 1 else { return self }
    guard let joined = shape[axis].multiplied(by: Extent(offset: count)) else {
      return failure("repeat: axis \(axis) of \(shape) cannot be repeated \(count) times")
    }
    var (narrow, wide, result) = (shape.extents, shape.extents, shape.extents)
    let place = elementwise ? axis + 1 : axis
    narrow.insert(1, at: place)
    wide.insert(Extent(offset: count), at: place)
    result[axis] = joined
    guard narrow.count <= Shape.maximumRank else {
      return failure("repeat: \(shape) has no room for one more axis")
    }
    return reshaped(Shape(narrow)).broadcast(to: Shape(wide)).reshaped(Shape(result))
  }

  /// Returns the elements shifted along axes; what leaves at one end comes back at the other.
  public func roll(
    _ shifts: [Int], axes: [Int], file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "roll") {
      guard shifts.count == axes.count else {
        return failure("roll: \(shifts.count) shifts are not for \(axes.count) axes")
      }
      var result = self
      for (shift, axis) in zip(shifts, axes) {
        guard let axis = result.normalized(axis, "roll") else { return Tensor(builder, nil) }
        guard let extent = shape[axis].fixed else {
          return failure("roll: axis \(axis) of \(shape) depends on the batch size")
        }
        let start = extent == 0 ? 0 : (extent - shift % extent) % extent
        guard start != 0 else { continue }
        result = concatenate(
          [
            result.slice(axis: axis, from: Extent(offset: start)),
            result.slice(axis: axis, to: Extent(offset: start)),
          ], axis: axis)
      }
      return result
    }
  }
}

/// Returns tensors of one shape one after the other along a new axis.
///
/// - Precondition: There is at least one tensor.
public func stack(
  _ tensors: [Tensor], axis: Int = 0, file: String = #fileID, line: Int = #line
) -> Tensor {
  precondition(!tensors.isEmpty, "stack needs at least one tensor")
  let first = tensors[0]
  return first.builder.at(Site(file, line), "stack") {
    for other in tensors where other.shape != first.shape && !other.isPlaceholder {
      guard !first.isPlaceholder else { break }
      return first.failure("stack: shapes differ: \(first.shape) and \(other.shape)")
    }
    let place = axis < 0 ? axis + first.rank + 1 : axis
    let expanded = tensors.map { $0.expandAxis(place) }
    guard !expanded.contains(where: \.isPlaceholder) else { return Tensor(first.builder, nil) }
    return concatenate(expanded, axis: place)
  }
}

/// Returns vectors repeated to a grid: the first tensor's elements run along axis 0, the second's along axis 1.
public func meshGrid(
  _ vectors: [Tensor], file: String = #fileID, line: Int = #line
) -> [Tensor] {
  guard let first = vectors.first else { return [] }
  return first.builder.at(Site(file, line), "meshGrid") {
    for vector in vectors where vector.rank > 1 {
      return [vector.failure("meshGrid: \(vector.shape) is no vector")]
    }
    let shape = Shape(vectors.map { $0.rank == 0 ? 1 : $0.shape[0] })
    return vectors.enumerated().map { axis, vector in
      var extents = [Extent](repeating: 1, count: vectors.count)
      extents[axis] = shape[axis]
      return vector.reshaped(Shape(extents)).broadcast(to: shape)
    }
  }
}

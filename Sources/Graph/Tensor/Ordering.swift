// Order along an axis. An element's rank is how many others stand before it; counting needs no branches, fuses to
// one kernel and gives equal elements the order they had. Work grows with the square of the axis, which is less
// than that of a merge up to some hundred elements, and nothing to use on axes of many thousand.

extension Tensor {
  /// Returns the place of each element in the order along an axis, as `i32`.
  ///
  /// Equal elements keep their order. NaN counts as greater than every number.
  public func ranks(
    axis: Int = -1, descending: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "ranks") {
      guard let axis = normalized(axis, "ranks") else { return Tensor(builder, nil) }
      guard rank < Shape.maximumRank, shape[axis].fixed != nil else {
        return failure("ranks: \(shape) has too many axes, or axis \(axis) waits for the batch")
      }
      var (own, all) = (shape.extents, shape.extents)
      own.insert(1, at: axis + 1)
      all.insert(1, at: axis)
      let pairs = Shape(Array(shape.extents[...axis] + shape.extents[axis...]))
      let x = reshaped(Shape(own)).broadcast(to: pairs)
      let other = reshaped(Shape(all)).broadcast(to: pairs)
      let isEarlier =
        builder.iota(pairs, axis: axis + 1) .< builder.iota(pairs, axis: axis)
      var (precedes, isEqual) = (descending ? other .> x : other .< x, other .== x)
      if dataType.isFloat {
        let (isNaN, otherIsNaN) = (x .!= x, other .!= other)
        let (last, first) = descending ? (isNaN, otherIsNaN) : (otherIsNaN, isNaN)
        precedes = or(precedes, and(first, not(last)))
        isEqual = or(isEqual, and(isNaN, otherIsNaN))
      }
      let before = or(precedes, and(isEqual, isEarlier))
      return before.cast(to: .i32).reduce(.sum, [axis + 1], false)
    }
  }

  /// Returns the indices that put an axis in order, as `i32`.
  public func argSort(
    axis: Int = -1, descending: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "argSort") {
      guard let axis = normalized(axis, "argSort") else { return Tensor(builder, nil) }
      let places = ranks(axis: axis, descending: descending)
      guard !places.isPlaceholder, shape[axis] != 0 else { return places }
      let nothing = builder.scalar(0, .i32).broadcast(to: shape)
      return nothing.addAlong(places, builder.iota(shape, axis: axis), axis: axis)
    }
  }

  /// Returns an axis in order, and the indices its elements had, as `i32`.
  public func sort(
    axis: Int = -1, descending: Bool = false, file: String = #fileID, line: Int = #line
  ) -> (values: Tensor, indices: Tensor) {
    builder.at(Site(file, line), "sort") {
      let indices = stopGradient(self).argSort(axis: axis, descending: descending)
      guard !indices.isPlaceholder, shape.elementCount != 0 else { return (self, indices) }
      return (takeAlong(indices, axis: axis), indices)
    }
  }

  /// Returns the greatest elements of an axis in descending order, or the least in ascending, and their indices.
  public func topK(
    _ count: Int, axis: Int = -1, largest: Bool = true, file: String = #fileID, line: Int = #line
  ) -> (values: Tensor, indices: Tensor) {
    builder.at(Site(file, line), "topK") {
      guard let axis = normalized(axis, "topK") else {
        return (Tensor(builder, nil), Tensor(builder, nil))
      }
      guard let extent = shape[axis].fixed, count >= 0, count <= extent else {
        let none = failure("topK: axis \(axis) of \(shape) has no \(count) elements")
        return (none, none)
      }
      let (values, indices) = sort(axis: axis, descending: largest)
      let limit = Extent(offset: count)
      return (values.slice(axis: axis, to: limit), indices.slice(axis: axis, to: limit))
    }
  }
}

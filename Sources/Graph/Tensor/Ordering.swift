// Order along an axis: what `argSort` says of it, and elements taken accordingly.

extension Tensor {
  /// Returns the indices that put an axis in order, as `i32`.
  ///
  /// Equal elements keep their order. NaN counts as greater than every number.
  public func argSort(
    axis: Int = -1, descending: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "argSort") {
      guard let axis = normalized(axis, "argSort") else { return Tensor(builder, nil) }
      return apply(.index(.argSort(axis: axis, descending: descending)))
    }
  }

  /// Returns the place of each element in the order along an axis, as `i32`.
  ///
  /// Equal elements keep their order. NaN counts as greater than every number.
  public func ranks(
    axis: Int = -1, descending: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "ranks") {
      guard let axis = normalized(axis, "ranks") else { return Tensor(builder, nil) }
      let indices = argSort(axis: axis, descending: descending)
      guard !indices.isPlaceholder, shape[axis] != 0 else { return indices }
      // The element that comes n-th has rank n.
      let nothing = builder.scalar(0, .i32).broadcast(to: shape)
      return nothing.addAlong(indices, builder.iota(shape, axis: axis), axis: axis)
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

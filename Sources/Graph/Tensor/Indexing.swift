// Indices that are data, one for each element. All reduce to gathering and scattering in the flattened tensor; an
// index outside its axis becomes −1 there, so that the run that meets it still ends with an error.

extension Tensor {
  /// Returns for each index the element at that place of one axis and at the index's own place of the others.
  ///
  /// - Parameters:
  ///   - indices: `i32` or `i64`, with as many axes as the tensor; each but the chosen one is at most as long.
  ///   - axis: The axis that indices are for.
  ///   - file: The caller's file.
  ///   - line: The caller's line.
  /// - Returns: A tensor of the shape of the indices.
  public func takeAlong(
    _ indices: Tensor, axis: Int, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "takeAlong") {
      guard let places = places(of: indices, along: axis, "takeAlong") else {
        return Tensor(builder, nil)
      }
      return flatten().apply(.index(.gather(axis: 0)), places)
    }
  }

  /// Returns the tensor with updates added at the places that `takeAlong` would read; repeated indices accumulate.
  public func addAlong(
    _ indices: Tensor, _ updates: Tensor, axis: Int, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "addAlong") {
      guard let places = places(of: indices, along: axis, "addAlong"),
        updates.covers(indices, "addAlong")
      else { return Tensor(builder, nil) }
      return flatten().apply(
        .index(.scatterAdd(axis: 0)), places.flatten(),
        updates.leading(indices.shape).flatten()
      ).reshaped(shape)
    }
  }

  /// Returns the tensor with updates in place of the elements that `takeAlong` would read.
  ///
  /// Updates for one place add up.
  public func putAlong(
    _ indices: Tensor, _ updates: Tensor, axis: Int, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "putAlong") {
      guard let places = places(of: indices, along: axis, "putAlong"),
        updates.covers(indices, "putAlong")
      else { return Tensor(builder, nil) }
      let scatter = Op.index(.scatterAdd(axis: 0))
      let updates = updates.leading(indices.shape).flatten()
      let flat = flatten()
      let nothing = number(0).broadcast(to: flat.shape)
      let ones = number(1).broadcast(to: updates.shape)
      let isHit = nothing.apply(scatter, places.flatten(), ones) .> 0.0
      let sum = nothing.apply(scatter, places.flatten(), updates)
      return select(isHit, sum, flat).reshaped(shape)
    }
  }

  /// Returns the slices at places that the last axis of the indices describes, one number for each leading axis.
  ///
  /// `[…, k]` indices into `[d₁, …, dₙ]` give `[…, dₖ₊₁, …, dₙ]`.
  public func gatherND(
    _ indices: Tensor, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "gatherND") {
      guard let (rows, places) = rows(at: indices, "gatherND") else { return Tensor(builder, nil) }
      return rows.apply(.index(.gather(axis: 0)), places)
    }
  }

  /// Returns the tensor with slices added at places that the last axis of the indices describes.
  public func scatterAddND(
    _ indices: Tensor, _ updates: Tensor, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "scatterAddND") {
      guard let (rows, places) = rows(at: indices, "scatterAddND") else {
        return Tensor(builder, nil)
      }
      return rows.apply(.index(.scatterAdd(axis: 0)), places, updates).reshaped(shape)
    }
  }
}

/// Returns the rows of a table at indices; the row of a padding index is read but never trained.
public func embedding(
  _ indices: Tensor, _ table: Tensor, padding: Int? = nil, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  table.builder.at(Site(file, line), "embedding") {
    guard !table.isPlaceholder, !indices.isPlaceholder else { return Tensor(table.builder, nil) }
    guard table.rank == 2 else { return table.failure("embedding: \(table.shape) is no table") }
    let rows = table.apply(.index(.gather(axis: 0)), indices)
    guard let padding else { return rows }
    guard let count = table.shape[0].fixed, padding >= -count, padding < count else {
      return table.failure("embedding: padding \(padding) is no row of \(table.shape)")
    }
    let isPadding = indices .== Double(padding < 0 ? padding + count : padding)
    return select(isPadding.expandAxis(-1), stopGradient(rows), rows)
  }
}

// MARK: - Places in the flattened tensor

extension Tensor {
  /// Returns where in the flattened tensor each index of one axis points to.
  private func places(of indices: Tensor, along axis: Int, _ name: String) -> Tensor? {
    guard let axis = normalized(axis, name), !indices.isPlaceholder else { return nil }
    let fits =
      indices.rank == rank && indices.dataType.isInteger && !shape.isSymbolic
      && !indices.shape.isSymbolic
    guard fits,
      (0..<rank).allSatisfy({
        $0 == axis || (indices.shape[$0].fixed ?? 0) <= (shape[$0].fixed ?? 0)
      })
    else {
      _ = failure("\(name): indices \(indices.type) do not fit \(shape) along axis \(axis)")
      return nil
    }
    return indices.place(along: axis, of: shape.dimensions)
  }

  /// Returns, for indices of an axis, the place in row-major order, with the other axes' own places.
  private func place(along axis: Int, of dimensions: [Int]) -> Tensor {
    let strides = Shape(dimensions).strides
    var place = checked(below: dimensions[axis], scaledBy: strides[axis])
    for other in 0..<rank where other != axis && shape[other] != 1 {
      let own = builder.iota(shape, axis: other, .i64) * Double(strides[other])
      place = place + select(place .>= 0.0, own, own.number(0))
    }
    return place
  }

  /// Returns indices as `i64` times a stride, and a great negative number for those outside an axis.
  private func checked(below extent: Int, scaledBy stride: Int) -> Tensor {
    let wide = cast(to: .i64)
    let isInside = and(wide .>= 0.0, wide .< Double(extent))
    return select(isInside, wide * Double(stride), wide.number(-1))
  }

  /// Returns the leading axes flattened to rows, and which row the last axis of indices describes.
  private func rows(at indices: Tensor, _ name: String) -> (rows: Tensor, places: Tensor)? {
    guard !isPlaceholder, !indices.isPlaceholder else { return nil }
    guard indices.rank >= 1, indices.dataType.isInteger, !shape.isSymbolic,
      let depth = indices.shape[indices.rank - 1].fixed, depth >= 1, depth <= rank
    else {
      _ = failure("\(name): indices \(indices.type) do not describe places of \(shape)")
      return nil
    }
    let dimensions = Array(shape.dimensions.prefix(depth))
    let strides = Shape(dimensions).strides
    let parts = (0..<depth).map {
      indices.element($0, axis: -1).checked(below: dimensions[$0], scaledBy: strides[$0])
    }
    let place = parts.dropFirst().reduce(parts[0]) {
      select(and($0 .>= 0.0, $1 .>= 0.0), $0 + $1, $0.number(-1))
    }
    return (flatten(from: 0, through: depth - 1), place)
  }

  /// Whether updates have an element for each index.
  private func covers(_ indices: Tensor, _ name: String) -> Bool {
    guard !isPlaceholder, !indices.isPlaceholder else { return false }
    let isEnough =
      rank == indices.rank
      && zip(shape.extents, indices.shape.extents).allSatisfy {
        ($0.fixed ?? 0) >= ($1.fixed ?? 0)
      }
    if !isEnough { _ = failure("\(name): updates \(shape) do not cover indices \(indices.shape)") }
    return isEnough
  }

  /// Returns the leading elements along each axis.
  private func leading(_ wanted: Shape) -> Tensor {
    (0..<rank).reduce(self) { $0.slice(axis: $1, to: wanted[$1]) }
  }
}

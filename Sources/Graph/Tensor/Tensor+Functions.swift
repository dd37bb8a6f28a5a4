// Named operations. Each captures the line it is written on; each adds one node, or a few that only
// bring operands to a common form.

extension Tensor {
  /// Returns the matrix product over the last two axes; leading axes are batches.
  ///
  /// A matrix times a batch of matrices repeats it; a vector counts as a matrix of one row or column.
  public func matmul(
    _ other: Tensor, transposeLeft: Bool = false, transposeRight: Bool = false,
    file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      contract(other, transposeLeft: transposeLeft, transposeRight: transposeRight)
    }
  }

  /// Returns the same elements with other extents.
  public func reshape(_ shape: Shape, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line)) { reshaped(shape) }
  }

  /// Returns the axes in another order; without an argument, the last two change places.
  public func transpose(
    _ permutation: [Int]? = nil, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      var order = Array(0..<rank)
      if rank >= 2 { order.swapAt(rank - 1, rank - 2) }
      return apply(.movement(.transpose(permutation ?? order)))
    }
  }

  /// Returns the tensor repeated along missing leading axes and axes of extent 1.
  public func broadcast(
    to shape: Shape, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { broadcast(to: shape) }
  }

  /// Returns the elements of one axis from a start up to but without a limit, every stride-th.
  public func slice(
    axis: Int, from start: Extent = 0, to limit: Extent? = nil, by stride: Int = 1,
    file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      guard let axis = normalized(axis, "slice") else { return Tensor(builder, nil) }
      var starts = [Extent](repeating: 0, count: rank)
      var limits = shape.extents
      var strides = [Int](repeating: 1, count: rank)
      starts[axis] = start
      limits[axis] = limit ?? shape[axis]
      strides[axis] = stride
      return apply(.movement(.slice(starts: starts, limits: limits, strides: strides)))
    }
  }

  /// Returns the tensor with one value around each axis.
  public func pad(
    low: [Int], high: [Int], value: Double = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      apply(
        .movement(
          .pad(
            low: low.map { Extent(offset: $0) }, high: high.map { Extent(offset: $0) },
            interior: [Int](repeating: 0, count: rank), value: value)))
    }
  }

  /// Returns the order turned round along axes.
  public func reverse(axes: [Int], file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line)) { apply(.movement(.reverse(axes.sorted()))) }
  }

  /// Returns the elements converted to another type.
  public func cast(to dataType: DataType, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line)) {
      self.dataType == dataType ? self : apply(.elementwise(.cast(dataType)))
    }
  }

  /// Returns slices along an axis at indices, whose shape takes the axis's place.
  public func gather(
    _ indices: Tensor, axis: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      guard let axis = normalized(axis, "gather") else { return Tensor(builder, nil) }
      return apply(.index(.gather(axis: axis)), indices)
    }
  }

  /// Returns the tensor with slices added along an axis at indices; repeated indices accumulate.
  public func scatterAdd(
    _ indices: Tensor, _ updates: Tensor, axis: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) {
      guard let axis = normalized(axis, "scatterAdd") else { return Tensor(builder, nil) }
      return apply(.index(.scatterAdd(axis: axis)), indices, updates)
    }
  }

  /// Returns 1 at each index along a new last axis, 0 elsewhere.
  public func oneHot(
    _ depth: Int, _ dataType: DataType = .f32, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { apply(.index(.oneHot(depth: depth, dataType))) }
  }
}

// MARK: - Reductions

extension Tensor {
  /// Returns the sum over axes, or over all.
  public func sum(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.sum, axes, keepingAxes) }
  }

  /// Returns the product over axes, or over all.
  public func product(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.product, axes, keepingAxes) }
  }

  /// Returns the greatest element over axes, or over all.
  public func max(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.max, axes, keepingAxes) }
  }

  /// Returns the least element over axes, or over all.
  public func min(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.min, axes, keepingAxes) }
  }

  /// Returns whether any element is true over axes, or over all.
  public func any(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.any, axes, keepingAxes) }
  }

  /// Returns whether all elements are true over axes, or over all.
  public func all(
    axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.all, axes, keepingAxes) }
  }

  /// Returns the first index of the greatest element along an axis, as `i32`.
  public func argMax(
    axis: Int = -1, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.argMax, [axis], keepingAxes) }
  }

  /// Returns the first index of the least element along an axis, as `i32`.
  public func argMin(
    axis: Int = -1, keepingAxes: Bool = false, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line)) { reduce(.argMin, [axis], keepingAxes) }
  }
}

// MARK: - Shared with gradients and composites

extension Tensor {
  /// Returns an axis counted from the front, or records that there is no such axis.
  package func normalized(_ axis: Int, _ name: String) -> Int? {
    guard !isPlaceholder else { return nil }
    let counted = axis < 0 ? axis + rank : axis
    guard counted >= 0, counted < rank else {
      _ = failure("\(name): axis \(axis) is not an axis of \(shape)")
      return nil
    }
    return counted
  }

  /// Returns the same elements with other extents, or itself where nothing changes.
  package func reshaped(_ shape: Shape) -> Tensor {
    self.shape == shape ? self : apply(.movement(.reshape(shape)))
  }

  /// Adds one reduction node for each run of neighbouring axes, innermost first.
  package func reduce(_ kind: Reduction.Kind, _ axes: [Int]?, _ keepingAxes: Bool) -> Tensor {
    guard !isPlaceholder else { return self }
    var wanted: Set<Int> = []
    for axis in axes ?? Array(0..<rank) {
      guard let axis = normalized(axis, kind.rawValue) else { return Tensor(builder, nil) }
      wanted.insert(axis)
    }
    var result = self
    var run: [Int] = []
    for axis in (-1..<rank).reversed() {
      if wanted.contains(axis) {
        run.insert(axis, at: 0)
      } else if !run.isEmpty {
        result = result.apply(.reduction(Reduction(kind, axes: run)))
        run = []
      }
    }
    guard keepingAxes, !result.isPlaceholder else { return result }
    return result.reshaped(
      Shape(shape.extents.enumerated().map { wanted.contains($0.offset) ? 1 : $0.element }))
  }

  /// Returns the number of elements over axes as one number of this tensor's type.
  package func size(over axes: [Int]?) -> Tensor {
    let chosen = axes.map { $0.map { $0 < 0 ? $0 + rank : $0 } } ?? Array(0..<rank)
    let extents = chosen.compactMap { shape.extents.indices.contains($0) ? shape[$0] : nil }
    return Tensor(builder, builder.add(.leaf(.size(extents, dataType)), []))
  }

  private func contract(_ other: Tensor, transposeLeft: Bool, transposeRight: Bool) -> Tensor {
    guard !isPlaceholder, !other.isPlaceholder else { return Tensor(builder, nil) }
    if rank == 1, other.rank >= 1 {
      let product = reshaped(Shape([1] + shape.extents))
        .contract(other, transposeLeft: false, transposeRight: transposeRight)
      guard !product.isPlaceholder else { return product }
      var extents = product.shape.extents
      extents.remove(at: Swift.max(0, extents.count - (other.rank == 1 ? 1 : 2)))
      return product.reshaped(Shape(extents))
    }
    if other.rank == 1, rank >= 2 {
      let product = contract(
        other.reshaped(Shape(other.shape.extents + [1])), transposeLeft: transposeLeft,
        transposeRight: false)
      guard !product.isPlaceholder else { return product }
      return product.reshaped(Shape(Array(product.shape.extents.dropLast())))
    }
    let op = Op.contraction(
      Contraction(transposeLeft: transposeLeft, transposeRight: transposeRight))
    guard rank >= 2, other.rank >= 2 else { return apply(op, other) }
    if other.rank == 2, rank == 2 || !transposeLeft { return apply(op, other) }
    let leading = { (tensor: Tensor) in Shape(Array(tensor.shape.extents.dropLast(2))) }
    guard let batch = Shape.broadcast(leading(self), leading(other)) else {
      return failure("matmul: leading axes do not broadcast: \(shape) and \(other.shape)")
    }
    let widen = { (tensor: Tensor) in
      tensor.broadcast(to: Shape(batch.extents + tensor.shape.extents.suffix(2)))
    }
    return widen(self).apply(op, widen(other))
  }
}

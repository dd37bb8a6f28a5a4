// Products of vectors and matrices beyond `matmul`.

extension Tensor {
  /// Returns the sum of products over the last axes of both, all other axes kept: those of this tensor first.
  ///
  /// A single number multiplies everything.
  public func inner(_ other: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "inner") {
      guard !isPlaceholder, !other.isPlaceholder else { return Tensor(builder, nil) }
      guard rank > 0, other.rank > 0 else { return self * other }
      return contracted(other, axes: [rank - 1], [other.rank - 1])
    }
  }

  /// Returns all products of an element of this vector and one of another, as a matrix.
  public func outer(_ other: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "outer") {
      guard !isPlaceholder, !other.isPlaceholder else { return Tensor(builder, nil) }
      guard rank == 1, other.rank == 1 else {
        return failure("outer: needs two vectors, not \(shape) and \(other.shape)")
      }
      return reshaped(Shape(shape.extents + [1])) * other
    }
  }

  /// Returns the sums of products over pairs of axes; the kept axes of this tensor come first.
  public func contract(
    _ other: Tensor, axes: [Int], _ otherAxes: [Int], file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "contract") {
      var (left, right): ([Int], [Int]) = ([], [])
      for axis in axes {
        guard let axis = normalized(axis, "contract") else { return Tensor(builder, nil) }
        left.append(axis)
      }
      for axis in otherAxes {
        guard let axis = other.normalized(axis, "contract") else { return Tensor(builder, nil) }
        right.append(axis)
      }
      guard left.count == right.count, Set(left).count == left.count,
        Set(right).count == right.count,
        zip(left, right).allSatisfy({ shape[$0] == other.shape[$1] })
      else {
        return failure(
          "contract: axes \(axes) of \(shape) and \(otherAxes) of \(other.shape) do not match")
      }
      return contracted(other, axes: left, right)
    }
  }

  /// Multiplies as matrices, with the summed axes brought to the middle.
  private func contracted(_ other: Tensor, axes left: [Int], _ right: [Int]) -> Tensor {
    let rows = (0..<rank).filter { !left.contains($0) }
    let columns = (0..<other.rank).filter { !right.contains($0) }
    let rowExtents = rows.map { shape[$0] }
    let columnExtents = columns.map { other.shape[$0] }
    guard let m = Shape.product(rowExtents), let n = Shape.product(columnExtents),
      let k = Shape.product(left.map { shape[$0] })
    else { return failure("contract: \(shape) and \(other.shape) are too large") }
    let a = transpose(rows + left).reshaped(Shape([m, k]))
    let b = other.transpose(right + columns).reshaped(Shape([k, n]))
    return a.matmul(b).reshaped(Shape(rowExtents + columnExtents))
  }

  /// Returns the product of as many copies of a square matrix; none give the identity.
  public func matrixPower(_ exponent: Int, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "matrixPower") {
      guard !isPlaceholder else { return self }
      guard rank >= 2, shape[rank - 1] == shape[rank - 2], exponent >= 0 else {
        return failure("matrixPower: \(shape) to the power \(exponent) is not defined")
      }
      guard exponent > 0 else {
        let ones = number(1).broadcast(to: Shape(Array(shape.extents.dropLast())))
        return ones.diagonalMatrix()
      }
      var (rest, square) = (exponent, self)
      var result: Tensor?
      while rest > 0 {
        if rest % 2 == 1 { result = result.map { $0.matmul(square) } ?? square }
        rest /= 2
        if rest > 0 { square = square.matmul(square) }
      }
      return result ?? self
    }
  }

  /// Returns each element of this tensor times the whole other one, as blocks.
  public func kron(_ other: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "kron") {
      guard !isPlaceholder, !other.isPlaceholder else { return Tensor(builder, nil) }
      let width = Swift.max(rank, other.rank)
      let outside = [Extent](repeating: 1, count: width - rank) + shape.extents
      let inside = [Extent](repeating: 1, count: width - other.rank) + other.shape.extents
      guard 2 * width <= Shape.maximumRank else {
        return failure("kron: \(shape) and \(other.shape) have too many axes")
      }
      var joined: [Extent] = []
      for (a, b) in zip(outside, inside) {
        guard let extent = a.multiplied(by: b) else {
          return failure("kron: \(shape) and \(other.shape) are too large")
        }
        joined.append(extent)
      }
      let left = reshaped(Shape(outside.flatMap { [$0, 1] }))
      let right = other.reshaped(Shape(inside.flatMap { [1, $0] }))
      return (left * right).reshaped(Shape(joined))
    }
  }

  /// Returns the vector at right angles to two along an axis of extent 3.
  public func cross(
    _ other: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cross") {
      guard !isPlaceholder, !other.isPlaceholder else { return Tensor(builder, nil) }
      guard let both = Shape.broadcast(shape, other.shape) else {
        return failure("cross: shapes do not broadcast: \(shape) and \(other.shape)")
      }
      let (x, y) = (broadcast(to: both), other.broadcast(to: both))
      guard let axis = x.normalized(axis, "cross") else { return Tensor(builder, nil) }
      guard both[axis] == 3 else {
        return failure("cross: axis \(axis) of \(both) has not 3 elements")
      }
      func turned(_ tensor: Tensor, _ shift: Int) -> Tensor {
        tensor.roll([shift], axes: [axis])
      }
      return turned(x, -1) * turned(y, -2) - turned(x, -2) * turned(y, -1)
    }
  }
}

/// Returns y[…, k] = Σᵢⱼ x[…, i] · weight[k, i, j] · z[…, j].
public func bilinear(
  _ x: Tensor, _ z: Tensor, weight: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "bilinear") {
    guard !x.isPlaceholder, !z.isPlaceholder, !weight.isPlaceholder else {
      return Tensor(x.builder, nil)
    }
    guard x.rank >= 1, z.rank == x.rank, weight.rank == 3,
      x.shape.extents.dropLast() == z.shape.extents.dropLast(),
      weight.shape[1] == x.shape[x.rank - 1], weight.shape[2] == z.shape[z.rank - 1]
    else {
      return x.failure(
        "bilinear: \(x.shape), \(weight.shape) and \(z.shape) do not fit together")
    }
    // […, i] times [i, k·j], then the sum over j with z.
    let (features, inputs, others) = (weight.shape[0], weight.shape[1], weight.shape[2])
    guard let columns = features.multiplied(by: others) else {
      return x.failure("bilinear: weight \(weight.shape) is too large")
    }
    let matrix = weight.transpose([1, 0, 2]).reshaped(Shape([inputs, columns]))
    let rows = Array(x.shape.extents.dropLast())
    let products = x.matmul(matrix).reshaped(Shape(rows + [features, others]))
    return (products * z.expandAxis(-2)).reduce(.sum, [-1], false)
  }
}

/// Returns softmax(q·kᵀ / √d + mask)·v: each query's mean of the values, weighted by its likeness to the keys.
///
/// - Parameters:
///   - queries: `[…, m, d]`.
///   - keys: `[…, n, d]`.
///   - values: `[…, n, e]`.
///   - mask: Added to the scores where it is real numbers; where it is truth values, what is false is left out.
///   - isCausal: Whether query i sees only the keys up to i.
///   - scale: What scores are multiplied by; 1 / √d unless given.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: `[…, m, e]`.
public func scaledDotProductAttention(
  _ queries: Tensor, _ keys: Tensor, _ values: Tensor, mask: Tensor? = nil,
  isCausal: Bool = false, scale: Double? = nil, file: String = #fileID, line: Int = #line
) -> Tensor {
  let builder = queries.builder
  return builder.at(Site(file, line), "attention") {
    guard let width = queries.shape.extents.last?.fixed, width > 0 else {
      return queries.isPlaceholder
        ? queries : queries.failure("attention: queries \(queries.shape) have no fixed width")
    }
    let factor = scale ?? 1 / Double(width).squareRoot()
    var scores = queries.matmul(keys, transposeRight: true) * factor
    guard !scores.isPlaceholder else { return scores }
    let none = scores.number(-.infinity)
    if let mask {
      scores = mask.dataType == .bool ? select(mask, scores, none) : scores + mask
    }
    if isCausal, !scores.isPlaceholder {
      let matrix = Shape(Array(scores.shape.extents.suffix(2)))
      let isSeen = builder.iota(matrix, axis: 1) .<= builder.iota(matrix, axis: 0)
      scores = select(isSeen, scores, none)
    }
    return softmax(scores).matmul(values)
  }
}

// Running totals along an axis. In each of ⌈log₂ n⌉ rounds an element meets the one 1, 2, 4, … places before it
// (Hillis and Steele, 1986): a few maps in place of a loop, and errors that grow with log n instead of n. All
// gradients follow, also of products with zeros, since nothing is divided.

extension Tensor {
  /// Returns the sum of each element and all before it along an axis.
  public func cumulativeSum(
    axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cumulativeSum") { accumulated(axis, from: 0) { $0 + $1 } }
  }

  /// Returns the product of each element and all before it along an axis.
  public func cumulativeProduct(
    axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cumulativeProduct") { accumulated(axis, from: 1) { $0 * $1 } }
  }

  /// Returns the greatest of each element and all before it along an axis; NaN stays.
  public func cumulativeMax(
    axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cumulativeMax") {
      accumulated(axis, from: -.infinity) { maximum($0, $1) }
    }
  }

  /// Returns the least of each element and all before it along an axis; NaN stays.
  public func cumulativeMin(
    axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cumulativeMin") {
      accumulated(axis, from: .infinity) { minimum($0, $1) }
    }
  }

  /// Returns log Σ exp of each element and all before it along an axis.
  public func cumulativeLogSumExp(
    axis: Int = -1, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "cumulativeLogSumExp") {
      accumulated(axis, from: -.infinity) { logAddExp($0, $1) }
    }
  }

  /// Combines each element with all before it, in rounds of doubling distance.
  private func accumulated(
    _ axis: Int, from identity: Double, _ combine: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    guard let axis = normalized(axis, "cumulative") else { return Tensor(builder, nil) }
    guard let extent = shape[axis].fixed else {
      return failure("cumulative: axis \(axis) of \(shape) depends on the batch size")
    }
    guard dataType.isFloat || identity.isFinite else {
      return failure("cumulative: needs real numbers, not \(type)")
    }
    var (result, distance) = (self, 1)
    while distance < extent {
      var low = [Int](repeating: 0, count: rank)
      low[axis] = distance
      let before = result.slice(axis: axis, to: Extent(offset: extent - distance))
        .pad(low: low, high: [Int](repeating: 0, count: rank), value: identity)
      result = combine(before, result)
      distance *= 2
    }
    return result
  }
}

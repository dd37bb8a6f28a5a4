// Other numbers of elements along an axis. Every linear way is a product with a matrix of constant weights along
// that axis; picking single elements is a gather at constant indices.

/// How elements between the given ones are found.
public enum Resampling: Sendable, Hashable {
  /// The element at ⌊i·scale⌋.
  case nearest
  /// The element at ⌊(i + 1/2)·scale⌋.
  case nearestCentre
  /// A straight line between two neighbours.
  case linear
  /// A cubic through four neighbours with slope parameter −0.75 (Keys, 1981).
  case cubic
  /// The mean over ⌊i·n/m⌋ ..< ⌈(i + 1)·n/m⌉.
  case area
}

extension Tensor {
  /// Returns an axis resampled to a number of elements.
  ///
  /// - Parameters:
  ///   - axis: The axis.
  ///   - count: How many elements it gets.
  ///   - resampling: How they are found.
  ///   - alignsCorners: Whether the first and last elements stay where they are, rather than the outer edges.
  ///   - scale: How many old elements one new one stands for; follows from the counts unless given.
  ///   - file: The caller's file.
  ///   - line: The caller's line.
  /// - Returns: The resampled tensor.
  public func resample(
    axis: Int, to count: Int, _ resampling: Resampling, alignsCorners: Bool = false,
    scale: Double? = nil, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "resample") {
      guard let axis = normalized(axis, "resample") else { return Tensor(builder, nil) }
      guard let extent = shape[axis].fixed, extent > 0, dataType.isFloat,
        isPossible(count, extent), scale.map({ $0 > 0 && $0.isFinite }) ?? true
      else {
        return failure("resample: axis \(axis) of \(type) cannot get \(count) elements")
      }
      let rule = ResamplingRule(
        extent: extent, count: count, resampling: resampling, alignsCorners: alignsCorners,
        scale: scale ?? Double(extent) / Double(count))
      if resampling == .nearest || resampling == .nearestCentre {
        let indices = (0..<count).map { Int32(rule.nearest($0)) }
        return apply(.index(.gather(axis: axis)), builder.constant(NDArray(indices)))
      }
      // The weights need no exactness of their own: they are part of what the graph means.
      let array = NDArray(rule.weights.map { Float($0) }, dimensions: [extent, count])
      let matrix = builder.constant(array).cast(to: dataType)
      return moveAxes([axis], to: [rank - 1]).matmul(matrix).moveAxes([rank - 1], to: [axis])
    }
  }

  /// Returns the greatest element of each of so many parts of axes; parts may share an element at their border.
  public func adaptiveMaxPool(
    _ counts: [Int: Int], file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "adaptiveMaxPool") {
      guard let parts = adaptiveParts(counts) else { return Tensor(builder, nil) }
      return parts.reduce(.max, [rank], false)
    }
  }

  /// Returns where the greatest element of each part lies among the elements of the pooled axes, as `i32`.
  public func adaptiveMaxPoolIndices(
    _ counts: [Int: Int], file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "adaptiveMaxPoolIndices") {
      guard let parts = adaptiveParts(counts) else { return Tensor(builder, nil) }
      var (place, stride) = (builder.scalar(0, .i32).broadcast(to: shape), 1)
      for axis in counts.keys.map({ $0 < 0 ? $0 + rank : $0 }).sorted().reversed() {
        place = place + builder.iota(shape, axis: axis) * Double(stride)
        stride *= shape[axis].fixed ?? 1
      }
      guard let places = place.adaptiveParts(counts) else { return Tensor(builder, nil) }
      let winner = parts.reduce(.argMax, [rank], true)
      let isWinner = builder.iota(parts.shape, axis: rank) .== winner
      return select(isWinner, places, place.number(0)).reduce(.sum, [rank], false)
    }
  }

  /// Returns the elements of each part along a new last axis.
  private func adaptiveParts(_ counts: [Int: Int]) -> Tensor? {
    var result = self
    let sorted = counts.map { ($0.key < 0 ? $0.key + rank : $0.key, $0.value) }
      .sorted { $0.0 < $1.0 }
    for (axis, count) in sorted.reversed() {
      guard let axis = normalized(axis, "adaptiveMaxPool") else { return nil }
      guard let extent = shape[axis].fixed, extent > 0, isPossible(count, extent) else {
        _ = failure("adaptiveMaxPool: axis \(axis) of \(shape) has no \(count) parts")
        return nil
      }
      let parts = (0..<count).map { part($0, of: count, extent) }
      let width = parts.map(\.count).max() ?? 1
      // A shorter part repeats its last element, which the greatest does not notice.
      let indices = parts.flatMap { part in
        (0..<width).map { Int32(Swift.min(part.lowerBound + $0, part.upperBound - 1)) }
      }
      let constant = builder.constant(NDArray(indices, dimensions: [count, width]))
      result = result.apply(.index(.gather(axis: axis)), constant)
    }
    let sources = sorted.enumerated().map { $0.element.0 + $0.offset + 1 }
    return result.moveAxes(sources, to: Array(rank..<rank + sorted.count)).flatten(from: rank)
  }
}

/// Whether so many elements can be made of so many by a table of weights or indices.
private func isPossible(_ count: Int, _ extent: Int) -> Bool {
  let (size, overflow) = count.multipliedReportingOverflow(by: extent)
  return count > 0 && !overflow && size <= 1 << 28
}

/// Returns the elements ⌊i·n/m⌋ ..< ⌈(i + 1)·n/m⌉ of part i of m.
private func part(_ index: Int, of count: Int, _ extent: Int) -> Range<Int> {
  index * extent / count..<((index + 1) * extent + count - 1) / count
}

/// Where the elements of a resampled axis come from.
private struct ResamplingRule {
  let extent: Int
  let count: Int
  let resampling: Resampling
  let alignsCorners: Bool
  let scale: Double

  /// Returns the old element that a new one is.
  func nearest(_ index: Int) -> Int {
    let place = resampling == .nearest ? Double(index) : Double(index) + 0.5
    // In single precision, as other libraries do: where the place is a whole number, rounding decides.
    return min(Int((Float(place) * Float(scale)).rounded(.down)), extent - 1)
  }

  /// The weight of each old element in each new one, `[extent, count]`.
  var weights: [Double] {
    var weights = [Double](repeating: 0, count: extent * count)
    for index in 0..<count {
      for (source, weight) in sources(of: index) {
        weights[min(max(source, 0), extent - 1) * count + index] += weight
      }
    }
    return weights
  }

  private func sources(of index: Int) -> [(Int, Double)] {
    switch resampling {
    case .area:
      let part = part(index, of: count, extent)
      return part.map { ($0, 1 / Double(part.count)) }
    case .linear:
      let place = max(place(of: index), 0)
      let (whole, rest) = (place.rounded(.down), place - place.rounded(.down))
      return [(Int(whole), 1 - rest), (Int(whole) + 1, rest)]
    case .cubic:
      let place = place(of: index)
      let whole = place.rounded(.down)
      return (-1...2).map { (Int(whole) + $0, cubic(place - whole - Double($0))) }
    case .nearest, .nearestCentre: return [(nearest(index), 1)]
    }
  }

  private func place(of index: Int) -> Double {
    guard alignsCorners else { return (Double(index) + 0.5) * scale - 0.5 }
    return count == 1 ? 0 : Double(index) * Double(extent - 1) / Double(count - 1)
  }

  /// Keys's cubic with slope parameter −0.75.
  private func cubic(_ distance: Double) -> Double {
    let (a, t) = (-0.75, abs(distance))
    return t <= 1
      ? ((a + 2) * t - (a + 3)) * t * t + 1
      : ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
  }
}

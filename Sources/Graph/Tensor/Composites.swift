// Composites are functions over primitives. They carry their name into the nodes' origins, so that dumps
// can fold them; fusion makes them fast.

/// Returns x².
public func square(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "square") { x * x }
}

/// Returns the arithmetic mean over axes, or over all.
public func mean(
  _ x: Tensor, axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "mean") {
    guard x.dataType.isFloat || x.isPlaceholder else {
      return x.failure("mean: needs real numbers, not \(x.type)", hint: "cast it to f32")
    }
    let sum = x.reduce(.sum, axes, keepingAxes)
    return sum.isPlaceholder ? sum : sum / x.size(over: axes)
  }
}

/// Returns the mean squared distance from the mean over axes, or over all.
///
/// - Parameters:
///   - x: Any tensor of real numbers.
///   - axes: The axes, or nil for all.
///   - correction: What is subtracted from the number of elements that the sum is divided by; 1 gives Bessel's.
///   - keepingAxes: Whether the axes stay with extent 1.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: The variance.
public func variance(
  _ x: Tensor, axes: [Int]? = nil, correction: Double = 0, keepingAxes: Bool = false,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "variance") {
    let centred = x - mean(x, axes: axes, keepingAxes: true)
    guard correction != 0 else {
      return mean(centred * centred, axes: axes, keepingAxes: keepingAxes)
    }
    let sum = (centred * centred).reduce(.sum, axes, keepingAxes)
    return sum.isPlaceholder ? sum : sum / maximum(x.size(over: axes) - correction, 0.0)
  }
}

/// Returns the square root of the variance over axes, or over all.
public func standardDeviation(
  _ x: Tensor, axes: [Int]? = nil, correction: Double = 0, keepingAxes: Bool = false,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "standardDeviation") {
    sqrt(variance(x, axes: axes, correction: correction, keepingAxes: keepingAxes))
  }
}

/// Returns (Σ |x|ᵖ)^(1/p) over axes, or over all.
///
/// Order ∞ is the greatest |x|, −∞ the least, and 0 the number of elements that are not 0. Where the norm of order
/// 2 is 0 its derivative is 0.
public func norm(
  _ x: Tensor, order: Double = 2, axes: [Int]? = nil, keepingAxes: Bool = false,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "norm") {
    switch order {
    case 2: return (x * x).reduce(.sum, axes, keepingAxes).rootOrZero
    case 1: return abs(x).reduce(.sum, axes, keepingAxes)
    case 0: return (x .!= 0.0).cast(to: x.dataType).reduce(.sum, axes, keepingAxes)
    case .infinity: return abs(x).reduce(.max, axes, keepingAxes)
    case -.infinity: return abs(x).reduce(.min, axes, keepingAxes)
    default:
      guard !order.isNaN else { return x.failure("norm: the order is no number") }
      return pow(pow(abs(x), order).reduce(.sum, axes, keepingAxes), 1 / order)
    }
  }
}

/// Returns log Σ exp(x) over axes, or over all, without overflow.
public func logSumExp(
  _ x: Tensor, axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "logSumExp") {
    let greatest = stopGradient(x.reduce(.max, axes, true))
    // An infinite shift would turn the infinity it stands for into NaN.
    let shift = select(abs(greatest) .< .infinity, greatest, greatest.number(0))
    let sum = log(exp(x - shift).reduce(.sum, axes, true)) + shift
    return keepingAxes || sum.isPlaceholder ? sum : sum.squeezed(of: x, axes)
  }
}

/// Returns how many elements are not 0 over axes, or over all, as `i64`.
public func countNonzero(
  _ x: Tensor, axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "countNonzero") {
    let isThere = x.dataType == .bool ? x : x .!= 0.0
    return isThere.cast(to: .i64).reduce(.sum, axes, keepingAxes)
  }
}

/// Returns the logarithm of softmax along an axis, without forming the quotient.
public func logSoftmax(
  _ x: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "logSoftmax") {
    guard !x.isEmpty(along: axis) else { return x }
    let shifted = x - stopGradient(x.max(axes: [axis], keepingAxes: true))
    return shifted - log(exp(shifted).sum(axes: [axis], keepingAxes: true))
  }
}

/// Returns exp(x) / Σ exp(x) along an axis.
public func softmax(
  _ x: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "softmax") {
    guard !x.isEmpty(along: axis) else { return x }
    let exponential = exp(x - stopGradient(x.max(axes: [axis], keepingAxes: true)))
    // One division a row instead of one an element.
    return exponential * (1.0 / exponential.sum(axes: [axis], keepingAxes: true))
  }
}

extension Tensor {
  /// Whether an axis has no elements, so that there is nothing to normalise along it.
  fileprivate func isEmpty(along axis: Int) -> Bool {
    let axis = axis < 0 ? axis + rank : axis
    return shape.extents.indices.contains(axis) && shape[axis] == 0
  }

  /// Returns this result of a reduction that kept its axes without those axes of the operand.
  fileprivate func squeezed(of operand: Tensor, _ axes: [Int]?) -> Tensor {
    let gone = Set((axes ?? Array(0..<rank)).map { $0 < 0 ? $0 + rank : $0 })
    return reshaped(Shape((0..<rank).filter { !gone.contains($0) }.map { operand.shape[$0] }))
  }
}

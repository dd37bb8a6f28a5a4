// Losses over one class of many. Classes lie along the last axis.

/// Returns −log softmax(scores) at the right class.
///
/// The mean divides by the weights of the classes that were right; ignored labels count for nothing.
///
/// - Parameters:
///   - scores: `[…, classes]`, unnormalised.
///   - labels: Class indices `[…]` of an integer type, or probabilities of the shape of the scores.
///   - weights: A weight for each class, `[classes]`.
///   - smoothing: The share of each label that is spread evenly over all classes (Szegedy et al., 2016).
///   - ignoring: A class index whose rows count for nothing.
///   - reduction: What becomes of the rows.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: One number, or one for each row.
public func crossEntropy(
  _ scores: Tensor, _ labels: Tensor, weights: Tensor? = nil, smoothing: Double = 0,
  ignoring: Int? = nil, reduction: LossReduction = .mean, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  let builder = scores.builder
  return builder.at(Site(file, line), "crossEntropy") {
    guard !scores.isPlaceholder, !labels.isPlaceholder else { return Tensor(builder, nil) }
    guard let classes = scores.shape.extents.last else {
      return scores.failure("crossEntropy: scores \(scores.shape) have no axis of classes")
    }
    guard smoothing >= 0, smoothing <= 1 else {
      return scores.failure("crossEntropy: smoothing is \(smoothing), not from 0 to 1")
    }
    guard scores.accepts(weights: weights, "crossEntropy") else { return Tensor(builder, nil) }
    let rows = Shape(Array(scores.shape.extents.dropLast()))
    if labels.dataType.isInteger, labels.shape == rows, let depth = classes.fixed {
      let right = RightClass(labels, depth: depth, weights: weights, ignoring: ignoring)
      let logarithms = logSoftmax(scores)
      var loss = right.negatedRows(of: logarithms)
      if smoothing > 0 {
        let weighted = weights.map { logarithms * $0 } ?? logarithms
        let even = right.masked(-weighted.sum(axes: [-1]) / Double(depth))
        loss = loss * (1 - smoothing) + even * smoothing
      }
      return right.reduced(loss, reduction)
    }
    guard labels.dataType.isFloat, labels.shape == scores.shape else {
      return scores.failure(
        "crossEntropy: labels \(labels.type) do not fit scores \(scores.type)",
        hint: "give class indices i32\(rows) or probabilities \(scores.type)")
    }
    var smoothed = labels
    if smoothing > 0 { smoothed = labels * (1 - smoothing) + smoothing / labels.size(over: [-1]) }
    let weighted = smoothed * logSoftmax(scores)
    let loss = -(weights.map { weighted * $0 } ?? weighted).sum(axes: [-1])
    return reduction(loss)
  }
}

/// Returns minus the log-probability of the right class.
///
/// - Parameters:
///   - logProbabilities: `[…, classes]`, as `logSoftmax` gives them.
///   - labels: Class indices `[…]` of an integer type.
///   - weights: A weight for each class, `[classes]`.
///   - ignoring: A class index whose rows count for nothing.
///   - reduction: What becomes of the rows; the mean divides by their weights.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: One number, or one for each row.
public func negativeLogLikelihood(
  _ logProbabilities: Tensor, _ labels: Tensor, weights: Tensor? = nil, ignoring: Int? = nil,
  reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
  let builder = logProbabilities.builder
  return builder.at(Site(file, line), "negativeLogLikelihood") {
    guard !logProbabilities.isPlaceholder, !labels.isPlaceholder else {
      return Tensor(builder, nil)
    }
    let rows = Shape(Array(logProbabilities.shape.extents.dropLast()))
    guard let depth = logProbabilities.shape.extents.last?.fixed, labels.dataType.isInteger,
      labels.shape == rows
    else {
      return logProbabilities.failure(
        "negativeLogLikelihood: labels \(labels.type) do not fit \(logProbabilities.type)")
    }
    guard logProbabilities.accepts(weights: weights, "negativeLogLikelihood") else {
      return Tensor(builder, nil)
    }
    let right = RightClass(labels, depth: depth, weights: weights, ignoring: ignoring)
    return right.reduced(right.negatedRows(of: logProbabilities), reduction)
  }
}

extension Tensor {
  fileprivate func accepts(weights: Tensor?, _ name: String) -> Bool {
    guard let weights, !weights.isPlaceholder else { return weights == nil }
    guard weights.rank == 1, weights.shape[0] == shape[rank - 1] else {
      _ = failure("\(name): weights \(weights.shape) are not one for each class of \(shape)")
      return false
    }
    return true
  }
}

/// Where the right class of each row is, and what the row counts for.
private struct RightClass {
  /// For each row and class, whether it is the right one and counts.
  let mask: Tensor
  /// For each row, whether it counts; nil where all do.
  let counts: Tensor?
  /// For each row, the weight of its class; nil where all are 1.
  let rowWeights: Tensor?

  init(_ labels: Tensor, depth: Int, weights: Tensor?, ignoring: Int?) {
    let indices = labels.dataType == .u8 ? labels.cast(to: .i32) : labels
    var safe = indices
    if let ignoring {
      let isKept = indices .!= Double(ignoring)
      counts = isKept
      // An ignored index need not be that of any class.
      safe = select(isKept, indices, indices.number(0))
    } else {
      counts = nil
    }
    mask = safe.oneHot(depth, .bool)
    rowWeights = weights.map { [mask] in
      select(mask, $0, $0.number(0)).sum(axes: [-1])
    }
  }

  /// Returns rows, and 0 in place of those that do not count.
  func masked(_ rows: Tensor) -> Tensor {
    counts.map { select($0, rows, rows.number(0)) } ?? rows
  }

  /// Returns minus the element at the right class of each row, weighted.
  func negatedRows(of logarithms: Tensor) -> Tensor {
    let rows = masked(-select(mask, logarithms, logarithms.number(0)).sum(axes: [-1]))
    return rowWeights.map { rows * $0 } ?? rows
  }

  /// Returns rows reduced; the mean divides by what the rows count for.
  func reduced(_ rows: Tensor, _ reduction: LossReduction) -> Tensor {
    guard case .mean = reduction, counts != nil || rowWeights != nil else {
      return reduction(rows)
    }
    let ones = rowWeights ?? rows.number(1).broadcast(to: rows.shape)
    return rows.sum() / masked(ones).sum()
  }
}

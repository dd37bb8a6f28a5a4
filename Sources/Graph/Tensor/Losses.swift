// Losses: how far predictions are from what was wanted. Losses never repeat their operands: labels [batch, 1]
// against scores [batch, 10] are a mistake, not a hundred comparisons.

/// What becomes of a loss's elements.
public enum LossReduction: Sendable {
  /// Their mean.
  case mean
  /// Their sum.
  case sum
  /// They stay as they are.
  case none

  /// Returns a loss's elements reduced.
  package func callAsFunction(_ elements: Tensor) -> Tensor {
    switch self {
    case .mean: DescentGraph.mean(elements)
    case .sum: elements.sum()
    case .none: elements
    }
  }
}

extension Tensor {
  /// Returns a loss of this prediction, or a placeholder where a target's shape differs.
  fileprivate func loss(
    _ name: String, _ site: Site, against others: (String, Tensor)..., of body: () -> Tensor
  ) -> Tensor {
    builder.at(site, name) {
      for (what, other) in others where other.shape != shape && !other.isPlaceholder {
        guard !isPlaceholder else { break }
        return failure(
          "\(name): prediction \(shape) and \(what) \(other.shape) differ in shape",
          hint: "reshape one of them; losses do not repeat their operands")
      }
      return body()
    }
  }
}

// MARK: - Distances

/// Returns (prediction − target)².
public func mse(
  _ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  prediction.loss("mse", Site(file, line), against: ("target", target)) {
    let difference = prediction - target
    return reduction(difference * difference)
  }
}

/// Returns Σ (prediction − target)².
public func sumOfSquares(
  _ prediction: Tensor, _ target: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  mse(prediction, target, reduction: .sum, file: file, line: line)
}

/// Returns |prediction − target|.
public func mae(
  _ prediction: Tensor, _ target: Tensor, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  prediction.loss("mae", Site(file, line), against: ("target", target)) {
    reduction(abs(prediction - target))
  }
}

/// Returns d²/2 where the distance d is below δ, else δ·(d − δ/2) (Huber, 1964).
public func huber(
  _ prediction: Tensor, _ target: Tensor, delta: Double = 1, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  prediction.loss("huber", Site(file, line), against: ("target", target)) {
    guard delta > 0 else { return prediction.failure("huber: delta is \(delta), not above 0") }
    let distance = abs(prediction - target)
    return reduction(
      select(
        distance .< delta, 0.5 * distance * distance, delta * (distance - 0.5 * delta)))
  }
}

/// Returns d²/(2β) where the distance d is below β, else d − β/2 (Girshick, 2015).
public func smoothL1(
  _ prediction: Tensor, _ target: Tensor, beta: Double = 1, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  prediction.loss("smoothL1", Site(file, line), against: ("target", target)) {
    guard beta >= 0 else { return prediction.failure("smoothL1: beta is \(beta), not at least 0") }
    let distance = abs(prediction - target)
    guard beta > 0 else { return reduction(distance) }
    return reduction(
      select(distance .< beta, 0.5 * distance * distance / beta, distance - 0.5 * beta))
  }
}

// MARK: - Two classes

/// Returns −w·(t·log p + (1 − t)·log(1 − p)) for probabilities p; logarithms end at −100.
public func binaryCrossEntropy(
  _ probability: Tensor, _ target: Tensor, weight: Tensor? = nil, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  probability.loss("binaryCrossEntropy", Site(file, line), against: ("target", target)) {
    let yes = target * maximum(log(probability), -100.0)
    let no = (1.0 - target) * maximum(log1p(-probability), -100.0)
    let loss = -(yes + no)
    return reduction(weight.map { loss * $0 } ?? loss)
  }
}

/// Returns binary cross-entropy of sigmoid(score), computed from the score without overflow.
///
/// With s(x) = log(1 + eˣ) it is t·p·s(−x) + (1 − t)·s(x); p, the weight of the positive class, is 1 unless given.
public func binaryCrossEntropyWithLogits(
  _ score: Tensor, _ target: Tensor, weight: Tensor? = nil, positiveWeight: Tensor? = nil,
  reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
  score.loss("binaryCrossEntropyWithLogits", Site(file, line), against: ("target", target)) {
    var loss: Tensor
    if let positiveWeight {
      let factor = 1.0 + (positiveWeight - 1.0) * target
      loss = (1.0 - target) * score + factor * logOnePlusExp(-score)
    } else {
      loss = logOnePlusExp(score) - score * target
    }
    if let weight { loss = loss * weight }
    return reduction(loss)
  }
}

/// Returns log(1 + exp(−t·x)) for targets t of −1 and 1.
public func softMargin(
  _ score: Tensor, _ target: Tensor, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  score.loss("softMargin", Site(file, line), against: ("target", target)) {
    reduction(logOnePlusExp(-(target * score)))
  }
}

/// Returns max(0, 1 − t·x) for targets t of −1 and 1.
public func hinge(
  _ score: Tensor, _ target: Tensor, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  score.loss("hinge", Site(file, line), against: ("target", target)) {
    reduction(relu(1.0 - target * score))
  }
}

/// Returns x where the target is 1, and max(0, margin − x) where it is −1.
public func hingeEmbedding(
  _ distance: Tensor, _ target: Tensor, margin: Double = 1, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  distance.loss("hingeEmbedding", Site(file, line), against: ("target", target)) {
    let zero = distance.number(0)
    let apart = select(target .== 1.0, zero, relu(margin - distance))
    return reduction(apart + select(target .== -1.0, zero, distance))
  }
}

/// Returns max(0, margin − t·(x − y)), where t is 1 if x should be the greater and −1 if y.
public func marginRanking(
  _ x: Tensor, _ y: Tensor, _ target: Tensor, margin: Double = 0,
  reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.loss("marginRanking", Site(file, line), against: ("other", y), ("target", target)) {
    reduction(relu(margin - target * (x - y)))
  }
}

// MARK: - Distributions

/// Returns t·(log t − x) for log-probabilities x; the target t may be given as logarithms too.
public func klDivergence(
  _ logProbability: Tensor, _ target: Tensor, targetIsLogarithm: Bool = false,
  reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
  logProbability.loss("klDivergence", Site(file, line), against: ("target", target)) {
    targetIsLogarithm
      ? reduction(exp(target) * (target - logProbability))
      : reduction(xlogy(target, target) - target * logProbability)
  }
}

/// Returns (log v + (x − t)²/v) / 2 for means x and variances v, which count as at least ε.
///
/// - Parameters:
///   - mean: The predicted means.
///   - target: What was observed, of the shape of the means.
///   - variance: The predicted variances, which repeat to the shape of the means.
///   - isFull: Whether log(2π)/2 is added.
///   - epsilon: The least variance.
///   - reduction: What becomes of the elements.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: The loss.
public func gaussianNLL(
  _ mean: Tensor, _ target: Tensor, variance: Tensor, isFull: Bool = false,
  epsilon: Double = 1e-6, reduction: LossReduction = .mean, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  mean.loss("gaussianNLL", Site(file, line), against: ("target", target)) {
    // The bound is no function of the prediction: the gradient passes it by.
    let bounded = variance + stopGradient(maximum(variance, epsilon) - variance)
    let difference = mean - target
    let loss = 0.5 * (log(bounded) + difference * difference / bounded)
    return reduction(isFull ? loss + 0.9189385332046727 : loss)
  }
}

/// Returns exp(x) − t·x for the logarithm x of a Poisson rate, or x − t·log(x + ε) for the rate itself.
///
/// The full form adds Stirling's t·log t − t + log(2πt)/2 where t > 1.
public func poissonNLL(
  _ rate: Tensor, _ target: Tensor, isLogarithm: Bool = true, isFull: Bool = false,
  epsilon: Double = 1e-8, reduction: LossReduction = .mean, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  rate.loss("poissonNLL", Site(file, line), against: ("target", target)) {
    let loss =
      isLogarithm ? exp(rate) - target * rate : rate - target * log(rate + epsilon)
    guard isFull else { return reduction(loss) }
    let isLarge = target .> 1.0
    let t = select(isLarge, target, target.number(1))
    let stirling = t * log(t) - t + 0.5 * log(6.283185307179586 * t)
    return reduction(loss + select(isLarge, stirling, target.number(0)))
  }
}

// MARK: - Vectors

/// Returns x·y / (max(‖x‖, ε)·max(‖y‖, ε)) along an axis.
public func cosineSimilarity(
  _ x: Tensor, _ y: Tensor, axis: Int = -1, epsilon: Double = 1e-8, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "cosineSimilarity") {
    guard !x.isPlaceholder, !y.isPlaceholder else { return Tensor(x.builder, nil) }
    guard let shape = Shape.broadcast(x.shape, y.shape) else {
      return x.failure("cosineSimilarity: shapes do not broadcast: \(x.shape) and \(y.shape)")
    }
    let (x, y) = (x.broadcast(to: shape), y.broadcast(to: shape))
    let left = maximum((x * x).reduce(.sum, [axis], false).rootOrZero, epsilon)
    let right = maximum((y * y).reduce(.sum, [axis], false).rootOrZero, epsilon)
    return (x * y).reduce(.sum, [axis], false) / (left * right)
  }
}

/// Returns ‖x − y + ε‖ of order p along the last axis.
public func pairwiseDistance(
  _ x: Tensor, _ y: Tensor, order: Double = 2, epsilon: Double = 1e-6, keepingAxes: Bool = false,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "pairwiseDistance") {
    norm(x - y + epsilon, order: order, axes: [-1], keepingAxes: keepingAxes)
  }
}

/// Returns 1 − cos(x, y) where the target is 1, and max(0, cos(x, y) − margin) where it is −1.
public func cosineEmbedding(
  _ x: Tensor, _ y: Tensor, _ target: Tensor, margin: Double = 0,
  reduction: LossReduction = .mean, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "cosineEmbedding") {
    let similarity = cosineSimilarity(x, y)
    return reduction(select(target .== 1.0, 1.0 - similarity, relu(similarity - margin)))
  }
}

/// Returns max(0, ‖a − p‖ − ‖a − n‖ + margin): an anchor should be nearer to the positive (Schroff et al., 2015).
public func tripletMargin(
  anchor: Tensor, positive: Tensor, negative: Tensor, margin: Double = 1, order: Double = 2,
  epsilon: Double = 1e-6, swap: Bool = false, reduction: LossReduction = .mean,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  anchor.loss(
    "tripletMargin", Site(file, line), against: ("positive", positive), ("negative", negative)
  ) {
    func distance(_ x: Tensor, _ y: Tensor) -> Tensor {
      pairwiseDistance(x, y, order: order, epsilon: epsilon)
    }
    let near = distance(anchor, positive)
    let far = distance(anchor, negative)
    let least = swap ? minimum(far, distance(positive, negative)) : far
    return reduction(relu(near - least + margin))
  }
}

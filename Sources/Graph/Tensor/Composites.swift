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
public func variance(
  _ x: Tensor, axes: [Int]? = nil, keepingAxes: Bool = false, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "variance") {
    let centred = x - mean(x, axes: axes, keepingAxes: true)
    return mean(centred * centred, axes: axes, keepingAxes: keepingAxes)
  }
}

/// Returns the logarithm of softmax along an axis, without forming the quotient.
public func logSoftmax(
  _ x: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "logSoftmax") {
    let shifted = x - stopGradient(x.max(axes: [axis], keepingAxes: true))
    return shifted - log(exp(shifted).sum(axes: [axis], keepingAxes: true))
  }
}

/// Returns exp(x) / Σ exp(x) along an axis.
public func softmax(
  _ x: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "softmax") {
    let exponential = exp(x - stopGradient(x.max(axes: [axis], keepingAxes: true)))
    // One division a row instead of one an element.
    return exponential * (1.0 / exponential.sum(axes: [axis], keepingAxes: true))
  }
}

/// Returns the mean over rows of −log softmax(scores) at the right class.
///
/// - Parameters:
///   - scores: `[…, classes]`, unnormalised.
///   - labels: Class indices `[…]` of an integer type, or probabilities of the shape of the scores.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: One number.
public func crossEntropy(
  _ scores: Tensor, _ labels: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  let builder = scores.builder
  return builder.at(Site(file, line), "crossEntropy") {
    guard !scores.isPlaceholder, !labels.isPlaceholder else { return Tensor(builder, nil) }
    guard let classes = scores.shape.extents.last else {
      return scores.failure("crossEntropy: scores \(scores.shape) have no axis of classes")
    }
    let rows = Shape(Array(scores.shape.extents.dropLast()))
    if labels.dataType.isInteger, labels.shape == rows, let depth = classes.fixed {
      let indices = labels.dataType == .u8 ? labels.cast(to: .i32) : labels
      let right = indices.oneHot(depth, .bool)
      let zero = builder.scalar(0, scores.dataType)
      return mean(-select(right, logSoftmax(scores), zero).sum(axes: [-1]))
    }
    guard labels.dataType.isFloat, labels.shape == scores.shape else {
      return scores.failure(
        "crossEntropy: labels \(labels.type) do not fit scores \(scores.type)",
        hint: "give class indices i32\(rows) or probabilities \(scores.type)")
    }
    return mean(-(labels * logSoftmax(scores)).sum(axes: [-1]))
  }
}

/// Returns the mean squared difference of two tensors of one shape.
public func mse(
  _ prediction: Tensor, _ target: Tensor, file: String = #fileID, line: Int = #line
) -> Tensor {
  prediction.builder.at(Site(file, line), "mse") {
    guard prediction.shape == target.shape || prediction.isPlaceholder || target.isPlaceholder
    else {
      return prediction.failure(
        "mse: prediction \(prediction.shape) and target \(target.shape) differ in shape",
        hint: "reshape one of them; losses do not repeat their operands")
    }
    let difference = prediction - target
    return mean(difference * difference)
  }
}

/// Which formula of the Gaussian error linear unit is used (Hendrycks and Gimpel, 2016).
public enum GELUForm: Sendable {
  /// x/2 · (1 + erf(x / √2)).
  case exact
  /// x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³))).
  case tanh
}

/// Returns the Gaussian error linear unit.
public func gelu(
  _ x: Tensor, _ form: GELUForm = .exact, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "gelu") {
    switch form {
    case .exact: return 0.5 * x * (1.0 + erf(x * 0.7071067811865476))
    case .tanh:
      let inner = 0.7978845608028654 * (x + 0.044715 * (x * x * x))
      return 0.5 * x * (1.0 + tanh(inner))
    }
  }
}

/// Returns x · sigmoid(x), also called swish (Elfwing et al., 2017).
public func silu(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "silu") { x * sigmoid(x) }
}

/// Returns x where it is positive, else a fraction of it.
public func leakyRelu(
  _ x: Tensor, slope: Double = 0.01, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "leakyRelu") { select(x .> 0.0, x, x * slope) }
}

/// Returns log(1 + exp(x)) without overflow.
public func softplus(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "softplus") { relu(x) + log(1.0 + exp(-abs(x))) }
}

/// Returns each row of the last axis at mean 0 and variance 1, then scaled and shifted (Ba et al., 2016).
///
/// - Parameters:
///   - x: `[…, features]`.
///   - scale: `[features]`.
///   - shift: `[features]`.
///   - epsilon: Added to the variance under the root.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: A tensor of the type of `x`.
public func layerNorm(
  _ x: Tensor, scale: Tensor, shift: Tensor, epsilon: Double = 1e-5, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "layerNorm") {
    let centred = x - mean(x, axes: [-1], keepingAxes: true)
    let spread = mean(centred * centred, axes: [-1], keepingAxes: true)
    return centred * (1.0 / sqrt(spread + epsilon)) * scale + shift
  }
}

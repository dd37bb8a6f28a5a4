// Activations: functions of each element that stand between a network's layers.

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

/// Returns log(1 + exp(β·x)) / β without overflow.
public func softplus(
  _ x: Tensor, beta: Double = 1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "softplus") {
    guard beta != 1 else { return logOnePlusExp(x) }
    return logOnePlusExp(x * beta) / beta
  }
}

/// Returns log(1 + exp(x)), whose derivative is right at 0 too.
///
/// There max(x, 0) hands down one half and |x| nothing, which is sigmoid(0).
package func logOnePlusExp(_ x: Tensor) -> Tensor {
  maximum(x, 0.0) + log1p(exp(-abs(x)))
}

/// Returns log(sigmoid(x)) without overflow.
public func logSigmoid(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "logSigmoid") { -logOnePlusExp(-x) }
}

/// Returns x where it is positive, else a learned fraction of it (He et al., 2015).
///
/// - Parameters:
///   - x: Any tensor.
///   - slope: One number, or one for each element of an axis of `x`.
///   - axis: The axis that many slopes are for.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: A tensor of the type of `x`.
public func prelu(
  _ x: Tensor, slope: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "prelu") {
    guard let slope = slope.alongAxis(axis, of: x, "prelu: slope") else {
      return Tensor(x.builder, nil)
    }
    return select(x .> 0.0, x, x * slope)
  }
}

/// Returns x where it is positive, else α·(exp(x) − 1) (Clevert et al., 2016).
public func elu(
  _ x: Tensor, alpha: Double = 1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "elu") {
    select(x .> 0.0, x, expm1(x.nonPositive) * alpha)
  }
}

/// Returns x where it is positive, else α·(exp(x / α) − 1) (Barron, 2017).
public func celu(
  _ x: Tensor, alpha: Double = 1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "celu") {
    guard alpha != 0 else { return x.failure("celu: alpha is 0, and x is divided by it") }
    return select(x .> 0.0, x, expm1(x.nonPositive / alpha) * alpha)
  }
}

/// Returns the self-normalising form of ELU, λ·elu(x, α) (Klambauer et al., 2017).
public func selu(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "selu") {
    elu(x, alpha: 1.6732632423543772) * 1.0507009873554805
  }
}

/// Returns x · tanh(softplus(x)) (Misra, 2019).
public func mish(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "mish") { x * tanh(logOnePlusExp(x)) }
}

/// Returns x / (1 + |x|).
public func softsign(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "softsign") { x / (1.0 + abs(x)) }
}

/// Returns x / 6 + 1/2, between 0 and 1.
public func hardSigmoid(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "hardSigmoid") { clamp(x + 3.0, 0, 6) / 6.0 }
}

/// Returns x · hardSigmoid(x) (Howard et al., 2019).
public func hardSwish(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "hardSwish") { x * clamp(x + 3.0, 0, 6) / 6.0 }
}

/// Returns 0 between −λ and λ, and x brought nearer to 0 by λ outside.
public func softShrink(
  _ x: Tensor, lambda: Double = 0.5, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "softShrink") {
    guard lambda >= 0 else { return x.failure("softShrink: lambda is \(lambda), not at least 0") }
    let below = select(x .< -lambda, x + lambda, select(x .!= x, x, x.number(0)))
    return select(x .> lambda, x - lambda, below)
  }
}

/// Returns 0 between −λ and λ, else x.
public func hardShrink(
  _ x: Tensor, lambda: Double = 0.5, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "hardShrink") {
    select(and(x .>= -lambda, x .<= lambda), x.number(0), x)
  }
}

/// Returns x − tanh(x).
public func tanhShrink(_ x: Tensor, file: String = #fileID, line: Int = #line) -> Tensor {
  x.builder.at(Site(file, line), "tanhShrink") { x - tanh(x) }
}

/// Returns x where it is above a threshold, else a value.
public func threshold(
  _ x: Tensor, above threshold: Double, otherwise value: Double, file: String = #fileID,
  line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "threshold") {
    select(x .<= threshold, x.number(value), x)
  }
}

/// Returns the first half of an axis times the sigmoid of the second half (Dauphin et al., 2017).
public func glu(
  _ x: Tensor, axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "glu") {
    guard let axis = x.normalized(axis, "glu") else { return Tensor(x.builder, nil) }
    guard let extent = x.shape[axis].fixed, extent % 2 == 0 else {
      return x.failure("glu: axis \(axis) of \(x.shape) cannot be halved")
    }
    let half = Extent(offset: extent / 2)
    return x.slice(axis: axis, to: half) * sigmoid(x.slice(axis: axis, from: half))
  }
}

extension Tensor {
  /// The elements at or below 0, and 0 in place of the others; the derivative at 0 is 1.
  fileprivate var nonPositive: Tensor { select(self .> 0.0, number(0), self) }

  /// Returns one number, or a vector shaped so that it runs along an axis of another tensor.
  package func alongAxis(_ axis: Int, of other: Tensor, _ what: String) -> Tensor? {
    guard !isPlaceholder, !other.isPlaceholder else { return nil }
    guard rank > 0, shape.elementCount != 1 else { return reshaped(.scalar) }
    guard let axis = other.normalized(axis, what) else { return nil }
    guard rank == 1, shape[0] == other.shape[axis] else {
      _ = failure("\(what) \(shape) does not fit axis \(axis) of \(other.shape)")
      return nil
    }
    var extents = [Extent](repeating: 1, count: other.rank)
    extents[axis] = shape[0]
    return reshaped(Shape(extents))
  }
}

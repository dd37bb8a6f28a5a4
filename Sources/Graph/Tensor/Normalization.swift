// Normalisations: mean 0 and variance 1 over some axes, then a scale and a shift.

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

/// Returns the axes from one on at mean 0 and variance 1, then scaled and shifted (Ba et al., 2016).
///
/// - Parameters:
///   - x: Any tensor of real numbers.
///   - axes: Which axes are normalised together.
///   - scale: Of a shape that repeats to that of `x`, or nil.
///   - shift: Of a shape that repeats to that of `x`, or nil.
///   - epsilon: Added to the variance under the root.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: A tensor of the type of `x`.
public func normalize(
  _ x: Tensor, axes: [Int], scale: Tensor? = nil, shift: Tensor? = nil, epsilon: Double = 1e-5,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "normalize") {
    let centred = x - mean(x, axes: axes, keepingAxes: true)
    let spread = mean(centred * centred, axes: axes, keepingAxes: true)
    return affine(centred * (1.0 / sqrt(spread + epsilon)), scale, shift)
  }
}

/// Returns x divided by the root of its mean square over axes, then scaled (Zhang and Sennrich, 2019).
public func rmsNorm(
  _ x: Tensor, axes: [Int] = [-1], scale: Tensor? = nil, epsilon: Double = 1e-5,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "rmsNorm") {
    let square = mean(x * x, axes: axes, keepingAxes: true)
    return affine(x * (1.0 / sqrt(square + epsilon)), scale, nil)
  }
}

/// Returns each group of channels of each element of the batch at mean 0 and variance 1 (Wu and He, 2018).
///
/// - Parameters:
///   - x: `[batch, …]` with channels along an axis.
///   - groups: How many groups the channels are divided into; as many as channels normalise each by itself.
///   - axis: The axis of channels.
///   - scale: `[channels]`, or nil.
///   - shift: `[channels]`, or nil.
///   - epsilon: Added to the variance under the root.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: A tensor of the type of `x`.
public func groupNorm(
  _ x: Tensor, groups: Int, axis: Int = -1, scale: Tensor? = nil, shift: Tensor? = nil,
  epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "groupNorm") {
    guard let axis = x.normalized(axis, "groupNorm") else { return Tensor(x.builder, nil) }
    guard axis > 0, let channels = x.shape[axis].fixed, groups >= 1, channels % groups == 0 else {
      return x.failure(
        "groupNorm: axis \(axis) of \(x.shape) does not divide into \(groups) groups",
        hint: "axis 0 is the batch; the channels lie along another")
    }
    var split = x.shape.extents
    split.replaceSubrange(
      axis...axis, with: [Extent(offset: groups), Extent(offset: channels / groups)])
    let axes = (1..<split.count).filter { $0 != axis }
    let normal = normalize(x.reshaped(Shape(split)), axes: axes, epsilon: epsilon)
      .reshaped(x.shape)
    return affine(normal, scale, shift, along: axis)
  }
}

/// Returns each channel of each element of the batch at mean 0 and variance 1 (Ulyanov et al., 2016).
public func instanceNorm(
  _ x: Tensor, axis: Int = -1, scale: Tensor? = nil, shift: Tensor? = nil,
  epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "instanceNorm") {
    guard let axis = x.normalized(axis, "instanceNorm") else { return Tensor(x.builder, nil) }
    guard axis > 0 else {
      return x.failure("instanceNorm: axis 0 of \(x.shape) is the batch, not the channels")
    }
    let axes = (1..<x.rank).filter { $0 != axis }
    return affine(normalize(x, axes: axes, epsilon: epsilon), scale, shift, along: axis)
  }
}

/// Returns each channel normalised by a mean and a variance that are given (Ioffe and Szegedy, 2015).
///
/// This is batch normalisation as inference does it.
///
/// - Parameters:
///   - x: `[batch, …]` with channels along an axis.
///   - mean: `[channels]`.
///   - variance: `[channels]`.
///   - axis: The axis of channels.
///   - scale: `[channels]`, or nil.
///   - shift: `[channels]`, or nil.
///   - epsilon: Added to the variance under the root.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: A tensor of the type of `x`.
public func batchNorm(
  _ x: Tensor, mean: Tensor, variance: Tensor, axis: Int = -1, scale: Tensor? = nil,
  shift: Tensor? = nil, epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "batchNorm") {
    guard let mean = mean.alongAxis(axis, of: x, "batchNorm: mean"),
      let variance = variance.alongAxis(axis, of: x, "batchNorm: variance")
    else { return Tensor(x.builder, nil) }
    // One product and one sum for each element; the rest is done for each channel.
    let factor = rescaled(variance, epsilon, scale, axis, of: x)
    var rest = -(mean * factor)
    if let shift = shift?.alongAxis(axis, of: x, "shift") { rest = shift + rest }
    return x * factor + rest
  }
}

/// What batch normalisation gives while training.
public struct BatchNormResult {
  /// The normalised tensor.
  public let output: Tensor
  /// The mean of each channel, `[channels]`.
  public let mean: Tensor
  /// The variance of each channel with n in the denominator, `[channels]`.
  public let variance: Tensor
}

/// Returns each channel at mean 0 and variance 1 over the batch and all other axes (Ioffe and Szegedy, 2015).
public func batchNorm(
  _ x: Tensor, axis: Int = -1, scale: Tensor? = nil, shift: Tensor? = nil,
  epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line
) -> BatchNormResult {
  x.builder.at(Site(file, line), "batchNorm") {
    guard let axis = x.normalized(axis, "batchNorm") else {
      return BatchNormResult(output: x, mean: x, variance: x)
    }
    let axes = (0..<x.rank).filter { $0 != axis }
    let channels = Shape([x.shape[axis]])
    // Nothing below depends on which constant is taken from x but by rounding. It is the mean as far as it was
    // summed right; what is left of it is summed beside the squares (the corrected two-pass algorithm of Chan, Golub
    // and LeVeque, 1983), so that no channel is off by the rounding of its mean. Derivatives need not follow the
    // constant through every element, and all the sums they take are of one pass.
    let constant = stopGradient(mean(x, axes: axes, keepingAxes: true))
    let centred = x - constant
    let left = mean(centred, axes: axes, keepingAxes: true)
    // The difference of two rounded numbers; that of equal elements may fall below 0.
    let spread = relu(mean(centred * centred, axes: axes, keepingAxes: true) - left * left)
    let factor = rescaled(spread, epsilon, scale, axis, of: x)
    var rest = -(left * factor)
    if let shift = shift?.alongAxis(axis, of: x, "shift") { rest = shift + rest }
    return BatchNormResult(
      output: centred * factor + rest, mean: (constant + left).reshaped(channels),
      variance: spread.reshaped(channels))
  }
}

/// Returns x / (k + α/n · Σ x²)^β, summed over n neighbouring channels (Krizhevsky et al., 2012).
public func localResponseNorm(
  _ x: Tensor, size: Int, alpha: Double = 1e-4, beta: Double = 0.75, k: Double = 1,
  axis: Int = -1, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "localResponseNorm") {
    guard let axis = x.normalized(axis, "localResponseNorm") else { return x }
    guard size >= 1 else { return x.failure("localResponseNorm: size is \(size), not at least 1") }
    let window = Window(size: size, stride: 1, padding: (size / 2, (size - 1) / 2))
    let sum = sumPool(x * x, [axis: window])
    return x / pow(k + alpha / Double(size) * sum, beta)
  }
}

/// Returns what brings channels of a variance to that of the scale.
private func rescaled(
  _ variance: Tensor, _ epsilon: Double, _ scale: Tensor?, _ axis: Int, of x: Tensor
) -> Tensor {
  let factor = 1.0 / sqrt(variance + epsilon)
  guard let scale = scale?.alongAxis(axis, of: x, "scale") else { return factor }
  return scale * factor
}

/// Returns x·scale + shift, either of which may be left out or run along an axis.
private func affine(
  _ x: Tensor, _ scale: Tensor?, _ shift: Tensor?, along axis: Int? = nil
) -> Tensor {
  var result = x
  for (factor, what) in [(scale, "scale"), (shift, "shift")] {
    guard var factor else { continue }
    if let axis {
      guard let vector = factor.alongAxis(axis, of: x, what) else { return Tensor(x.builder, nil) }
      factor = vector
    }
    result = what == "scale" ? result * factor : result + factor
  }
  return result
}

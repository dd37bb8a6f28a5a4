public import DescentGraph

/// Brings each channel, the last axis, to mean 0 and variance 1, then scales and shifts it (Ioffe and Szegedy, 2015).
///
/// While training that is over the batch and all other axes, and running means of both are kept as state; otherwise
/// the running means take their place. Parameters: `scale` and `shift`; states: `mean` and `variance`; each has the
/// extent of the last axis.
public struct BatchNorm: Layer {
  /// How far the running means go toward a batch's in one step.
  public let momentum: Double
  /// What is added to the variance under the root.
  public let epsilon: Double
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(
    momentum: Double = 0.1, epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line
  ) {
    self.momentum = momentum
    self.epsilon = epsilon
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard x.rank >= 2, let channels = x.shape.extents.last, !channels.isSymbolic else {
      return x.failure("BatchNorm: \(x.shape) has no axis of channels behind the batch")
    }
    let shape = Shape([channels])
    let (scale, shift) = (scope.parameter("scale", shape, .ones), scope.parameter("shift", shape))
    let (mean, variance) = (scope.state("mean", shape), scope.state("variance", shape, .ones))
    guard scope.isTraining else {
      return batchNorm(
        x, mean: mean, variance: variance, scale: scale, shift: shift, epsilon: epsilon,
        file: scope.file, line: scope.line)
    }
    let result = batchNorm(
      x, scale: scale, shift: shift, epsilon: epsilon, file: scope.file, line: scope.line)
    // What the state keeps estimates the variance of all examples, of which a batch has one degree of freedom less.
    let count = x.size(over: Array(0..<x.rank - 1))
    let unbiased = result.variance * (count / maximum(count - 1.0, 0.0))
    scope.update(mean, to: lerp(mean, result.mean))
    scope.update(variance, to: lerp(variance, unbiased))
    return result.output
  }

  private func lerp(_ old: Tensor, _ new: Tensor) -> Tensor {
    old * (1 - momentum) + new * momentum
  }
}

public import DescentGraph

/// Brings each row of the last axis to mean 0 and variance 1, then scales and shifts it.
///
/// Parameters: `scale` and `shift`, both of the extent of the last axis.
public struct LayerNorm: Layer {
  /// What is added to the variance under the root.
  public let epsilon: Double
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(epsilon: Double = 1e-5, file: String = #fileID, line: Int = #line) {
    self.epsilon = epsilon
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard let features = x.shape.extents.last, !features.isSymbolic else {
      return x.failure("LayerNorm: \(x.shape) has no axis of features behind the batch")
    }
    return layerNorm(
      x, scale: scope.parameter("scale", Shape([features]), .ones),
      shift: scope.parameter("shift", Shape([features])), epsilon: epsilon, file: scope.file,
      line: scope.line)
  }
}

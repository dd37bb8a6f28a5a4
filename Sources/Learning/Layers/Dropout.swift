public import DescentGraph

/// Puts 0 in place of some elements while training, and scales the others up so that the mean stays.
///
/// Which ones is drawn anew in each step, keyed by the session's seed and the number of steps so far.
public struct Dropout: Layer {
  /// The share of elements that are dropped.
  public let probability: Double
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(_ probability: Double = 0.5, file: String = #fileID, line: Int = #line) {
    self.probability = probability
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard scope.isTraining else { return x }
    return dropout(x, probability, file: scope.file, line: scope.line)
  }
}

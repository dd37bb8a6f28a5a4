public import DescentGraph

/// Puts all axes behind the batch into one.
public struct Flatten: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard x.rank >= 1 else { return x.failure("Flatten: there is no axis of examples") }
    guard let features = Shape.product(x.shape.extents.dropFirst()) else {
      return x.failure("Flatten: the number of features in \(x.shape) overflows")
    }
    return x.reshape(Shape([x.shape[0], features]), file: scope.file, line: scope.line)
  }
}

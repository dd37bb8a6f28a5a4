public import DescentGraph

/// A module that makes parameters of its own.
///
/// ```swift
/// struct Scale: Layer {
///   let identity = LayerIdentity()
///   func build(_ x: Tensor, in scope: LayerScope) -> Tensor { x * scope.parameter("gain", [1], .ones) }
/// }
/// ```
public protocol Layer: Module {
  /// What tells the layer from an equal one.
  var identity: LayerIdentity { get }

  /// Adds the layer's parameters and nodes to the graph and returns the result.
  func build(_ x: Tensor, in scope: LayerScope) -> Tensor
}

extension Layer {
  /// Returns the result for a tensor.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.builder.entering(self) {
      // Operators know no line of their own and take the last one.
      x.builder.at(identity.site) {}
      return x.isPlaceholder ? x : build(x, in: LayerScope(x.builder, identity.site))
    }
  }
}

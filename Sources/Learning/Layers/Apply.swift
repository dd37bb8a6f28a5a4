public import DescentGraph

/// A layer that is a closure.
///
/// The name stands in front, because a bare closure in a stack would belong to the line before it:
/// ```swift
/// Dense(64); Apply { x in x * sigmoid(1.702 * x) }
/// ```
public struct Apply: Module {
  private let identity: LayerIdentity
  private let function: @Sendable (Tensor) -> Tensor

  /// Creates a layer.
  public init(
    file: String = #fileID, line: Int = #line, _ function: @escaping @Sendable (Tensor) -> Tensor
  ) {
    identity = LayerIdentity(file: file, line: line)
    self.function = function
  }

  /// Returns what the closure makes of a tensor.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.builder.at(identity.site) {}
    return x.isPlaceholder ? x : function(x)
  }
}

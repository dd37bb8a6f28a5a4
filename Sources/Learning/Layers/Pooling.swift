public import DescentGraph

// Pools over images `[batch, height, width, channels]`.

/// Keeps the greatest element of each window of an image.
public struct MaxPool2D: Layer {
  /// The windows along height and width.
  public let window: Window
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; without a stride windows lie side by side.
  public init(
    _ size: Int, stride: Int? = nil, padding: Int = 0, file: String = #fileID, line: Int = #line
  ) {
    window = Window(size: size, stride: stride, padding: padding)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard x.rank == 4 else { return x.notAnImage("MaxPool2D") }
    return maxPool(x, [1: window, 2: window], file: scope.file, line: scope.line)
  }
}

/// Takes the mean of each window of an image; padding counts for nothing.
public struct AveragePool2D: Layer {
  /// The windows along height and width.
  public let window: Window
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; without a stride windows lie side by side.
  public init(
    _ size: Int, stride: Int? = nil, padding: Int = 0, file: String = #fileID, line: Int = #line
  ) {
    window = Window(size: size, stride: stride, padding: padding)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard x.rank == 4 else { return x.notAnImage("AveragePool2D") }
    return averagePool(
      x, [1: window, 2: window], countsPadding: false, file: scope.file, line: scope.line)
  }
}

/// Takes the mean of each channel over the whole image, `[batch, channels]`.
public struct GlobalAveragePool2D: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard x.rank == 4 else { return x.notAnImage("GlobalAveragePool2D") }
    return mean(x, axes: [1, 2], file: scope.file, line: scope.line)
  }
}

extension Tensor {
  /// Records that a layer of images met something else.
  fileprivate func notAnImage(_ layer: String) -> Tensor {
    failure(
      "\(layer): \(shape) is no batch of images",
      hint: "images are [batch, height, width, channels]")
  }
}

public import DescentGraph

// Convolutions over sequences `[batch, time, channels]` and images `[batch, height, width, channels]`.

/// Convolves a sequence, and adds a vector.
///
/// Parameters: `weight` `[size, channels / groups, features]` and `bias` `[features]`.
public struct Conv1D: Layer {
  private let settings: ConvolutionSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; its arguments are those of `Conv2D`.
  public init(
    _ features: Int, kernel: Int, stride: Int = 1, padding: ConvolutionPadding = .valid,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true,
    init initializer: Initializer = .heUniform, file: String = #fileID, line: Int = #line
  ) {
    settings = ConvolutionSettings(
      features: features, kernel: [kernel], strides: [stride], padding: padding,
      dilations: [dilation], groups: groups, hasBias: bias, initializer: initializer)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    settings.build(x, in: scope, "Conv1D")
  }
}

/// Convolves an image, and adds a vector.
///
/// Parameters: `weight` `[height, width, channels / groups, features]` and `bias` `[features]`.
public struct Conv2D: Layer {
  private let settings: ConvolutionSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  ///
  /// - Parameters:
  ///   - features: The channels of the result.
  ///   - kernel: The height and width of a window.
  ///   - stride: The distance between neighbouring windows.
  ///   - padding: What stands around the image.
  ///   - dilation: The distance between neighbouring elements of a window.
  ///   - groups: Into how many parts channels are divided; as many as there are channels: a depthwise convolution.
  ///   - bias: Whether a vector is added.
  ///   - initializer: How the weights begin; He's suits ReLU.
  ///   - file: The file the layer is written in.
  ///   - line: The line the layer is written on.
  public init(
    _ features: Int, kernel: Int, stride: Int = 1, padding: ConvolutionPadding = .valid,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true,
    init initializer: Initializer = .heUniform, file: String = #fileID, line: Int = #line
  ) {
    settings = ConvolutionSettings(
      features: features, kernel: [kernel, kernel], strides: [stride, stride], padding: padding,
      dilations: [dilation, dilation], groups: groups, hasBias: bias, initializer: initializer)
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    settings.build(x, in: scope, "Conv2D")
  }
}

/// Spreads an image by the gradient of a convolution, and adds a vector.
///
/// Parameters: `weight` `[height, width, features / groups, channels]` and `bias` `[features]`.
public struct ConvTranspose2D: Layer {
  private let settings: ConvolutionSettings
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer; its arguments are those of `Conv2D`.
  ///
  /// With `same` padding the result is `stride` times as high and wide.
  public init(
    _ features: Int, kernel: Int, stride: Int = 1, padding: ConvolutionPadding = .valid,
    outputPadding: Int = 0, dilation: Int = 1, groups: Int = 1, bias: Bool = true,
    init initializer: Initializer = .heUniform, file: String = #fileID, line: Int = #line
  ) {
    settings = ConvolutionSettings(
      features: features, kernel: [kernel, kernel], strides: [stride, stride], padding: padding,
      dilations: [dilation, dilation], groups: groups, hasBias: bias, initializer: initializer,
      outputPadding: [outputPadding, outputPadding])
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    settings.build(x, in: scope, "ConvTranspose2D")
  }
}

/// What the layers have in common.
private struct ConvolutionSettings: Sendable {
  var features: Int
  var kernel: [Int]
  var strides: [Int]
  var padding: ConvolutionPadding
  var dilations: [Int]
  var groups: Int
  var hasBias: Bool
  var initializer: Initializer
  /// What a transposed convolution has behind its last window; nil for a convolution.
  var outputPadding: [Int]?

  func build(_ x: Tensor, in scope: LayerScope, _ layer: String) -> Tensor {
    guard x.rank == kernel.count + 2, let channels = x.shape.extents.last?.fixed else {
      let axes = kernel.count == 1 ? "[batch, time, channels]" : "[batch, height, width, channels]"
      return x.failure("\(layer): \(x.shape) is not \(axes)", hint: "reshape it")
    }
    guard features >= 1, kernel.allSatisfy({ $0 >= 1 }) else {
      return x.failure("\(layer): \(features) features of windows of \(kernel) are too few")
    }
    guard groups >= 1, channels % groups == 0, features % groups == 0 else {
      return x.failure(
        "\(layer): \(groups) groups do not divide \(channels) channels and \(features) features")
    }
    let isTransposed = outputPadding != nil
    let ends = isTransposed ? [features / groups, channels] : [channels / groups, features]
    let weight = scope.parameter("weight", Shape(kernel + ends), initializer)
    let result =
      isTransposed
      ? convolveTransposed(
        x, weight, strides: strides, padding: padding, outputPadding: outputPadding,
        dilations: dilations, groups: groups, file: scope.file, line: scope.line)
      : convolve(
        x, weight, strides: strides, padding: padding, dilations: dilations, groups: groups,
        file: scope.file, line: scope.line)
    return hasBias ? result + scope.parameter("bias", Shape([features])) : result
  }
}

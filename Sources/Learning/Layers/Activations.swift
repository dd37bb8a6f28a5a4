public import DescentGraph

/// Keeps what is positive and puts 0 in place of the rest.
public struct ReLU: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    relu(x, file: scope.file, line: scope.line)
  }
}

/// Keeps what is positive and a fraction of the rest.
public struct LeakyReLU: Layer {
  /// The fraction that is kept of what is negative.
  public let slope: Double
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(_ slope: Double = 0.01, file: String = #fileID, line: Int = #line) {
    self.slope = slope
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    leakyRelu(x, slope: slope, file: scope.file, line: scope.line)
  }
}

/// Takes the hyperbolic tangent.
public struct Tanh: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    tanh(x, file: scope.file, line: scope.line)
  }
}

/// Squeezes every number between 0 and 1.
public struct Sigmoid: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    sigmoid(x, file: scope.file, line: scope.line)
  }
}

/// Weighs every number by the share of the Gaussian below it.
public struct GELU: Layer {
  /// The formula.
  public let form: GELUForm
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(_ form: GELUForm = .exact, file: String = #fileID, line: Int = #line) {
    self.form = form
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    gelu(x, form, file: scope.file, line: scope.line)
  }
}

/// Weighs every number by its sigmoid.
public struct SiLU: Layer {
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(file: String = #fileID, line: Int = #line) {
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    silu(x, file: scope.file, line: scope.line)
  }
}

/// Makes the numbers along an axis positive with sum 1.
public struct Softmax: Layer {
  /// The axis; negative ones count from the end.
  public let axis: Int
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(axis: Int = -1, file: String = #fileID, line: Int = #line) {
    self.axis = axis
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    softmax(x, axis: axis, file: scope.file, line: scope.line)
  }
}

/// Takes the logarithm of softmax along an axis.
public struct LogSoftmax: Layer {
  /// The axis; negative ones count from the end.
  public let axis: Int
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  public init(axis: Int = -1, file: String = #fileID, line: Int = #line) {
    self.axis = axis
    identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    logSoftmax(x, axis: axis, file: scope.file, line: scope.line)
  }
}

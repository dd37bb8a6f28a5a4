public import DescentGraph

/// A fully connected layer: the last axis times a matrix, plus a vector.
///
/// Parameters: `weight` `[inputs, units]` and `bias` `[units]`.
public struct Dense: Layer {
  /// The extent of the last axis of the result.
  public let units: Int
  /// The extent of the last axis of the operand; nil takes what comes.
  public let inputs: Int?
  /// Whether a vector is added.
  public let hasBias: Bool
  /// How the matrix begins.
  public let initializer: Initializer
  /// What tells the layer from an equal one.
  public let identity: LayerIdentity

  /// Creates a layer.
  ///
  /// - Parameters:
  ///   - units: The extent of the last axis of the result.
  ///   - inputs: The extent of the last axis of the operand, where it is to be checked.
  ///   - bias: Whether a vector is added.
  ///   - initializer: How the matrix begins; He's is the better one in front of ReLU.
  ///   - file: The file the layer is written in.
  ///   - line: The line the layer is written on.
  public init(
    _ units: Int, inputs: Int? = nil, bias: Bool = true,
    init initializer: Initializer = .glorotUniform,
    file: String = #fileID, line: Int = #line
  ) {
    self.units = units
    self.inputs = inputs
    self.hasBias = bias
    self.initializer = initializer
    self.identity = LayerIdentity(file: file, line: line)
  }

  /// Adds the layer to the graph and returns its result.
  public func build(_ x: Tensor, in scope: LayerScope) -> Tensor {
    guard units >= 1 else {
      return x.failure("Dense: \(units) units are too few", hint: "ask for at least 1")
    }
    guard let last = x.shape.extents.last, let features = last.fixed else {
      return x.failure(
        "Dense: \(x.shape) has no axis of features behind the batch",
        hint: "reshape it to [batch, 1]")
    }
    if let inputs, inputs != features { return mismatch(x, features, inputs) }
    let weight = scope.parameter("weight", Shape([features, units]), initializer)
    let product = x.matmul(weight, file: scope.file, line: scope.line)
    return hasBias ? product + scope.parameter("bias", Shape([units])) : product
  }

  private func mismatch(_ x: Tensor, _ features: Int, _ inputs: Int) -> Tensor {
    let example = Shape.product(x.shape.extents.dropFirst())?.fixed
    return x.failure(
      "matmul: inner extents differ: \(features) in \(x.shape) and \(inputs) in "
        + "\(Shape([inputs, units]))",
      hint: example == inputs && x.rank > 2
        ? "put Flatten() in front of it"
        : "write Dense(\(units)), which takes what comes, or Dense(\(units), inputs: \(features))")
  }
}

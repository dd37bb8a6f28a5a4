public import DescentGraph

/// How far a prediction is from its target: one number, which training makes small.
public enum Loss: Sendable {
  /// −log of the probability of the right class; targets are class indices or probabilities.
  case crossEntropy
  /// The mean squared difference.
  case mse
  /// The mean distance.
  case mae
  /// The mean of a half square near 0, and of a line from a distance on.
  case huber(delta: Double = 1)
  /// −log of the probability of the right one of two classes; predictions are scores, targets probabilities.
  case binaryCrossEntropy
  /// Any computation of one number from prediction and target.
  case custom(@Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor)

  /// Returns the loss of a prediction.
  func callAsFunction(_ prediction: Tensor, _ target: Tensor, at site: Site) -> Tensor {
    switch self {
    case .crossEntropy:
      DescentGraph.crossEntropy(prediction, target, file: site.file, line: site.line)
    case .mse: DescentGraph.mse(prediction, target, file: site.file, line: site.line)
    case .mae: DescentGraph.mae(prediction, target, file: site.file, line: site.line)
    case .huber(let delta):
      DescentGraph.huber(prediction, target, delta: delta, file: site.file, line: site.line)
    case .binaryCrossEntropy:
      DescentGraph.binaryCrossEntropyWithLogits(
        prediction, target, file: site.file, line: site.line)
    case .custom(let function): function(prediction, target)
    }
  }

  /// Returns the type of targets one expects for predictions of a type.
  func targetType(for prediction: TensorType) -> TensorType {
    guard case .crossEntropy = self else { return prediction }
    return TensorType(.i32, Shape(Array(prediction.shape.extents.dropLast())))
  }
}

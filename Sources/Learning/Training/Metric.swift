public import DescentGraph

/// A number that tells how good predictions are; the plan computes it beside the loss.
public enum Metric: Sendable {
  /// The share of examples whose greatest score is at the right class.
  case accuracy
  /// The mean distance between prediction and target.
  case meanAbsoluteError
  /// Any computation of one number, a mean over examples, from prediction and target.
  case custom(String, @Sendable (_ prediction: Tensor, _ target: Tensor) -> Tensor)

  /// The name in tables, and of the output of a graph.
  public var name: String {
    switch self {
    case .accuracy: "accuracy"
    case .meanAbsoluteError: "mae"
    case .custom(let name, _): name
    }
  }

  /// Returns the metric of a prediction.
  func callAsFunction(_ prediction: Tensor, _ target: Tensor, at site: Site) -> Tensor {
    let builder = prediction.builder
    return switch self {
    case .accuracy: builder.at(site, name) { rightShare(prediction, target) }
    case .meanAbsoluteError: builder.at(site, name) { distance(prediction, target) }
    case .custom(_, let function): function(prediction, target)
    }
  }

  private func distance(_ prediction: Tensor, _ target: Tensor) -> Tensor {
    guard prediction.shape == target.shape || prediction.isPlaceholder || target.isPlaceholder
    else {
      return prediction.failure(
        "mae: prediction \(prediction.shape) and target \(target.shape) differ in shape")
    }
    return mean(abs(prediction - target))
  }
}

/// Returns the share of rows whose greatest score is at the label.
private func rightShare(_ scores: Tensor, _ labels: Tensor) -> Tensor {
  guard !scores.isPlaceholder, !labels.isPlaceholder else { return Tensor(scores.builder, nil) }
  let rows = scores.shape.extents.dropLast()
  if labels.dataType.isInteger, labels.shape.extents == Array(rows), scores.rank >= 1 {
    return mean((scores.argMax() .== labels.cast(to: .i32)).cast(to: .f32))
  }
  guard labels.dataType.isFloat, labels.shape == scores.shape, scores.shape.extents.last != 1
  else {
    return scores.failure(
      "accuracy: labels \(labels.type) do not fit scores \(scores.type)",
      hint: "it counts how often the greatest score of a row is at the right class")
  }
  return mean((scores.argMax() .== labels.argMax()).cast(to: .f32))
}

import DescentGraph

/// What is wrong with a set of examples, or with what was asked of it.
public struct DatasetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was found and what was expected.
  public let description: String

  init(_ description: String) { self.description = description }
}

// Every message stands here, so that the wording can be read in one place.
extension DatasetError {
  static let empty = DatasetError("there are no examples")

  static func noExamples(_ role: String, _ type: TensorType) -> DatasetError {
    DatasetError("\(role) of type \(type) have no axis of examples")
  }

  static func counts(inputs: Int, targets: Int) -> DatasetError {
    DatasetError("there are \(inputs) inputs but \(targets) targets")
  }

  static func fraction(_ fraction: Double) -> DatasetError {
    DatasetError("split: the fraction is \(fraction), not between 0 and 1")
  }

  static func emptyPart(_ fraction: Double, of count: Int) -> DatasetError {
    let examples = count == 1 ? "1 example" : "\(count) examples"
    return DatasetError("split: \(fraction) of \(examples) leaves one part empty")
  }

  static func batchSize(_ size: Int) -> DatasetError {
    DatasetError("batches: the size is \(size), not at least 1")
  }

  static func features(_ found: Int, _ expected: Int) -> DatasetError {
    DatasetError("normalized: an example has \(found) features, the normalization \(expected)")
  }

  static func example(_ found: TensorType, model: TensorType) -> DatasetError {
    DatasetError("an example is \(found) but the model takes \(model)")
  }

  static func classIndex(_ index: Int, at example: Int, classes: Int) -> DatasetError {
    DatasetError(
      "example \(example) is of class \(index) but there are \(classes) classes, counted from 0")
  }
}

import DescentGraph

/// Mean and standard deviation of each feature, to bring features of different units to one scale.
///
/// Validation and test sets take the normalization of the training set, which is all a model can know:
/// ```swift
/// let scale = train.normalization
/// try trainer.fit(try train.normalized(by: scale), validation: try test.normalized(by: scale), epochs: 5)
/// ```
public struct Normalization: Hashable, Sendable {
  /// The mean of each feature.
  public let means: [Double]
  /// The standard deviation of each feature; 1 where a feature never changes.
  public let deviations: [Double]
}

extension Dataset {
  /// The mean and standard deviation of each feature.
  public var normalization: Normalization {
    let (elements, width) = (inputs.doubles, inputs.rowWidth)
    var means = [Double](repeating: 0, count: width)
    var squares = means
    for (index, element) in elements.enumerated() { means[index % width] += element }
    for feature in means.indices { means[feature] /= Double(count) }
    for (index, element) in elements.enumerated() {
      let distance = element - means[index % width]
      squares[index % width] += distance * distance
    }
    let deviations = squares.map { square in
      let deviation = (square / Double(count)).squareRoot()
      return deviation > 0 ? deviation : 1
    }
    return Normalization(means: means, deviations: deviations)
  }

  /// Returns the set with each feature brought to mean 0 and deviation 1, as `f32`.
  public func normalized() -> Dataset { scaled(by: normalization) }

  /// Returns the set with each feature shifted and scaled as another set's was, as `f32`.
  ///
  /// - Throws: `DatasetError` where the number of features differs.
  public func normalized(by normalization: Normalization) throws(DatasetError) -> Dataset {
    guard normalization.means.count == inputs.rowWidth else {
      throw .features(inputs.rowWidth, normalization.means.count)
    }
    return scaled(by: normalization)
  }

  private func scaled(by scale: Normalization) -> Dataset {
    let width = inputs.rowWidth
    let elements = inputs.doubles.enumerated().map { index, element in
      Float((element - scale.means[index % width]) / scale.deviations[index % width])
    }
    return with(inputs: NDArray(elements, dimensions: inputs.dimensions))
  }
}

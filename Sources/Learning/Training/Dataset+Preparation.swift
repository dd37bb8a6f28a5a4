import DescentGraph

extension Dataset {
  /// The type of the targets with `.batch` for the number of examples.
  var targetType: TensorType {
    let extents = targets.dimensions.dropFirst().map { Extent(offset: $0) }
    return TensorType(targets.dataType, Shape([.batch] + extents))
  }

  /// Returns the set in the form a model and a loss take, or throws that it does not fit.
  func prepared(for model: Model, _ loss: Loss) throws(DatasetError) -> Dataset {
    let set = try prepared(for: model)
    guard set.targets.dataType.isInteger else {
      guard set.targets.dataType == .f64 else { return set }
      let rounded = NDArray(targets.floats, dimensions: targets.dimensions)
      return try Dataset(inputs: set.inputs, targets: rounded)
    }
    let classes = model.output.shape.extents.last?.fixed
    var labels: [Int32] = []
    labels.reserveCapacity(targets.count)
    for (example, label) in targets.integers.enumerated() {
      if case .crossEntropy = loss, let classes, !(0..<classes).contains(label) {
        throw .classIndex(
          label, at: example / Swift.max(1, targets.rowWidth), classes: classes)
      }
      labels.append(Int32(truncatingIfNeeded: label))
    }
    return try Dataset(
      inputs: set.inputs, targets: NDArray(labels, dimensions: targets.dimensions))
  }

  /// Returns the set with inputs of a model's shape and type, or throws that they do not fit.
  ///
  /// Images may be given as rows and rows as images, as long as the number of elements is right.
  func prepared(for model: Model) throws(DatasetError) -> Dataset {
    let example = model.input.shape.extents.dropFirst().compactMap(\.fixed)
    let found = TensorType(inputs.dataType, Shape(Array(inputs.dimensions.dropFirst())))
    guard inputs.rowWidth == example.reduce(1, *),
      inputs.dataType == model.input.dataType || model.input.dataType == .f32
    else {
      throw .example(found, model: TensorType(model.input.dataType, Shape(example)))
    }
    let shaped = inputs.reshaped([count] + example)
    return with(
      inputs: inputs.dataType == model.input.dataType
        ? shaped : NDArray(inputs.floats, dimensions: shaped.dimensions))
  }
}

extension NDArray {
  /// The elements of an array of integers.
  fileprivate var integers: [Int] {
    switch storage {
    case .i32(let elements): elements.map { Int($0) }
    case .i64(let elements): elements.map { Int($0) }
    case .u8(let elements): elements.map { Int($0) }
    case .f32, .f64, .bool: []
    }
  }
}

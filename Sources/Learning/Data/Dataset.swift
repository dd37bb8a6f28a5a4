public import DescentGraph

/// Examples in memory: what goes into a model and what ought to come out.
///
/// The first axis of both arrays counts the examples.
public struct Dataset: Hashable, Sendable {
  /// What goes in, `[count, …]`.
  public let inputs: NDArray
  /// What ought to come out, `[count, …]`; the classes of a classifier are `i32[count]`.
  public let targets: NDArray

  /// Creates a set from arrays.
  ///
  /// - Throws: `DatasetError` where there are no examples, or more of one than of the other.
  public init(inputs: NDArray, targets: NDArray) throws(DatasetError) {
    guard let inputCount = inputs.dimensions.first else {
      throw .noExamples("inputs", inputs.type)
    }
    guard let targetCount = targets.dimensions.first else {
      throw .noExamples("targets", targets.type)
    }
    guard inputCount == targetCount else {
      throw .counts(inputs: inputCount, targets: targetCount)
    }
    guard inputCount > 0 else { throw .empty }
    self.init(checkedInputs: inputs, targets: targets)
  }

  private init(checkedInputs inputs: NDArray, targets: NDArray) {
    self.inputs = inputs
    self.targets = targets
  }

  /// How many examples there are; at least one.
  public var count: Int { inputs.dimensions[0] }

  /// Returns the examples at some positions.
  ///
  /// - Precondition: There is at least one, and all exist.
  func examples(_ positions: some Collection<Int>) -> Dataset {
    Dataset(checkedInputs: inputs.rows(positions), targets: targets.rows(positions))
  }

  /// Returns the set with other inputs of the same count.
  ///
  /// - Precondition: The first axis is as long as before.
  func with(inputs: NDArray) -> Dataset {
    precondition(inputs.dimensions.first == count, "inputs \(inputs.type) are not \(count)")
    return Dataset(checkedInputs: inputs, targets: targets)
  }

  /// Returns the set with each input times a factor, as `f32`.
  public func scaled(by factor: Double) -> Dataset {
    // The product is rounded once, so that a byte over 255 is the nearest f32.
    let elements = inputs.doubles.map { Float($0 * factor) }
    return with(inputs: NDArray(elements, dimensions: inputs.dimensions))
  }
}

extension NDArray {
  /// How many elements one row along the first axis has.
  var rowWidth: Int { dimensions.dropFirst().reduce(1, *) }

  /// Returns rows along the first axis.
  func rows(_ positions: some Collection<Int>) -> NDArray {
    NDArray(
      storage.rows(positions, width: rowWidth),
      dimensions: [positions.count] + dimensions.dropFirst())
  }
}

extension NDArray.Storage {
  fileprivate func rows(_ positions: some Collection<Int>, width: Int) -> Self {
    func gather<T>(_ elements: [T]) -> [T] {
      var rows: [T] = []
      rows.reserveCapacity(positions.count * width)
      for position in positions {
        rows.append(contentsOf: elements[position * width..<(position + 1) * width])
      }
      return rows
    }
    return switch self {
    case .f32(let elements): .f32(gather(elements))
    case .f64(let elements): .f64(gather(elements))
    case .i32(let elements): .i32(gather(elements))
    case .i64(let elements): .i64(gather(elements))
    case .u8(let elements): .u8(gather(elements))
    case .bool(let elements): .bool(gather(elements))
    }
  }
}

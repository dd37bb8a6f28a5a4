// Checks that several families share. Messages begin with the operation's name.

extension OpDefinition {
  /// Throws unless there are exactly so many operands.
  package func expect(_ count: Int, _ operands: [TensorType]) throws(GraphError) {
    guard operands.count == count else {
      throw GraphError("\(name): takes \(count) operands, not \(operands.count)")
    }
  }

  /// Throws unless an operand's element type is in a domain.
  package func expect(_ type: TensorType, in domain: Domain) throws(GraphError) {
    guard domain.contains(type.dataType) else {
      throw GraphError("\(name): needs \(domain), not \(type)")
    }
  }

  /// Throws unless all operands have the same type.
  package func expectEqual(_ operands: [TensorType]) throws(GraphError) {
    guard let first = operands.first else { return }
    for operand in operands.dropFirst() where operand != first {
      let what = operand.dataType != first.dataType ? "element types" : "shapes"
      throw GraphError("\(name): \(what) differ: \(first) and \(operand)")
    }
  }

  /// Throws unless axes are distinct axes of a shape, in ascending order.
  package func expectAxes(_ axes: [Int], of shape: Shape) throws(GraphError) {
    for axis in axes where !shape.extents.indices.contains(axis) {
      throw GraphError("\(name): axis \(axis) is not an axis of \(shape)")
    }
    guard zip(axes, axes.dropFirst()).allSatisfy({ $0 < $1 }) else {
      throw GraphError("\(name): axes \(axes) are not in ascending order")
    }
  }

  /// Throws where a shape has too many axes or more bytes than can be addressed.
  package func checked(_ type: TensorType) throws(GraphError) -> TensorType {
    guard type.shape.rank <= Shape.maximumRank else {
      throw GraphError(
        "\(name): \(type.shape) has \(type.shape.rank) axes, more than \(Shape.maximumRank)")
    }
    var count = 1
    for extent in type.shape.extents {
      let part = extent.fixed ?? 1
      let (product, overflow) = count.multipliedReportingOverflow(by: max(part, 1))
      guard part >= 0, !overflow, product <= Int.max / 16 else {
        throw GraphError("\(name): \(type) is not a possible size")
      }
      count = product
    }
    return type
  }
}

/// The element types an operation is defined for.
package enum Domain: CustomStringConvertible {
  case floats, numbers, bits, truth, any

  /// Whether the domain includes an element type.
  package func contains(_ dataType: DataType) -> Bool {
    switch self {
    case .floats: dataType.isFloat
    case .numbers: dataType != .bool
    case .bits: !dataType.isFloat
    case .truth: dataType == .bool
    case .any: true
    }
  }

  /// The domain in an error's words.
  package var description: String {
    switch self {
    case .floats: "real numbers"
    case .numbers: "numbers"
    case .bits: "integers or truth values"
    case .truth: "truth values"
    case .any: "any elements"
    }
  }
}

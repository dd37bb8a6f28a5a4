/// Places that are themselves data.
///
/// An index out of range is never read or written through: it is clamped, and the run that met it ends with
/// an error before it changes any state.
public enum Index: Hashable, Sendable {
  /// Slices of the first operand along an axis, at the indices of the second: the axis becomes their shape.
  case gather(axis: Int)
  /// The first operand with slices of the third added along an axis, at the indices of the second.
  ///
  /// Updates are added in ascending order of their index's position, so repeated indices accumulate in order.
  case scatterAdd(axis: Int)
  /// A new last axis that is 1 at the operand's index and 0 elsewhere.
  case oneHot(depth: Int, DataType)
  /// The indices, as `i32`, that put the operand's elements in order along an axis.
  ///
  /// Equal elements keep their order, whichever way the axis is sorted; zeros are equal whatever their signs. NaN
  /// counts as greater than every number.
  case argSort(axis: Int, descending: Bool)
}

extension Index: OpDefinition {
  package var name: String {
    switch self {
    case .gather: "gather"
    case .scatterAdd: "scatterAdd"
    case .oneHot: "oneHot"
    case .argSort: "argSort"
    }
  }

  package var summary: String {
    switch self {
    case .gather: "slices along an axis, taken at indices"
    case .scatterAdd: "slices added along an axis at indices; repeated indices accumulate"
    case .oneHot: "1 at an index along a new last axis, 0 elsewhere"
    case .argSort: "the indices that put an axis in order"
    }
  }

  package var attributes: Attributes {
    switch self {
    case .gather(let axis), .scatterAdd(let axis): Attributes().with("axis", axis)
    case .oneHot(let depth, _): Attributes().with("depth", depth)
    case .argSort(let axis, let descending):
      descending
        ? Attributes().with("axis", axis).with("descending", .word("true"))
        : Attributes().with("axis", axis)
    }
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    switch self {
    case .gather(let axis):
      try expect(2, operands)
      return try checked(
        TensorType(
          operands[0].dataType, try slices(of: operands[0], at: operands[1], along: axis)))
    case .scatterAdd(let axis):
      try expect(3, operands)
      try expect(operands[0], in: .numbers)
      let wanted = TensorType(
        operands[0].dataType, try slices(of: operands[0], at: operands[1], along: axis))
      guard operands[2] == wanted else {
        throw GraphError(
          "scatterAdd: the updates are \(operands[2]), but the indices ask for \(wanted)")
      }
      return operands[0]
    case .oneHot(let depth, let dataType):
      try expect(1, operands)
      try expectIndices(operands[0])
      guard depth >= 1 else { throw GraphError("oneHot: depth is \(depth), not at least 1") }
      return try checked(
        TensorType(dataType, Shape(operands[0].shape.extents + [Extent(offset: depth)])))
    case .argSort(let axis, _):
      try expect(1, operands)
      let shape = operands[0].shape
      guard shape.extents.indices.contains(axis) else {
        throw GraphError("argSort: axis \(axis) is not an axis of \(shape)")
      }
      guard let extent = shape[axis].fixed, extent <= Int(Int32.max) else {
        throw GraphError("argSort: axis \(axis) of \(shape) is not counted by i32")
      }
      return try checked(TensorType(.i32, shape))
    }
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    var cost = Cost(flops: 0, operands: operands, result: result)
    switch self {
    case .gather: cost.bytesRead = result.byteCount + operands[1].byteCount
    case .scatterAdd: cost.flops = operands[2].shape.count
    case .oneHot: cost.flops = result.shape.count
    case .argSort(let axis, _):
      // A comparison for each element and halving.
      let halvings =
        Int.bitWidth - Swift.max(1, operands[0].shape[axis].fixed ?? 1).leadingZeroBitCount
      cost.flops = result.shape.count.multipliedReportingOverflow(by: halvings).partialValue
    }
    return cost
  }

  private func expectIndices(_ type: TensorType) throws(GraphError) {
    guard type.dataType == .i32 || type.dataType == .i64 else {
      throw GraphError("\(name): indices are i32 or i64, not \(type.dataType)")
    }
  }

  private func slices(
    of source: TensorType, at indices: TensorType, along axis: Int
  ) throws(GraphError) -> Shape {
    try expectIndices(indices)
    guard source.shape.extents.indices.contains(axis) else {
      throw GraphError("\(name): axis \(axis) is not an axis of \(source.shape)")
    }
    guard source.shape[axis] != 0 else {
      throw GraphError("\(name): axis \(axis) of \(source.shape) is empty")
    }
    var extents = source.shape.extents
    extents.replaceSubrange(axis...axis, with: indices.shape.extents)
    return Shape(extents)
  }

  package static var samples: [Index] {
    [
      .gather(axis: 0), .scatterAdd(axis: 0), .oneHot(depth: 10, .f32),
      .argSort(axis: 0, descending: false),
    ]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Index? {
    switch name {
    case "gather": return .gather(axis: try attributes.integer("axis"))
    case "scatterAdd": return .scatterAdd(axis: try attributes.integer("axis"))
    case "oneHot": return .oneHot(depth: try attributes.integer("depth"), type.dataType)
    case "argSort":
      return .argSort(
        axis: try attributes.integer("axis"), descending: attributes["descending"] == .word("true"))
    default: return nil
    }
  }
}

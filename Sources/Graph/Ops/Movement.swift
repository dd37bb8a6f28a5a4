/// Elements change place, not value.
public enum Movement: Hashable, Sendable {
  /// The same elements in row-major order with other extents.
  case reshape(Shape)
  /// Axis i of the result is axis `permutation[i]` of the operand.
  case transpose([Int])
  /// Axes are aligned at the end; missing axes and axes of extent 1 repeat.
  case broadcast(Shape)
  /// Every `strides[i]`-th index from `starts[i]` up to but without `limits[i]`.
  case slice(starts: [Extent], limits: [Extent], strides: [Int])
  /// `low` and `high` elements of one value around each axis, and `interior` between neighbours.
  case pad(low: [Extent], high: [Extent], interior: [Int], value: Double)
  /// The operands one after the other along an axis.
  case concatenate(axis: Int)
  /// The order turned round along axes.
  case reverse([Int])
  /// An axis becomes two: every stride-th place where a window fits, and the window's elements, `dilation` apart.
  ///
  /// Windows may overlap: they are read, not copied. What is reduced over the second axis is a pool, and a product
  /// over it a convolution.
  case window(axis: Int, size: Int, stride: Int, dilation: Int)
}

extension Movement: OpDefinition {
  package var name: String {
    switch self {
    case .reshape: "reshape"
    case .transpose: "transpose"
    case .broadcast: "broadcast"
    case .slice: "slice"
    case .pad: "pad"
    case .concatenate: "concatenate"
    case .reverse: "reverse"
    case .window: "window"
    }
  }

  package var summary: String {
    switch self {
    case .reshape: "the same elements in row-major order with other extents"
    case .transpose: "axes in another order"
    case .broadcast: "axes of extent 1 and missing leading axes repeated"
    case .slice: "every stride-th index from a start up to but without a limit"
    case .pad: "one value around each axis and between neighbours"
    case .concatenate: "the operands one after the other along an axis"
    case .reverse: "the order turned round along axes"
    case .window: "an axis as places where a window fits, and the window's elements"
    }
  }

  package var attributes: Attributes {
    let none = Attributes()
    switch self {
    case .reshape(let shape), .broadcast(let shape):
      return none.with("shape", .extents(shape.extents))
    case .transpose(let permutation): return none.with("permutation", permutation)
    case .slice(let starts, let limits, let strides):
      return none.with("starts", .extents(starts)).with("limits", .extents(limits))
        .with("strides", strides)
    case .pad(let low, let high, let interior, let value):
      return none.with("low", .extents(low)).with("high", .extents(high))
        .with("interior", interior).with("value", .number(value))
    case .concatenate(let axis): return none.with("axis", axis)
    case .reverse(let axes): return none.with("axes", axes)
    case .window(let axis, let size, let stride, let dilation):
      return none.with("axis", axis).with("size", size).with("stride", stride)
        .with("dilation", dilation)
    }
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    if case .concatenate(let axis) = self {
      return try concatenatedType(operands, axis: axis)
    }
    try expect(1, operands)
    let (dataType, shape) = (operands[0].dataType, operands[0].shape)
    switch self {
    case .reshape(let result):
      guard Movement.sameCount(shape, result) else {
        throw GraphError("reshape: \(shape) does not have as many elements as \(result)")
      }
      return try checked(TensorType(dataType, result))
    case .transpose(let permutation):
      guard permutation.sorted() == Array(0..<shape.rank) else {
        throw GraphError("transpose: \(permutation) is not an order of the axes of \(shape)")
      }
      return TensorType(dataType, Shape(permutation.map { shape[$0] }))
    case .broadcast(let result):
      try expectBroadcast(shape, to: result)
      return try checked(TensorType(dataType, result))
    case .slice(let starts, let limits, let strides):
      return TensorType(dataType, try sliced(shape, starts, limits, strides))
    case .pad(let low, let high, let interior, _):
      return try checked(TensorType(dataType, try padded(shape, low, high, interior)))
    case .reverse(let axes):
      try expectAxes(axes, of: shape)
      return operands[0]
    case .window(let axis, let size, let stride, let dilation):
      return try checked(
        TensorType(dataType, try windowed(shape, axis, size, stride, dilation)))
    case .concatenate: return operands[0]
    }
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    Cost(flops: 0, operands: operands, result: result)
  }

  package static var samples: [Movement] {
    [
      .reshape([3, 2]), .transpose([1, 0]), .broadcast([2, 2, 3]),
      .slice(starts: [0, 1], limits: [2, 3], strides: [1, 2]),
      .pad(low: [0, 1], high: [1, 0], interior: [0, 1], value: 0), .concatenate(axis: 0),
      .reverse([1]), .window(axis: 1, size: 2, stride: 1, dilation: 1),
    ]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Movement? {
    switch name {
    case "reshape": return .reshape(Shape(try attributes.extents("shape")))
    case "broadcast": return .broadcast(Shape(try attributes.extents("shape")))
    case "transpose": return .transpose(try attributes.integers("permutation"))
    case "slice":
      return .slice(
        starts: try attributes.extents("starts"), limits: try attributes.extents("limits"),
        strides: try attributes.integers("strides"))
    case "pad":
      return .pad(
        low: try attributes.extents("low"), high: try attributes.extents("high"),
        interior: try attributes.integers("interior"), value: try attributes.number("value"))
    case "concatenate": return .concatenate(axis: try attributes.integer("axis"))
    case "reverse": return .reverse(try attributes.integers("axes"))
    case "window":
      return .window(
        axis: try attributes.integer("axis"), size: try attributes.integer("size"),
        stride: try attributes.integer("stride"), dilation: try attributes.integer("dilation"))
    default: return nil
    }
  }
}

// MARK: - Type rules

extension Movement {
  /// Whether two shapes hold equally many elements for every batch size.
  package static func sameCount(_ left: Shape, _ right: Shape) -> Bool {
    // Axes in common cancel, so that [batch, batch, 4] and [batch, 2, batch, 2] compare.
    var rest = right.extents
    var unmatched: [Extent] = []
    for extent in left.extents {
      if let match = rest.firstIndex(of: extent) {
        rest.remove(at: match)
      } else {
        unmatched.append(extent)
      }
    }
    if let a = Shape.product(unmatched), let b = Shape.product(rest), a == b { return true }
    return left.extents.contains(0) && right.extents.contains(0)
  }

  private func expectBroadcast(_ shape: Shape, to result: Shape) throws(GraphError) {
    let missing = result.rank - shape.rank
    let fits =
      missing >= 0
      && shape.extents.indices.allSatisfy { axis in
        shape[axis] == 1 || shape[axis] == result[axis + missing]
      }
    guard fits else { throw GraphError("broadcast: \(shape) does not repeat to \(result)") }
  }

  private func concatenatedType(
    _ operands: [TensorType], axis: Int
  ) throws(GraphError) -> TensorType {
    guard let first = operands.first else {
      throw GraphError("concatenate: takes at least one operand")
    }
    guard first.shape.extents.indices.contains(axis) else {
      throw GraphError("concatenate: axis \(axis) is not an axis of \(first.shape)")
    }
    var extents = first.shape.extents
    for operand in operands.dropFirst() {
      var other = operand.shape.extents
      guard operand.dataType == first.dataType, other.count == extents.count else {
        throw GraphError("concatenate: \(first) and \(operand) cannot be joined")
      }
      let joined = extents[axis].adding(other[axis])
      other[axis] = extents[axis]
      guard other == extents, let joined else {
        throw GraphError(
          "concatenate: \(first) and \(operand) differ along more than axis \(axis)")
      }
      extents[axis] = joined
    }
    return try checked(TensorType(first.dataType, Shape(extents)))
  }

  private func sliced(
    _ shape: Shape, _ starts: [Extent], _ limits: [Extent], _ strides: [Int]
  ) throws(GraphError) -> Shape {
    let rank = shape.rank
    guard starts.count == rank, limits.count == rank, strides.count == rank else {
      throw GraphError("slice: starts, limits and strides need \(rank) entries for \(shape)")
    }
    guard strides.allSatisfy({ $0 <= Movement.greatestStep }) else {
      throw GraphError("slice: strides \(strides) are too great")
    }
    var extents: [Extent] = []
    for axis in 0..<rank {
      let range = "\(starts[axis])..<\(limits[axis]) by \(strides[axis])"
      guard let extent = limits[axis].subtracting(starts[axis]), strides[axis] >= 1,
        let beyond = shape[axis].subtracting(limits[axis]),
        Movement.mayBeNonNegative(extent), Movement.mayBeNonNegative(beyond),
        Movement.mayBeNonNegative(starts[axis])
      else {
        throw GraphError("slice: \(range) is not within axis \(axis) of \(shape)")
      }
      guard let count = Movement.count(extent, by: strides[axis]) else {
        throw GraphError("slice: \(range) is not linear in the batch size")
      }
      extents.append(count)
    }
    return Shape(extents)
  }

  private func padded(
    _ shape: Shape, _ low: [Extent], _ high: [Extent], _ interior: [Int]
  ) throws(GraphError) -> Shape {
    let rank = shape.rank
    guard low.count == rank, high.count == rank, interior.count == rank else {
      throw GraphError("pad: low, high and interior need \(rank) entries for \(shape)")
    }
    var extents: [Extent] = []
    for axis in 0..<rank {
      guard interior[axis] >= 0, Movement.mayBeNonNegative(low[axis]),
        Movement.mayBeNonNegative(high[axis]),
        let spread = Movement.spread(shape[axis], by: interior[axis]),
        let extent = spread.adding(low[axis])?.adding(high[axis])
      else {
        throw GraphError("pad: cannot pad axis \(axis) of \(shape)")
      }
      extents.append(extent)
    }
    return Shape(extents)
  }

  private func windowed(
    _ shape: Shape, _ axis: Int, _ size: Int, _ stride: Int, _ dilation: Int
  ) throws(GraphError) -> Shape {
    guard shape.extents.indices.contains(axis) else {
      throw GraphError("window: axis \(axis) is not an axis of \(shape)")
    }
    guard size >= 1, stride >= 1, dilation >= 1 else {
      throw GraphError(
        "window: size \(size), stride \(stride) and dilation \(dilation) are not all at least 1")
    }
    guard max(stride, dilation) <= Movement.greatestStep else {
      throw GraphError("window: stride \(stride) or dilation \(dilation) is too great")
    }
    let (reach, overflow) = (size - 1).multipliedReportingOverflow(by: dilation)
    guard let extent = shape[axis].fixed, !overflow, reach < extent else {
      throw GraphError(
        "window: \(size) elements, \(dilation) apart, do not fit axis \(axis) of \(shape)")
    }
    var extents = shape.extents
    extents[axis] = Extent(offset: (extent - reach - 1) / stride + 1)
    extents.insert(Extent(offset: size), at: axis + 1)
    return Shape(extents)
  }

  /// The greatest distance between places that are read, taken or not: times that of neighbours it can be counted.
  package static let greatestStep = Int(Int32.max) - 1

  /// Returns how many elements a stride takes of an axis, ⌈extent / stride⌉, or nil where that is not linear.
  private static func count(_ extent: Extent, by stride: Int) -> Extent? {
    guard extent.scale % stride == 0 else { return nil }
    let (whole, rest) = extent.offset.quotientAndRemainder(dividingBy: stride)
    return Extent(scale: extent.scale / stride, offset: rest > 0 ? whole + 1 : whole)
  }

  /// Returns the length of an axis with elements put between neighbours.
  private static func spread(_ extent: Extent, by interior: Int) -> Extent? {
    if interior == 0 || extent == 0 { return extent }
    let (step, overflow) = interior.addingReportingOverflow(1)
    guard !overflow, let scaled = extent.multiplied(by: Extent(offset: step)) else { return nil }
    return scaled.subtracting(Extent(offset: interior))
  }

  /// Whether an extent is at least zero for some batch size; binding checks the rest.
  private static func mayBeNonNegative(_ extent: Extent) -> Bool {
    extent.isSymbolic || extent.offset >= 0
  }
}

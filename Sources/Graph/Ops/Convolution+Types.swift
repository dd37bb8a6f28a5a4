// Which operands windows fit, and what comes of them.

extension Convolution {
  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(2, operands)
    let (x, second) = (operands[0], operands[1])
    guard x.dataType.isFloat, x.dataType == second.dataType else {
      throw GraphError("\(name): needs two operands of one float type, not \(x) and \(second)")
    }
    let count = x.shape.rank - 2
    guard Self.spatialRanks.contains(count), second.shape.rank == x.shape.rank else {
      throw GraphError(
        "\(name): \(x.shape) and \(role) \(second.shape) do not have one to three spatial axes each"
      )
    }
    try checkAttributes(count)
    let bound = second.shape.extents.dropFirst(kernel == nil ? 0 : 1)
    guard !(x.shape.extents.dropFirst() + bound).contains(where: \.isSymbolic) else {
      throw GraphError(
        "\(name): \(x.shape) or \(role) \(second.shape) depend on the batch size in an axis but"
          + " the first")
    }
    let shape =
      kernel == nil
      ? try product(x.shape, second.shape) : try gradient(x.shape, second.shape)
    guard (strides + dilations).allSatisfy({ $0 <= Movement.greatestStep }) else {
      throw GraphError("\(name): strides \(strides) or dilations \(dilations) are too great")
    }
    return try checked(TensorType(x.dataType, shape))
  }

  /// What the second operand is.
  private var role: String { kernel == nil ? "weights" : "cotangent" }

  private func checkAttributes(_ count: Int) throws(GraphError) {
    guard strides.count == count, dilations.count == count,
      (strides + dilations).allSatisfy({ $0 >= 1 })
    else {
      throw GraphError(
        "\(name): strides \(strides) and dilations \(dilations) are not \(count) numbers of at least 1"
          + " each")
    }
    guard low.count == count, high.count == count,
      (low + high).allSatisfy({ $0 >= 0 })
    else {
      throw GraphError(
        "\(name): low \(low) and high \(high) are not \(count) numbers of at least 0 each")
    }
    guard (low + high).allSatisfy({ $0 <= Movement.greatestStep }) else {
      throw GraphError("\(name): low \(low) or high \(high) are too great")
    }
    if let kernel, kernel.count != count {
      throw GraphError("\(name): kernel \(kernel) is not \(count) numbers")
    }
  }

  /// Returns the shape of windows times weights.
  private func product(_ x: Shape, _ weights: Shape) throws(GraphError) -> Shape {
    let count = spatialRank
    let (channels, features) = (x[count + 1].fixed ?? 0, weights[count + 1].fixed ?? 0)
    try checkGroups(channels, features)
    guard channels / groups == weights[count].fixed else {
      let parts = groups == 1 ? "" : " in \(groups) groups"
      throw GraphError("\(name): \(channels) channels\(parts) do not fit weights \(weights)")
    }
    return Shape([x[0]] + (try windows(x, kernel(weights))) + [weights[count + 1]])
  }

  /// Returns the shape of the weights.
  private func gradient(_ x: Shape, _ cotangent: Shape) throws(GraphError) -> Shape {
    let kernel = kernel(cotangent)
    let windows = Shape([x[0]] + (try windows(x, kernel)))
    guard windows.extents == Array(cotangent.extents.dropLast()) else {
      throw GraphError(
        "\(name): cotangent \(cotangent) does not have a place for each of \(windows) windows")
    }
    let channels = x[spatialRank + 1].fixed ?? 0
    let features = cotangent[spatialRank + 1]
    try checkGroups(channels, features.fixed ?? 0)
    let sides = [Extent(offset: channels / groups), features]
    return Shape(kernel.map { Extent(offset: $0) } + sides)
  }

  private func checkGroups(_ channels: Int, _ features: Int) throws(GraphError) {
    guard (1...max(1, channels, features)).contains(groups), channels % groups == 0,
      features % groups == 0
    else {
      throw GraphError(
        "\(name): \(channels) channels and \(features) features do not make \(groups) groups")
    }
  }

  /// Returns how many windows fit along each spatial axis.
  private func windows(_ x: Shape, _ kernel: [Int]) throws(GraphError) -> [Extent] {
    var windows: [Extent] = []
    for (axis, size) in kernel.enumerated() {
      let (span, overflow) = (max(size, 1) - 1).multipliedReportingOverflow(by: dilations[axis])
      let (length, isLong) = (x[axis + 1].fixed ?? 0)
        .addingReportingOverflow(low[axis] + high[axis])
      guard size >= 1, !overflow, !isLong, span < length else {
        throw GraphError(
          "\(name): \(size) elements, \(dilations[axis]) apart, do not fit axis \(axis + 1) of \(x)"
        )
      }
      windows.append(Extent(offset: (length - span - 1) / strides[axis] + 1))
    }
    return windows
  }
}

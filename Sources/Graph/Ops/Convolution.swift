/// Windows times weights: `[batch, spatial…, channels]` and `[kernel…, channels, features]` give
/// `[batch, windows…, features]`.
///
/// There are one to three spatial axes. Windows may begin before the operand and end behind it; what they do not find
/// there is left out of their sums. The weights are not turned round.
///
/// **Order.** Each element starts at +0 and takes its products in ascending order of the kernel's axes, then of the
/// channels, with one fused multiply-add each, rounded once. So where weights are finite, what is left out counts as
/// zeros, but for the sign of a sum that underflows.
public struct Convolution: Hashable, Sendable, Codable {
  /// The distance between neighbouring windows along each spatial axis.
  public let strides: [Int]
  /// The distance between neighbouring elements of a window along each spatial axis.
  public let dilations: [Int]
  /// How far before the operand the first window begins along each spatial axis.
  public let low: [Int]
  /// How far behind the operand a window may end along each spatial axis.
  public let high: [Int]

  /// Creates a convolution; windows lie within the operand if nothing else is said.
  public init(strides: [Int], dilations: [Int], low: [Int]? = nil, high: [Int]? = nil) {
    self.strides = strides
    self.dilations = dilations
    self.low = low ?? strides.map { _ in 0 }
    self.high = high ?? strides.map { _ in 0 }
  }

  /// Whether all windows lie within the operand, whatever its extents.
  package var isInside: Bool { (low + high).allSatisfy { $0 == 0 } }

  /// The most elements of a window's innermost axis, and the most lines of them, for which kernels leave out what
  /// windows do not find: they tell apart which rows find which element, and remember each line in a bit.
  package static let longestLine = 32
  package static let mostLines = 64

  /// Whether kernels leave out what windows of such an extent do not find.
  package static func leavesOut(_ kernel: [Int]) -> Bool {
    let (lines, overflow) = kernel.dropLast().reduce((1, false)) { product, extent in
      let (value, isTooLarge) = product.0.multipliedReportingOverflow(by: extent)
      return (value, product.1 || isTooLarge)
    }
    return !overflow && lines <= mostLines && (kernel.last ?? 1) <= longestLine
  }

  /// The numbers of spatial axes there may be.
  package static let spatialRanks = 1...3

  /// The number of spatial axes.
  package var spatialRank: Int { strides.count }

  /// Returns the extents of the weights' spatial axes.
  package func kernel(of weights: Shape) -> [Int] {
    weights.extents.prefix(spatialRank).map { $0.fixed ?? 0 }
  }

  /// Returns how far it is from the first element of a window through the last, along each spatial axis.
  package func reaches(of weights: Shape) -> [Int] {
    zip(kernel(of: weights), dilations).map { ($0 - 1) * $1 + 1 }
  }

  /// Returns the number of windows along each spatial axis of a bound operand.
  package func windowCounts(_ x: Shape, _ weights: Shape) -> [Int] {
    let reaches = reaches(of: weights)
    return strides.indices.map { axis in
      (x.dimensions[axis + 1] + low[axis] + high[axis] - reaches[axis]) / strides[axis] + 1
    }
  }

  /// Returns the product that bound operands make: a row for each window, with as many elements as it holds, and a
  /// column for each feature.
  package func extents(_ x: Shape, _ weights: Shape) -> Contraction.Extents {
    let windows = windowCounts(x, weights)
    let (batch, factors) = (x.dimensions[0], weights.dimensions)
    return Contraction.Extents(
      batch: 1, m: windows.reduce(batch, *), n: factors[spatialRank + 1],
      k: factors.dropLast().reduce(1, *))
  }
}

extension Convolution: OpDefinition {
  package var name: String { "convolve" }

  package var summary: String { "each window of the operand times weights, summed" }

  package var attributes: Attributes {
    let inside = Attributes().with("strides", strides).with("dilations", dilations)
    return isInside ? inside : inside.with("low", low).with("high", high)
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(2, operands)
    let (x, weights) = (operands[0], operands[1])
    guard x.dataType.isFloat, x.dataType == weights.dataType else {
      throw GraphError("convolve: needs two operands of one float type, not \(x) and \(weights)")
    }
    let count = x.shape.rank - 2
    guard Self.spatialRanks.contains(count), weights.shape.rank == x.shape.rank else {
      throw GraphError(
        "convolve: \(x.shape) and weights \(weights.shape) do not have one to three spatial axes each"
      )
    }
    guard strides.count == count, dilations.count == count,
      (strides + dilations).allSatisfy({ $0 >= 1 })
    else {
      throw GraphError(
        "convolve: strides \(strides) and dilations \(dilations) are not \(count) numbers of at least 1"
          + " each")
    }
    guard low.count == count, high.count == count,
      (low + high).allSatisfy({ $0 >= 0 })
    else {
      throw GraphError(
        "convolve: low \(low) and high \(high) are not \(count) numbers of at least 0 each")
    }
    guard (low + high).allSatisfy({ $0 <= Movement.greatestStep }) else {
      throw GraphError("convolve: low \(low) or high \(high) are too great")
    }
    guard !(x.shape.extents.dropFirst() + weights.shape.extents).contains(where: \.isSymbolic)
    else {
      throw GraphError(
        "convolve: \(x.shape) or weights \(weights.shape) depend on the batch size in an axis but"
          + " the first")
    }
    guard x.shape[count + 1] == weights.shape[count] else {
      throw GraphError(
        "convolve: \(x.shape[count + 1]) channels do not fit weights \(weights.shape)")
    }
    var extents = [x.shape[0]]
    for axis in 0..<count {
      extents.append(try windows(axis, x.shape, weights.shape))
    }
    guard (strides + dilations).allSatisfy({ $0 <= Movement.greatestStep }) else {
      throw GraphError("convolve: strides \(strides) or dilations \(dilations) are too great")
    }
    return try checked(TensorType(x.dataType, Shape(extents + [weights.shape[count + 1]])))
  }

  /// Returns how many windows fit along a spatial axis.
  private func windows(
    _ axis: Int, _ x: Shape, _ weights: Shape
  ) throws(GraphError) -> Extent {
    let (extent, size) = (x[axis + 1].fixed ?? 0, weights[axis].fixed ?? 0)
    let (span, overflow) = (size - 1).multipliedReportingOverflow(by: dilations[axis])
    let (length, isLong) = extent.addingReportingOverflow(low[axis] + high[axis])
    guard size >= 1, !overflow, !isLong, span < length else {
      throw GraphError(
        "convolve: \(size) elements, \(dilations[axis]) apart, do not fit axis \(axis + 1) of \(x)")
    }
    return Extent(offset: (length - span - 1) / strides[axis] + 1)
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    let flops = extents(operands[0].shape, operands[1].shape).flops
    return Cost(flops: flops, operands: operands, result: result)
  }

  package static var samples: [Convolution] {
    [Convolution(strides: [1, 2], dilations: [1, 1], low: [1, 0], high: [0, 2])]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Convolution? {
    guard name == "convolve" else { return nil }
    let isInside = attributes["low"] == nil && attributes["high"] == nil
    return Convolution(
      strides: try attributes.integers("strides"), dilations: try attributes.integers("dilations"),
      low: isInside ? nil : try attributes.integers("low"),
      high: isInside ? nil : try attributes.integers("high"))
  }
}

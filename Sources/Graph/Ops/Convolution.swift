/// Windows times weights, or the gradient of the weights of such a product.
///
/// Windows lie over an operand `[batch, spatial…, channels]` of one to three spatial axes.
///
/// - `convolve` multiplies them with weights `[kernel…, channels, features]`, and is `[batch, windows…, features]`.
/// - `weightGradient` multiplies them with a cotangent `[batch, windows…, features]`, and is
///   `[kernel…, channels, features]`: each element of a window meets the features of the window's place.
///
/// Channels and features may be cut into equally many equal parts, the groups: a feature meets the channels of its own
/// part only, and weights have as many channels as a part.
///
/// Windows may begin before the operand and end behind it; what they do not find there is left out of the sums. The
/// weights are not turned round.
///
/// **Order.** Each element starts at +0 and takes its products in ascending order, with one fused multiply-add each,
/// rounded once: `convolve` in the order of the kernel's axes, then of the channels, `weightGradient` in that of the
/// batch, then of the windows' axes. The latter sums some images by themselves (see `chunk`), and adds these sums in
/// order. So where the second operand is finite, what is left out counts as zeros, but for the sign of a sum that
/// underflows.
public struct Convolution: Hashable, Sendable, Codable {
  /// The distance between neighbouring windows along each spatial axis.
  public let strides: [Int]
  /// The distance between neighbouring elements of a window along each spatial axis.
  public let dilations: [Int]
  /// How far before the operand the first window begins along each spatial axis.
  public let low: [Int]
  /// How far behind the operand a window may end along each spatial axis.
  public let high: [Int]
  /// Into how many parts channels and features are divided.
  public let groups: Int
  /// The extents of the kernel's axes, if the weights' gradient is computed.
  public let kernel: [Int]?

  /// Creates a convolution, or the gradient of its weights if their extents along the spatial axes are given; windows
  /// lie within the operand if nothing else is said.
  public init(
    strides: [Int], dilations: [Int], low: [Int]? = nil, high: [Int]? = nil, groups: Int = 1,
    kernel: [Int]? = nil
  ) {
    self.strides = strides
    self.dilations = dilations
    self.low = low ?? strides.map { _ in 0 }
    self.high = high ?? strides.map { _ in 0 }
    self.groups = groups
    self.kernel = kernel
  }

  /// Returns the same windows, multiplied with weights or, if the extents of their kernel are given, for the gradient
  /// of these.
  package func with(kernel: [Int]?) -> Convolution {
    Convolution(
      strides: strides, dilations: dilations, low: low, high: high, groups: groups, kernel: kernel)
  }

  /// Whether all windows lie within the operand, whatever its extents.
  package var isInside: Bool { (low + high).allSatisfy { $0 == 0 } }

  /// The numbers of spatial axes there may be.
  package static let spatialRanks = 1...3

  /// The number of spatial axes.
  package var spatialRank: Int { strides.count }

  /// Returns the extents of the kernel's axes; the second operand is the weights, or the cotangent.
  package func kernel(_ second: Shape) -> [Int] {
    kernel ?? second.extents.prefix(spatialRank).map { $0.fixed ?? 0 }
  }

  /// Returns how far it is from the first element of a window through the last, along each spatial axis.
  package func reaches(_ second: Shape) -> [Int] {
    zip(kernel(second), dilations).map { ($0 - 1) * $1 + 1 }
  }

  /// Returns the number of windows along each spatial axis of a bound operand.
  package func windowCounts(_ x: Shape, _ second: Shape) -> [Int] {
    let reaches = reaches(second)
    return strides.indices.map { axis in
      (x.dimensions[axis + 1] + low[axis] + high[axis] - reaches[axis]) / strides[axis] + 1
    }
  }

  /// Returns the products that bound operands make, one for each group: windows with their elements, one of which are
  /// the rows and the other the terms, and a column for each feature.
  package func extents(_ x: Shape, _ second: Shape) -> Contraction.Extents {
    let windows = windowCounts(x, second).reduce(x.dimensions[0], *)
    let elements = kernel(second).reduce(x.dimensions[spatialRank + 1] / groups, *)
    let (m, k) = kernel == nil ? (windows, elements) : (elements, windows)
    return Contraction.Extents(
      batch: groups, groups: groups, m: m, n: second.dimensions[spatialRank + 1] / groups, k: k)
  }
}

extension Convolution {
  /// Returns how many terms follow one another before they are added to those that came before, as in a `Contraction`.
  ///
  /// A window's elements are few enough to be one sum. Of the weights' gradient, whole images are summed by themselves:
  /// about as many as have `Contraction.defaultChunk` windows, and of small ones as many as have whole vectors of them.
  package func chunk(_ x: Shape, _ second: Shape) -> Int {
    guard kernel != nil else { return max(1, extents(x, second).k) }
    let windows = max(1, windowCounts(x, second).reduce(1, *))
    guard windows <= Contraction.defaultChunk else { return windows }
    let unit = max(1, 16 >> windows.trailingZeroBitCount)
    return max(1, Contraction.defaultChunk / windows / unit) * unit * windows
  }
}

// MARK: - What kernels leave out

extension Convolution {
  /// The most elements of a window's innermost axis, and the most lines of them, for which kernels leave out what
  /// windows do not find: they tell apart which rows find which element, and remember each line in a bit.
  package static let longestLine = 32
  package static let mostLines = 64
  /// The most lines of windows, counted for each element, for which kernels leave out of the weights' gradient what
  /// elements do not find: they remember where each line begins.
  package static let mostLinesOfWindows = 1 << 15

  /// Whether kernels leave out what windows of such an extent do not find.
  ///
  /// - Parameters:
  ///   - kernel: The number of a window's elements along each spatial axis.
  ///   - windows: The number of windows along each, if it is the weights' gradient.
  /// - Returns: Whether they do; else zeros are put around the operand.
  package static func leavesOut(_ kernel: [Int], windows: [Int]? = nil) -> Bool {
    let lines = product(kernel.dropLast())
    guard lines <= mostLines, (kernel.last ?? 1) <= longestLine else { return false }
    guard let windows else { return true }
    return product(kernel + windows.dropLast()) <= mostLinesOfWindows
  }

  private static func product(_ extents: some Sequence<Int>) -> Int {
    extents.reduce(1) { product, extent in
      let (value, overflow) = product.multipliedReportingOverflow(by: extent)
      return overflow ? .max : value
    }
  }
}

extension Convolution: OpDefinition {
  package var name: String { kernel == nil ? "convolve" : "weightGradient" }

  package var summary: String {
    kernel == nil
      ? "each window of the operand times weights, summed"
      : "each window of the operand times the cotangent at its place, summed over windows"
  }

  package var attributes: Attributes {
    let windows = kernel.map { Attributes().with("kernel", $0) } ?? Attributes()
    let inside = windows.with("strides", strides).with("dilations", dilations)
    var attributes = isInside ? inside : inside.with("low", low).with("high", high)
    if groups != 1 { attributes.append("groups", .extent(Extent(offset: groups))) }
    return attributes
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    let flops = extents(operands[0].shape, operands[1].shape).flops
    return Cost(flops: flops, operands: operands, result: result)
  }

  package static var samples: [Convolution] {
    let sample = Convolution(strides: [1, 2], dilations: [1, 1], low: [1, 0], high: [0, 2])
    return [sample, sample.with(kernel: [2, 3])]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Convolution? {
    guard ["convolve", "weightGradient"].contains(name) else { return nil }
    let isInside = attributes["low"] == nil && attributes["high"] == nil
    return Convolution(
      strides: try attributes.integers("strides"), dilations: try attributes.integers("dilations"),
      low: isInside ? nil : try attributes.integers("low"),
      high: isInside ? nil : try attributes.integers("high"),
      groups: attributes["groups"] == nil ? 1 : try attributes.integer("groups"),
      kernel: name == "convolve" ? nil : try attributes.integers("kernel"))
  }
}

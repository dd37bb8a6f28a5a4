// Convolutions with what stands around them: padding, the order of axes, groups.

/// What stands around a tensor before windows are laid over it.
public enum ConvolutionPadding: Hashable, Sendable {
  /// Nothing: windows lie within the tensor.
  case valid
  /// As many zeros as give ⌈extent / stride⌉ windows along each axis, the odd one behind.
  case same
  /// So many zeros before and behind each axis.
  case zeros(low: [Int], high: [Int])

  /// So many zeros on both sides of each axis.
  public static func zeros(_ both: [Int]) -> ConvolutionPadding { .zeros(low: both, high: both) }
}

/// Where the axis of channels is.
public enum ChannelAxis: Hashable, Sendable {
  /// Operands `[batch, spatial…, channels]`, weights `[kernel…, channels, features]`.
  case last
  /// Operands `[batch, channels, spatial…]`, weights `[features, channels, kernel…]`.
  case first
}

/// Returns each window of a tensor multiplied with weights and summed.
///
/// The weights are not turned round, as everywhere in this field. An element of the result takes its products in the
/// order of the kernel's axes, then of the channels. It leaves out what a window would find among the zeros around: it
/// differs from adding them where weights are not finite. Around the operand of windows of more than 32 elements along
/// the last axis, or of more than 64 lines of them, zeros are put and added.
///
/// - Parameters:
///   - x: `[batch, spatial…, channels]` with one to three spatial axes.
///   - weights: `[kernel…, channels / groups, features]`.
///   - strides: The distance between neighbouring windows along each axis, 1 if left out.
///   - padding: What stands around the tensor.
///   - dilations: The distance between neighbouring elements of a window along each axis, 1 if left out.
///   - groups: Into how many parts channels and features are divided; a feature sees the channels of its part.
///   - channels: Where the axis of channels is, in operand, weights and result.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: `[batch, windows…, features]`.
public func convolve(
  _ x: Tensor, _ weights: Tensor, strides: [Int]? = nil, padding: ConvolutionPadding = .valid,
  dilations: [Int]? = nil, groups: Int = 1, channels: ChannelAxis = .last,
  file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "convolve") {
    let (x, weights) = (x.channelsLast(channels), weights.featuresLast(channels))
    guard !weights.isPlaceholder,
      let convolution = ConvolutionArguments(
        x, weights.shape, strides, dilations, groups: groups, name: "convolve")
    else { return Tensor(x.builder, nil) }
    guard let zeros = convolution.zeros(x, padding) else { return Tensor(x.builder, nil) }
    let windows = Convolution(
      strides: convolution.strides, dilations: convolution.dilations, low: zeros.low,
      high: zeros.high, groups: groups)
    return x.convolved(windows, weights).channelsFirst(channels)
  }
}

/// Returns the gradient of a convolution with respect to its operand, as an operation of its own.
///
/// Also called deconvolution. Each element is multiplied with the weights and added to the result at its window; there
/// are no products with zeros between or around elements.
///
/// - Parameters:
///   - x: `[batch, spatial…, features]`.
///   - weights: Those of the convolution: `[kernel…, channels / groups, features]`.
///   - strides: The distance between neighbouring windows, 1 if left out.
///   - padding: What the convolution would have padded; with `same` the result is `stride` times as long.
///   - outputPadding: How many elements behind the last window each axis of the result has, 0 if left out.
///   - dilations: The distance between neighbouring elements of a window, 1 if left out.
///   - groups: The parts of the convolution.
///   - channels: Where the axis of channels is.
///   - file: The caller's file.
///   - line: The caller's line.
/// - Returns: `[batch, spatial…, channels]`, of extent (n − 1)·stride + reach − padding + outputPadding.
public func convolveTransposed(
  _ x: Tensor, _ weights: Tensor, strides: [Int]? = nil, padding: ConvolutionPadding = .valid,
  outputPadding: [Int]? = nil, dilations: [Int]? = nil, groups: Int = 1,
  channels: ChannelAxis = .last, file: String = #fileID, line: Int = #line
) -> Tensor {
  x.builder.at(Site(file, line), "convolveTransposed") {
    let (x, weights) = (x.channelsLast(channels), weights.featuresLast(channels))
    guard
      !weights.isPlaceholder,
      let convolution = ConvolutionArguments(
        x, weights.shape.turned(groups: groups), strides, dilations, groups: groups,
        name: "convolveTransposed"),
      let (low, extents) = convolution.transposed(x, padding, outputPadding)
    else { return Tensor(x.builder, nil) }
    let windows = Convolution(
      strides: convolution.strides, dilations: convolution.dilations, low: low, groups: groups)
    return x.operandGradient(windows, weights, extents: extents).channelsFirst(channels)
  }
}

/// A convolution whose operands fit each other, channels last.
private struct ConvolutionArguments {
  /// How many zeros stand before and behind each spatial axis.
  typealias Zeros = (low: [Int], high: [Int])

  let name: String
  let strides: [Int]
  let dilations: [Int]
  /// The extents of the weights' spatial axes.
  let kernel: [Int]

  init?(
    _ x: Tensor, _ weights: Shape, _ strides: [Int]?, _ dilations: [Int]?, groups: Int,
    name: String
  ) {
    guard !x.isPlaceholder else { return nil }
    let failure = { (message: String) in _ = x.failure("\(name): \(message)") }
    let count = x.rank - 2
    guard (1...3).contains(count), weights.rank == x.rank else {
      failure("\(x.shape) and weights \(weights) do not have one to three spatial axes each")
      return nil
    }
    let extents = x.shape.extents.dropFirst().map(\.fixed)
    let kernel = weights.extents.map(\.fixed)
    guard extents.allSatisfy({ $0 != nil }), kernel.allSatisfy({ $0 != nil }) else {
      failure(
        "\(x.shape) or weights \(weights) depend on the batch size in an axis but the first")
      return nil
    }
    self.name = name
    self.strides = strides ?? Array(repeating: 1, count: count)
    self.dilations = dilations ?? Array(repeating: 1, count: count)
    self.kernel = kernel.prefix(count).compactMap(\.self)
    let (channels, features) = ((extents.last ?? nil) ?? 0, (kernel.last ?? nil) ?? 0)
    guard self.strides.count == count, self.dilations.count == count else {
      failure("strides \(self.strides) and dilations \(self.dilations) need \(count) entries each")
      return nil
    }
    let limit = Int(Int32.max)
    let numbers = self.strides + self.dilations + self.kernel
    guard numbers.allSatisfy({ $0 >= 1 && $0 < limit }) else {
      failure(
        "strides \(self.strides), dilations \(self.dilations) and kernel \(self.kernel) are not all at least 1"
      )
      return nil
    }
    guard extents.allSatisfy({ ($0 ?? 0) < limit }) else {
      failure("an axis of \(x.shape) is too long")
      return nil
    }
    guard groups >= 1, channels % groups == 0, features % groups == 0,
      kernel[count] == channels / groups
    else {
      failure(
        "\(channels) channels in \(groups) groups do not fit weights \(weights)")
      return nil
    }
  }

  /// From the first element of a window through the last.
  private func reach(_ axis: Int) -> Int { (kernel[axis] - 1) * dilations[axis] + 1 }

  /// Returns how many zeros stand around a tensor, or nothing where windows do not fit.
  func zeros(_ x: Tensor, _ padding: ConvolutionPadding) -> Zeros? {
    var (low, high) = (strides.map { _ in 0 }, strides.map { _ in 0 })
    switch padding {
    case .valid: break
    case .same:
      for axis in kernel.indices {
        let extent = x.shape[axis + 1].fixed ?? 0
        let windows = (extent + strides[axis] - 1) / strides[axis]
        let total = Swift.max(0, (windows - 1) * strides[axis] + reach(axis) - extent)
        (low[axis], high[axis]) = (total / 2, total - total / 2)
      }
    case .zeros(let before, let behind): (low, high) = (before, behind)
    }
    guard areAmounts(low, x), areAmounts(high, x) else { return nil }
    for axis in kernel.indices {
      let extent = (x.shape[axis + 1].fixed ?? 0) + low[axis] + high[axis]
      guard extent >= reach(axis) else {
        _ = x.failure(
          "\(name): a window of \(reach(axis)) does not fit axis \(axis + 1) of \(x.shape) with "
            + "\(low[axis]) and \(high[axis]) zeros")
        return nil
      }
    }
    return (low, high)
  }

  private func areAmounts(_ numbers: [Int], _ x: Tensor) -> Bool {
    guard numbers.count == kernel.count, numbers.allSatisfy({ $0 >= 0 && $0 < Int(Int32.max) })
    else {
      _ = x.failure(
        "\(name): \(numbers) are not \(kernel.count) amounts of zeros")
      return false
    }
    return true
  }

  /// Returns how far before the result the first window of a transposed convolution begins, and the result's spatial
  /// extents.
  func transposed(
    _ x: Tensor, _ padding: ConvolutionPadding, _ outputPadding: [Int]?
  ) -> (low: [Int], extents: [Int])? {
    var (low, high) = (strides.map { _ in 0 }, strides.map { _ in 0 })
    switch padding {
    case .valid: break
    case .same:
      for axis in kernel.indices {
        // A window shorter than the stride leaves a gap, which is padded behind.
        let total = reach(axis) - strides[axis]
        (low[axis], high[axis]) = total > 0 ? (total / 2, total - total / 2) : (0, total)
      }
    case .zeros(let before, let behind):
      guard areAmounts(before, x), areAmounts(behind, x) else { return nil }
      (low, high) = (before, behind)
    }
    let extra = outputPadding ?? strides.map { _ in 0 }
    guard areAmounts(extra, x) else { return nil }
    let extents = kernel.indices.map { axis in
      ((x.shape[axis + 1].fixed ?? 0) - 1) * strides[axis] + reach(axis) - low[axis] - high[axis]
        + extra[axis]
    }
    if let axis = extents.firstIndex(where: { $0 < 1 }) {
      _ = x.failure("\(name): nothing is left of axis \(axis + 1) of \(x.shape)")
      return nil
    }
    return (low, extents)
  }
}

extension Tensor {
  /// Returns a convolution of the tensor; where windows have very many elements, zeros are put around it.
  package func convolved(_ convolution: Convolution, _ weights: Tensor) -> Tensor {
    guard !convolution.isInside, !Convolution.leavesOut(convolution.kernel(weights.shape))
    else {
      return apply(.convolution(convolution), weights)
    }
    return surrounded(convolution).apply(.convolution(convolution.inside), weights)
  }

  /// Returns the gradient of a convolution's weights; where windows have very many elements, or are very many, zeros
  /// are put around the tensor.
  package func weightGradient(
    _ convolution: Convolution, kernel: [Int], _ cotangent: Tensor
  ) -> Tensor {
    let gradient = convolution.with(kernel: kernel)
    let windows = cotangent.shape.extents.dropFirst().dropLast().map { $0.fixed ?? 0 }
    guard !gradient.isInside, !Convolution.leavesOut(kernel, windows: windows) else {
      return apply(.convolution(gradient), cotangent)
    }
    return surrounded(gradient).apply(.convolution(gradient.inside), cotangent)
  }

  /// Returns the tensor with the zeros around that windows of a convolution reach.
  private func surrounded(_ convolution: Convolution) -> Tensor {
    surrounded(low: convolution.low, high: convolution.high)
  }

  /// Returns the tensor with zeros around its spatial axes, if there are any.
  package func surrounded(low: [Int], high: [Int]) -> Tensor {
    guard (low + high).contains(where: { $0 != 0 }) else { return self }
    return pad(low: [0] + low + [0], high: [0] + high + [0])
  }

  /// Returns the elements of each window over the spatial axes: `[batch, windows…, kernel…, channels]`.
  package func windows(kernel: [Int], strides: [Int], dilations: [Int]) -> Tensor {
    var windows = self
    for axis in kernel.indices.reversed() {
      windows = windows.apply(
        .movement(
          .window(
            axis: axis + 1, size: kernel[axis], stride: strides[axis], dilation: dilations[axis])))
    }
    // Each window's elements follow its place.
    let places = kernel.indices.map { 2 * $0 + 1 }
    return windows.apply(
      .movement(.transpose([0] + places + places.map { $0 + 1 } + [2 * kernel.count + 1])))
  }

  fileprivate func channelsLast(_ channels: ChannelAxis) -> Tensor {
    channels == .first && rank > 2 && !isPlaceholder ? moveAxes([1], to: [rank - 1]) : self
  }

  fileprivate func channelsFirst(_ channels: ChannelAxis) -> Tensor {
    channels == .first && rank > 2 && !isPlaceholder ? moveAxes([rank - 1], to: [1]) : self
  }

  /// Returns weights `[kernel…, channels, features]`.
  fileprivate func featuresLast(_ channels: ChannelAxis) -> Tensor {
    guard channels == .first, rank > 2, !isPlaceholder else { return self }
    return transpose(Array(2..<rank) + [1, 0])
  }

  /// Returns weights of the convolution that takes features back to channels: turned round along the kernel's axes,
  /// features and channels of each group changed over.
  func turned(groups: Int) -> Tensor {
    guard !isPlaceholder, rank > 2, groups >= 1, let features = shape.extents.last?.fixed,
      features % groups == 0
    else { return self }
    let kernel = Array(0..<rank - 2)
    let turned = reverse(axes: kernel)
    guard groups > 1 else { return turned.transpose() }
    let parts = turned.reshaped(
      Shape(
        Array(shape.extents.dropLast())
          + [Extent(offset: groups), Extent(offset: features / groups)]))
    let swapped = parts.transpose(kernel + [rank, rank - 1, rank - 2])
    guard let channels = Shape.product([shape[rank - 2], Extent(offset: groups)]) else {
      return failure("convolveTransposed: the number of channels overflows")
    }
    return swapped.reshaped(
      Shape(kernel.map { shape[$0] } + [Extent(offset: features / groups), channels]))
  }
}

extension Convolution {
  /// The same convolution of an operand with its zeros around it.
  fileprivate var inside: Convolution {
    Convolution(strides: strides, dilations: dilations, groups: groups, kernel: kernel)
  }
}

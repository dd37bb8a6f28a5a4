import Descent

extension OpTables {
  static let convolutionOps: OpTable = {
    var table: OpTable = [:]
    for axes in 1...3 {
      table["nn.functional.conv\(axes)d"] = { try convolve($0, axes) }
      table["nn.functional.conv_transpose\(axes)d"] = { try convolveTransposed($0, axes) }
    }
    return table
  }()

  private static func convolve(_ call: OpCall, _ axes: Int) throws -> [Tensor] {
    let (x, weights) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
    let bias = try call.optionalTensor(2, "bias")
    let stride = try call.integers(3, "stride", count: axes, default: [1])
    let padding = call.take(4, "padding")
    let dilation = try call.integers(5, "dilation", count: axes, default: [1])
    let groups = try call.integer(6, "groups", default: 1)
    guard weights.rank == axes + 2 else { throw WorkerError.refused("weights \(weights.shape)") }
    var zeros = ConvolutionPadding.valid
    switch padding {
    case nil, .word("valid")?: break
    case .word("same")?:
      guard stride.allSatisfy({ $0 == 1 }) else { throw WorkerError.refused("same with a stride") }
      zeros = .same
    case .integer(let amount)?: zeros = .zeros([Int](repeating: amount, count: axes))
    case .list(let elements)?:
      let amounts = try elements.map { element -> Int in
        guard case .integer(let amount) = element else { throw WorkerError.refused("padding") }
        return amount
      }
      guard amounts.count == axes || amounts.count == 1 else {
        throw WorkerError.refused("padding \(amounts)")
      }
      zeros = .zeros(amounts.count == 1 ? [Int](repeating: amounts[0], count: axes) : amounts)
    default: throw WorkerError.refused("padding")
    }
    return [
      try x.inBatch(axes) {
        try Descent.convolve(
          $0, weights, strides: stride, padding: zeros, dilations: dilation, groups: groups,
          channels: .first
        ).biased(bias)
      }
    ]
  }

  private static func convolveTransposed(_ call: OpCall, _ axes: Int) throws -> [Tensor] {
    let (x, weights) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
    let bias = try call.optionalTensor(2, "bias")
    let stride = try call.integers(3, "stride", count: axes, default: [1])
    let padding = try call.integers(4, "padding", count: axes, default: [0])
    let output = try call.integers(5, "output_padding", count: axes, default: [0])
    let groups = try call.integer(6, "groups", default: 1)
    let dilation = try call.integers(7, "dilation", count: axes, default: [1])
    guard weights.rank == axes + 2 else { throw WorkerError.refused("weights \(weights.shape)") }
    for axis in 0..<axes where output[axis] >= max(stride[axis], dilation[axis]) {
      throw WorkerError.refused("output_padding \(output)")
    }
    return [
      try x.inBatch(axes) {
        try Descent.convolveTransposed(
          $0, weights, strides: stride, padding: .zeros(padding), outputPadding: output,
          dilations: dilation, groups: groups, channels: .first
        ).biased(bias)
      }
    ]
  }
}

extension Tensor {
  /// Returns what a function gives for this tensor, which may lack the axis of the batch.
  fileprivate func inBatch(_ axes: Int, _ body: (Tensor) throws -> Tensor) throws -> Tensor {
    guard rank == axes + 1 || rank == axes + 2 else {
      throw WorkerError.refused("convolution of \(shape)")
    }
    return rank == axes + 2 ? try body(self) : try body(expandAxis(0)).squeeze([0])
  }

  /// Returns the tensor with one number added to each channel, axis 1.
  func biased(_ bias: Tensor?) throws -> Tensor {
    // What a mistake leaves has no axes.
    guard let bias, rank > 1 else { return self }
    guard bias.rank == 1, bias.shape[0] == shape[1] else {
      throw WorkerError.refused("bias \(bias.shape) for \(shape)")
    }
    return self + bias.reshape(Shape([bias.shape[0]] + shape.extents.dropFirst(2).map { _ in 1 }))
  }
}

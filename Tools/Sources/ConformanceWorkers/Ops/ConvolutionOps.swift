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
    var (low, high) = ([Int](repeating: 0, count: axes), [Int](repeating: 0, count: axes))
    switch padding {
    case nil, .word("valid")?: break
    case .word("same")?:
      guard stride.allSatisfy({ $0 == 1 }) else { throw WorkerError.refused("same with a stride") }
      for axis in 0..<axes {
        let total = (weights.size(axis + 2) - 1) * dilation[axis]
        (low[axis], high[axis]) = (total / 2, total - total / 2)
      }
    case .integer(let amount)?:
      (low, high) = (low.map { _ in amount }, high.map { _ in amount })
    case .list(let elements)?:
      let amounts = try elements.map { element -> Int in
        guard case .integer(let amount) = element else { throw WorkerError.refused("padding") }
        return amount
      }
      guard amounts.count == axes || amounts.count == 1 else {
        throw WorkerError.refused("padding \(amounts)")
      }
      low = amounts.count == 1 ? low.map { _ in amounts[0] } : amounts
      high = low
    default: throw WorkerError.refused("padding")
    }
    guard low.allSatisfy({ $0 >= 0 }) else { throw WorkerError.refused("padding \(low)") }
    let convolution = Convolution(stride: stride, dilation: dilation, groups: groups)
    return [
      try x.inBatch(axes) { x in
        try convolution(x.pad(low: [0, 0] + low, high: [0, 0] + high), weights).biased(bias)
      }
    ]
  }

  /// The gradient of a convolution by its input, as a convolution of spread elements with turned weights.
  private static func convolveTransposed(_ call: OpCall, _ axes: Int) throws -> [Tensor] {
    let (x, weights) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
    let bias = try call.optionalTensor(2, "bias")
    let stride = try call.integers(3, "stride", count: axes, default: [1])
    let padding = try call.integers(4, "padding", count: axes, default: [0])
    let output = try call.integers(5, "output_padding", count: axes, default: [0])
    let groups = try call.integer(6, "groups", default: 1)
    let dilation = try call.integers(7, "dilation", count: axes, default: [1])
    guard weights.rank == axes + 2, groups >= 1, weights.size(0) % groups == 0,
      stride.allSatisfy({ $0 > 0 })
    else { throw WorkerError.refused("weights \(weights.shape) in \(groups) groups") }
    for axis in 0..<axes where output[axis] >= max(stride[axis], dilation[axis]) {
      throw WorkerError.refused("output_padding \(output)")
    }
    // [in, out / groups, …] to [out, in / groups, …], turned round.
    let turned = concatenate(
      weights.split(every: max(weights.size(0) / groups, 1), axis: 0).map { $0.swapAxes(0, 1) },
      axis: 0
    ).reverse(axes: Array(2..<axes + 2))
    let reach = (0..<axes).map { (weights.size($0 + 2) - 1) * dilation[$0] }
    let low = (0..<axes).map { reach[$0] - padding[$0] }
    let high = (0..<axes).map { reach[$0] - padding[$0] + output[$0] }
    let convolution = Convolution(
      stride: [Int](repeating: 1, count: axes), dilation: dilation, groups: groups)
    return [
      try x.inBatch(axes) { x in
        let spread = Convolution.spread(x, by: stride)
          .pad(low: [0, 0] + low, high: [0, 0] + high, mode: .constant(0))
        return try convolution(spread, turned).biased(bias)
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
    guard let bias else { return self }
    guard bias.rank == 1, bias.shape[0] == shape[1] else {
      throw WorkerError.refused("bias \(bias.shape) for \(shape)")
    }
    return self + bias.reshape(Shape([bias.shape[0]] + shape.extents.dropFirst(2).map { _ in 1 }))
  }
}

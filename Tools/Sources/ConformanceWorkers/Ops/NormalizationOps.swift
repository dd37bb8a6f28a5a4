import Descent

extension OpTables {
  static let normalizationOps: OpTable = {
    var table: OpTable = [:]
    table["layer_norm"] = { call in
      let x = try call.tensor(0, "input")
      let axes = try call.trailingAxes(of: x)
      let (scale, shift) = (
        try call.optionalTensor(2, "weight"), try call.optionalTensor(3, "bias")
      )
      let epsilon = try call.number(4, "eps", default: 1e-5)
      return [normalize(x, axes: axes, scale: scale, shift: shift, epsilon: epsilon)]
    }
    table["rms_norm"] = { call in
      let x = try call.tensor(0, "input")
      let axes = try call.trailingAxes(of: x)
      let scale = try call.optionalTensor(2, "weight")
      let epsilon = try call.number(3, "eps", default: 1.1920928955078125e-07)
      return [rmsNorm(x, axes: axes, scale: scale, epsilon: epsilon)]
    }
    table["group_norm"] = { call in
      let x = try call.tensor(0, "input")
      return [
        groupNorm(
          x, groups: try call.integer(1, "num_groups"), axis: 1,
          scale: try call.optionalTensor(2, "weight"), shift: try call.optionalTensor(3, "bias"),
          epsilon: try call.number(4, "eps", default: 1e-5))
      ]
    }
    table["local_response_norm"] = { call in
      let x = try call.tensor(0, "input")
      return [
        localResponseNorm(
          x, size: try call.integer(1, "size"), alpha: try call.number(2, "alpha", default: 1e-4),
          beta: try call.number(3, "beta", default: 0.75), k: try call.number(4, "k", default: 1),
          axis: 1)
      ]
    }
    table["batch_norm"] = { call in
      let x = try call.tensor(0, "input")
      let running = (
        try call.optionalTensor(1, "running_mean"), try call.optionalTensor(2, "running_var")
      )
      let (scale, shift) = (
        try call.optionalTensor(3, "weight"), try call.optionalTensor(4, "bias")
      )
      let isTraining = try call.flag(5, "training")
      let momentum = try call.number(6, "momentum", default: 0.1)
      let epsilon = try call.number(7, "eps", default: 1e-5)
      let axis = x.rank > 1 ? 1 : 0
      guard isTraining else {
        guard let mean = running.0, let variance = running.1 else {
          throw WorkerError.refused("batch_norm: no statistics")
        }
        return [
          batchNorm(
            x, mean: mean, variance: variance, axis: axis, scale: scale, shift: shift,
            epsilon: epsilon)
        ]
      }
      let result = batchNorm(x, axis: axis, scale: scale, shift: shift, epsilon: epsilon)
      let count = x.shape.extents.enumerated().reduce(1) {
        $1.offset == axis ? $0 : $0 * ($1.element.fixed ?? 0)
      }
      // The running variance is Bessel's.
      let variance = result.variance * (Double(count) / Double(max(count - 1, 1)))
      if let mean = running.0, x.shape.elementCount != 0 {
        call.mutated[call.path(1, "running_mean")] = lerpConstant(mean, result.mean, momentum)
      }
      if let old = running.1, x.shape.elementCount != 0 {
        call.mutated[call.path(2, "running_var")] = lerpConstant(old, variance, momentum)
      }
      return [result.output]
    }
    table["instance_norm"] = { call in
      let x = try call.tensor(0, "input")
      let running = (
        try call.optionalTensor(1, "running_mean"), try call.optionalTensor(2, "running_var")
      )
      let (scale, shift) = (
        try call.optionalTensor(3, "weight"), try call.optionalTensor(4, "bias")
      )
      guard try call.flag(5, "use_input_stats", default: true) else {
        throw WorkerError.unsupported("instance_norm: running statistics")
      }
      let momentum = try call.number(6, "momentum", default: 0.1)
      let epsilon = try call.number(7, "eps", default: 1e-5)
      let axes = Array(2..<max(2, x.rank))
      if let old = running.0 {
        let found = mean(mean(x, axes: axes), axes: [0])
        call.mutated[call.path(1, "running_mean")] = lerpConstant(old, found, momentum)
      }
      if let old = running.1 {
        let found = mean(variance(x, axes: axes, correction: 1), axes: [0])
        call.mutated[call.path(2, "running_var")] = lerpConstant(old, found, momentum)
      }
      return [instanceNorm(x, axis: 1, scale: scale, shift: shift, epsilon: epsilon)]
    }
    table["normalize"] = { call in
      let x = try call.tensor(0, "input")
      let order = try call.number(1, "p", default: 2)
      let axis = try call.integer(2, "dim", default: 1)
      let epsilon = try call.number(3, "eps", default: 1e-12)
      return [
        x.lifted { x in
          x / maximum(norm(x, order: order, axes: [axis], keepingAxes: true), epsilon)
        }
      ]
    }
    for (name, meaning) in table {
      table[name] = nil
      table["nn.functional." + name] = meaning
    }
    return table
  }()

  /// Returns statistics that have moved a share of the way to new ones.
  private static func lerpConstant(_ old: Tensor, _ new: Tensor, _ share: Double) -> Tensor {
    old * (1 - share) + new * share
  }
}

extension OpCall {
  /// Returns the last axes, whose extents the call names.
  fileprivate func trailingAxes(of x: Tensor) throws -> [Int] {
    let extents = try integers(1, "normalized_shape")
    guard extents.count <= x.rank, !extents.isEmpty,
      x.shape.extents.suffix(extents.count).map(\.fixed) == extents
    else { throw WorkerError.refused("\(op): \(extents) are not the last axes of \(x.shape)") }
    return Array(x.rank - extents.count..<x.rank)
  }
}

import Descent

extension OpTables {
  static let reductionOps: OpTable = {
    var table: OpTable = [
      "sum": reduction { $0.sum(axes: $1, keepingAxes: $2) },
      "nansum": reduction { $0.nanFree.sum(axes: $1, keepingAxes: $2) },
      "mean": reduction { mean($0, axes: $1, keepingAxes: $2) },
      "amax": reduction { $0.max(axes: $1, keepingAxes: $2) },
      "amin": reduction { $0.min(axes: $1, keepingAxes: $2) },
      "prod": reduction { $0.product(axes: $1, keepingAxes: $2) },
      "logsumexp": reduction { logSumExp($0, axes: $1, keepingAxes: $2) },
      "all": reduction { $0.truth.all(axes: $1, keepingAxes: $2) },
      "any": reduction { $0.truth.any(axes: $1, keepingAxes: $2) },
      "count_nonzero": reduction { countNonzero($0, axes: $1, keepingAxes: $2) },
      "max/reduction_no_dim": map { $0.max() }, "min/reduction_no_dim": map { $0.min() },
      "max/reduction_with_dim": extreme {
        $0.max(axes: [$1], keepingAxes: $2)
      } index: {
        $0.argMax(axis: $1, keepingAxes: $2)
      },
      "min/reduction_with_dim": extreme {
        $0.min(axes: [$1], keepingAxes: $2)
      } index: {
        $0.argMin(axis: $1, keepingAxes: $2)
      },
      "argmax": position { $0.argMax(axis: $1, keepingAxes: $2) },
      "argmin": position { $0.argMin(axis: $1, keepingAxes: $2) },
      "cumsum": running { $0.cumulativeSum(axis: $1) },
      "cumprod": running { $0.cumulativeProduct(axis: $1) },
      "logcumsumexp": running { $0.cumulativeLogSumExp(axis: $1) },
      "trace": map { $0.trace() },
      "var": spread { variance($0, axes: $1, correction: $2, keepingAxes: $3) },
      "std": spread { standardDeviation($0, axes: $1, correction: $2, keepingAxes: $3) },
    ]
    table["aminmax"] = { call in
      let x = try call.tensor(0, "input")
      let axes = try x.axes(call.optionalIntegers(nil, "dim"))
      let keeps = try call.flag(nil, "keepdim")
      return [x.min(axes: axes, keepingAxes: keeps), x.max(axes: axes, keepingAxes: keeps)]
    }
    table["nanmean"] = reduction { x, axes, keeps in
      let count = (x .== x).cast(to: x.dataType).sum(axes: axes, keepingAxes: keeps)
      return x.nanFree.sum(axes: axes, keepingAxes: keeps) / count
    }
    table["dist"] = { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "other"))
      return [norm(x - y, order: try call.number(2, "p", default: 2))]
    }
    table["diff"] = { call in
      var x = try call.tensor(0, "input")
      let count = try call.integer(1, "n", default: 1)
      let axis = try call.integer(2, "dim", default: -1)
      for _ in 0..<count where !x.shape.extents.contains(0) {
        let last = x.size(axis)
        x = x.slice(axis: axis, from: 1) - x.slice(axis: axis, to: Extent(offset: last - 1))
      }
      return [x]
    }
    table["var/unbiased"] = table["var"]
    table["std/unbiased"] = table["std"]
    table["var_mean"] = { call in
      let x = try call.tensor(0, "input")
      let (axes, correction, keeps) = try call.spreadArguments(x)
      return [
        variance(x, axes: axes, correction: correction, keepingAxes: keeps),
        mean(x, axes: axes, keepingAxes: keeps),
      ]
    }
    table["std_mean"] = { call in
      let x = try call.tensor(0, "input")
      let (axes, correction, keeps) = try call.spreadArguments(x)
      return [
        standardDeviation(x, axes: axes, correction: correction, keepingAxes: keeps),
        mean(x, axes: axes, keepingAxes: keeps),
      ]
    }
    table["linalg.vector_norm"] = { call in
      let x = try call.tensor(0, "x")
      let order = try call.number(1, "ord", default: 2)
      let axes = try x.axes(call.optionalIntegers(2, "dim"))
      let keeps = try call.flag(3, "keepdim")
      try call.expectType("dtype", x.dataType)
      return [norm(x, order: order, axes: axes, keepingAxes: keeps)]
    }
    table["norm"] = { call in
      let x = try call.tensor(0, "input")
      let order: Double
      switch call.take(1, "p") {
      case .integer(let value)?: order = Double(value)
      case .number(let value)?: order = value
      case nil, .word("fro")?: order = 2
      default: throw WorkerError.unsupported("norm of a matrix's singular values")
      }
      let axes = try x.axes(call.optionalIntegers(2, "dim"))
      let keeps = try call.flag(3, "keepdim")
      try call.expectType("dtype", x.dataType)
      return [norm(x, order: order, axes: axes, keepingAxes: keeps)]
    }
    return table
  }()

  private static func reduction(
    _ function: @escaping @Sendable (Tensor, [Int]?, Bool) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let x = try call.tensor(0, "input")
      let axes = try x.axes(call.optionalIntegers(1, "dim"))
      let keeps = try call.flag(2, "keepdim")
      try call.expectType("dtype", x.dataType)
      return [function(x, axes, keeps)]
    }
  }

  private static func spread(
    _ function: @escaping @Sendable (Tensor, [Int]?, Double, Bool) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let x = try call.tensor(0, "input")
      let (axes, correction, keeps) = try call.spreadArguments(x)
      return [function(x, axes, correction, keeps)]
    }
  }

  private static func position(
    _ function: @escaping @Sendable (Tensor, Int, Bool) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let x = try call.tensor(0, "input")
      let keeps = try call.flag(2, "keepdim")
      guard let axis = try call.optionalInteger(1, "dim") else {
        let flat = function(x.flatten(), 0, false).cast(to: .i64)
        return [keeps ? flat.reshape(Shape([Int](repeating: 1, count: x.rank))) : flat]
      }
      return [x.lifted { function($0, axis, keeps) }.cast(to: .i64)]
    }
  }

  private static func extreme(
    _ value: @escaping @Sendable (Tensor, Int, Bool) -> Tensor,
    index: @escaping @Sendable (Tensor, Int, Bool) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let keeps = try call.flag(2, "keepdim")
      return [
        x.lifted { value($0, axis, keeps) }, x.lifted { index($0, axis, keeps) }.cast(to: .i64),
      ]
    }
  }

  private static func running(
    _ function: @escaping @Sendable (Tensor, Int) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      try call.expectType("dtype", x.dataType)
      return [x.lifted { function($0, axis) }]
    }
  }
}

extension OpCall {
  fileprivate func spreadArguments(_ x: Tensor) throws -> ([Int]?, Double, Bool) {
    var correction = 1.0
    var axes: [Int]?
    switch take(1, "dim") {
    case .flag(let isUnbiased)?: correction = isUnbiased ? 1 : 0
    case .integer(let axis)?: axes = [axis]
    case .list(let elements)?:
      axes = try elements.map {
        guard case .integer(let axis) = $0 else { throw WorkerError.refused("dim") }
        return axis
      }
    case nil: break
    default: throw WorkerError.refused("\(op): dim is not whole numbers")
    }
    if case .flag(let isUnbiased)? = take(2, "unbiased") { correction = isUnbiased ? 1 : 0 }
    correction = try number(nil, "correction", default: correction)
    return (try x.axes(axes), correction, try flag(3, "keepdim"))
  }
}

extension Tensor {
  /// Whether elements are not 0.
  fileprivate var truth: Tensor { dataType == .bool ? self : self .!= 0.0 }

  /// The elements with 0 in place of NaN.
  fileprivate var nanFree: Tensor { nanToNumber(self, positive: .infinity, negative: -.infinity) }
}

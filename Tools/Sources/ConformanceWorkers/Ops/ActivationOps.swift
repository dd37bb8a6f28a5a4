import Descent

extension OpTables {
  static let activationOps: OpTable = {
    let prefix = "nn.functional."
    var table: OpTable = [
      "relu": map { relu($0) }, "relu6": map { clamp($0, 0, 6) }, "selu": map { selu($0) },
      "silu": map { silu($0) }, "mish": map { mish($0) }, "softsign": map { softsign($0) },
      "hardsigmoid": map { hardSigmoid($0) }, "hardswish": map { hardSwish($0) },
      "logsigmoid": map { logSigmoid($0) }, "tanhshrink": map { tanhShrink($0) },
    ]
    table["leaky_relu"] = {
      [
        leakyRelu(
          try $0.tensor(0, "input"), slope: try $0.number(1, "negative_slope", default: 0.01))
      ]
    }
    table["elu"] = {
      [elu(try $0.tensor(0, "input"), alpha: try $0.number(1, "alpha", default: 1))]
    }
    table["celu"] = {
      [celu(try $0.tensor(0, "input"), alpha: try $0.number(1, "alpha", default: 1))]
    }
    table["softshrink"] = {
      [softShrink(try $0.tensor(0, "input"), lambda: try $0.number(1, "lambd", default: 0.5))]
    }
    table["hardshrink"] = {
      [hardShrink(try $0.tensor(0, "input"), lambda: try $0.number(1, "lambd", default: 0.5))]
    }
    table["hardtanh"] = { call in
      let (low, high) = (
        try call.number(1, "min_val", default: -1), try call.number(2, "max_val", default: 1)
      )
      return [clamp(try call.tensor(0, "input"), low, high)]
    }
    table["threshold"] = { call in
      [
        threshold(
          try call.tensor(0, "input"), above: try call.number(1, "threshold", default: 0),
          otherwise: try call.number(2, "value", default: 0))
      ]
    }
    table["softplus"] = { call in
      let (x, beta) = (try call.tensor(0, "input"), try call.number(1, "beta", default: 1))
      let bound = try call.number(2, "threshold", default: 20)
      return [select(x * beta .> bound, x, softplus(x, beta: beta))]
    }
    table["gelu"] = { call in
      let isTanh = try call.word(1, "approximate", default: "none") == "tanh"
      return [gelu(try call.tensor(0, "input"), isTanh ? .tanh : .exact)]
    }
    table["glu"] = { [glu(try $0.tensor(0, "input"), axis: try $0.integer(1, "dim", default: -1))] }
    table["prelu"] = { call in
      let (x, slope) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
      // The channels are axis 1 where there are two axes or more.
      return [x.lifted { prelu($0, slope: slope, axis: $0.rank > 1 ? 1 : 0) }]
    }
    for name in ["dropout", "alpha_dropout", "feature_alpha_dropout", "dropout2d", "dropout3d"] {
      table[name] = { call in
        let (x, p) = (try call.tensor(0, "input"), try call.number(1, "p", default: 0.5))
        guard p >= 0, p <= 1 else { throw WorkerError.refused("\(name): p is \(p)") }
        // With chance in it there is nothing to compare.
        guard try p == 0 || !call.flag(2, "training", default: true) else {
          throw WorkerError.unsupported("\(name) while training")
        }
        return [x]
      }
    }
    for (name, meaning) in table {
      table[name] = nil
      table[prefix + name] = meaning
    }
    table["softmax"] = softmaxLike { softmax($0, axis: $1) }
    table["log_softmax"] = softmaxLike { logSoftmax($0, axis: $1) }
    table["nn.functional.softmin"] = softmaxLike { softmax(-$0, axis: $1) }
    return table
  }()

  private static func softmaxLike(
    _ function: @escaping @Sendable (Tensor, Int) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      try call.expectType("dtype", x.dataType)
      return [x.lifted { function($0, axis) }]
    }
  }
}

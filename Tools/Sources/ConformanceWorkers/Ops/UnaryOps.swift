import Descent

extension OpTables {
  static let unaryOps: OpTable = {
    var table: OpTable = [
      "abs": map { abs($0) }, "acos": map { acos($0) }, "acosh": map { acosh($0) },
      "asin": map { asin($0) }, "asinh": map { asinh($0) }, "atan": map { atan($0) },
      "atanh": map { atanh($0) }, "ceil": map { ceil($0) }, "cos": map { cos($0) },
      "cosh": map { cosh($0) }, "deg2rad": map { $0 * 0.017453292519943295 },
      "erf": map { erf($0) }, "erfc": map { erfc($0) }, "exp": map { exp($0) },
      "exp2": map { exp2($0) }, "expm1": map { expm1($0) }, "floor": map { floor($0) },
      "frac": map { $0 - trunc($0) }, "isfinite": map { isFinite($0) },
      "isinf": map { isInfinite($0) }, "isnan": map { isNaN($0) },
      "log": map { log($0) }, "log10": map { log10($0) }, "log1p": map { log1p($0) },
      "log2": map { log2($0) }, "neg": map { -$0 }, "positive": map { $0 },
      "rad2deg": map { $0 * 57.29577951308232 }, "reciprocal": map { reciprocal($0) },
      "rsqrt": map { rsqrt($0) }, "sigmoid": map { sigmoid($0) }, "sign": map { sign($0) },
      "sgn": map { sign($0) }, "sin": map { sin($0) }, "sinh": map { sinh($0) },
      "sqrt": map { sqrt($0) }, "square": map { square($0) }, "tan": map { tan($0) },
      "tanh": map { tanh($0) }, "trunc": map { trunc($0) },
      "clone": map { $0 }, "contiguous": map { $0 }, "zeros_like": map { $0 * 0.0 },
    ]
    for name in ["special.erfc", "special.expm1", "special.exp2", "special.log1p"] {
      table[name] = table[String(name.dropFirst(8))]
    }
    table["special.expit"] = table["sigmoid"]
    table["isposinf"] = map { $0 .== .infinity }
    table["isneginf"] = map { $0 .== -.infinity }
    table["logical_not"] = map { $0 .== 0.0 }
    table["signbit"] = map { or($0 .< 0.0, and($0 .== 0.0, (1.0 / $0) .< 0.0)) }
    table["sinc"] = map { x in
      let angle = x * 3.141592653589793
      let isZero = x .== 0.0
      return select(isZero, angle + 1.0, sin(angle) / select(isZero, angle + 1.0, angle))
    }
    table["ones_like"] = map { $0 * 0.0 + 1.0 }
    table["logit"] = { call in
      let x = try call.tensor(0, "input")
      guard let epsilon = try call.optionalNumber(1, "eps") else { return [log(x / (1.0 - x))] }
      let safe = clamp(x, epsilon, 1 - epsilon)
      return [log(safe / (1.0 - safe))]
    }
    table["round"] = { call in
      let x = try call.tensor(0, "input")
      guard let decimals = try call.optionalInteger(nil, "decimals"), decimals != 0 else {
        return [round(x)]
      }
      return [round(x, decimals: decimals)]
    }
    table["nan_to_num"] = { call in
      [
        nanToNumber(
          try call.tensor(0, "input"), nan: try call.number(1, "nan", default: 0),
          positive: try call.optionalNumber(2, "posinf"),
          negative: try call.optionalNumber(3, "neginf"))
      ]
    }
    table["clamp"] = { call in
      var x = try call.tensor(0, "input")
      let (low, high) = (call.take(1, "min"), call.take(2, "max"))
      switch (low, high) {
      case (.tensor(let low)?, .tensor(let high)?): x = minimum(maximum(x, low), high)
      case (.tensor(let low)?, nil): x = maximum(x, low)
      case (nil, .tensor(let high)?): x = minimum(x, high)
      default:
        guard low != nil || high != nil else { throw WorkerError.refused("clamp: no bounds") }
        x = clamp(x, try low.number(-.infinity), try high.number(.infinity))
      }
      return [x]
    }
    table["clamp_min"] = {
      [maximum(try $0.tensor(0, "input"), try $0.number(1, "min", default: 0))]
    }
    table["clamp_max"] = {
      [minimum(try $0.tensor(0, "input"), try $0.number(1, "max", default: 0))]
    }
    return table
  }()

  /// Returns the meaning of a function of one tensor.
  static func map(
    _ function: @escaping @Sendable (Tensor) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { [function(try $0.tensor(0, "input"))] }
  }
}

extension Argument? {
  /// Returns the number that is given, or what stands for none.
  fileprivate func number(_ value: Double) throws -> Double {
    switch self {
    case .integer(let number)?: Double(number)
    case .number(let number)?: number
    case nil: value
    default: throw WorkerError.refused("a bound is not a number")
    }
  }
}

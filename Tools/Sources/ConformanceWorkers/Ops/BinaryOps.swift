import Descent

extension OpTables {
  static let binaryOps: OpTable = {
    var table: OpTable = [
      "mul": pair { $0 * $1 }, "atan2": both { atan2($0, $1) },
      "copysign": pair { copySign($0, $1) }, "fmax": both { fmax($0, $1) },
      "fmin": both { fmin($0, $1) }, "fmod": pair { fmod($0, $1) },
      "remainder": pair { remainder($0, $1) }, "hypot": both { hypot($0, $1) },
      "logaddexp": both { logAddExp($0, $1) }, "maximum": both { maximum($0, $1) },
      "logaddexp2": both {
        log2(exp2($0 - maximum($0, $1)) + exp2($1 - maximum($0, $1))) + maximum($0, $1)
      },
      "minimum": both { minimum($0, $1) }, "max/binary": both { maximum($0, $1) },
      "min/binary": both { minimum($0, $1) }, "pow": pair { pow($0, $1) },
      "float_power": pair { pow($0, $1) }, "xlogy": pair { xlogy($0, $1) },
      "special.xlog1py": pair { xlogy($0, $1 + 1.0) }, "true_divide": pair { $0 / $1 },
      "floor_divide": pair { floor($0 / $1) },
      "eq": pair { $0 .== $1 }, "ne": pair { $0 .!= $1 }, "lt": pair { $0 .< $1 },
      "le": pair { $0 .<= $1 }, "gt": pair { $0 .> $1 }, "ge": pair { $0 .>= $1 },
      "logical_and": both { and($0 .!= 0.0, $1 .!= 0.0) },
      "logical_or": both { or($0 .!= 0.0, $1 .!= 0.0) },
      "logical_xor": both { xor($0 .!= 0.0, $1 .!= 0.0) },
      "__radd__": pair { $1 + $0 }, "__rmul__": pair { $1 * $0 }, "__rsub__": pair { $1 - $0 },
      "__rdiv__": pair { $1 / $0 }, "__rpow__": pair { pow($1, $0) },
      "__rmod__": pair { remainder($1, $0) },
      "heaviside": both {
        select(
          $0 .== 0.0, $1, select($0 .> 0.0, $0 * 0.0 + 1.0, select($0 .!= $0, $0, $0 * 0.0)))
      },
    ]
    table["add"] = { [try scaled($0) { $0 + $1 }] }
    table["sub"] = { [try scaled($0) { $0 - $1 }] }
    table["rsub"] = { call in
      let x = try call.tensor(0, "input")
      let y = try call.operand(1, "other", like: x)
      return [y - (try call.optionalNumber(2, "alpha")).map { x * $0 }.or(x)]
    }
    table["div"] = { call in
      let x = try call.tensor(0, "input")
      let quotient = x / (try call.operand(1, "other", like: x))
      switch try call.word(2, "rounding_mode", default: "none") {
      case "none": return [quotient]
      case "trunc": return [trunc(quotient)]
      case "floor": return [floor(quotient)]
      case let mode: throw WorkerError.refused("div: rounding mode \(mode)")
      }
    }
    table["addcmul"] = { call in
      let (x, y, z) = try call.three("tensor1", "tensor2")
      return [try call.weighted(y * z) + x]
    }
    table["addcdiv"] = { call in
      let (x, y, z) = try call.three("tensor1", "tensor2")
      return [try call.weighted(y / z) + x]
    }
    table["lerp"] = { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "end"))
      return [lerp(x, y, try call.operand(2, "weight", like: x))]
    }
    return table
  }()

  /// Returns the meaning of a function of a tensor and a tensor or number.
  private static func pair(
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let x = try call.tensor(0, "input")
      return [function(x, try call.operand(1, "other", like: x))]
    }
  }

  /// Returns the meaning of a function of two tensors.
  private static func both(
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { [function(try $0.tensor(0, "input"), try $0.tensor(1, "other"))] }
  }

  /// Returns a sum or difference whose second operand has a factor.
  private static func scaled(
    _ call: OpCall, _ function: (Tensor, Tensor) -> Tensor
  ) throws -> Tensor {
    let x = try call.tensor(0, "input")
    let y = try call.operand(1, "other", like: x)
    return function(x, (try call.optionalNumber(2, "alpha")).map { y * $0 }.or(y))
  }
}

extension OpCall {
  fileprivate func three(_ second: String, _ third: String) throws -> (Tensor, Tensor, Tensor) {
    (try tensor(0, "input"), try tensor(1, second), try tensor(2, third))
  }

  fileprivate func weighted(_ tensor: Tensor) throws -> Tensor {
    try optionalNumber(nil, "value").map { tensor * $0 }.or(tensor)
  }
}

extension Tensor? {
  func or(_ other: Tensor) -> Tensor { self ?? other }
}

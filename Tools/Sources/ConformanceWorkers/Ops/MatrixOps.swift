import Descent

extension OpTables {
  static let matrixOps: OpTable = {
    var table: OpTable = [
      "matmul": product(), "mm": product(rank: 2), "bmm": product(rank: 3), "mv": product(),
      "dot": product(rank: 1), "vdot": product(rank: 1), "__rmatmul__": reversed,
      "inner": two { $0.inner($1) }, "outer": two { $0.outer($1) }, "ger": two { $0.outer($1) },
      "kron": two { $0.kron($1) },
    ]
    table["linalg.vecdot"] = { call in
      let (x, y) = (try call.tensor(0, "x"), try call.tensor(1, "y"))
      return [(x * y).sum(axes: [try call.integer(nil, "dim", default: -1)])]
    }
    table["linalg.multi_dot"] = { call in
      let tensors = try call.tensors(0, "tensors")
      guard let first = tensors.first else { throw WorkerError.refused("multi_dot: no tensors") }
      return [tensors.dropFirst().reduce(first) { $0.matmul($1) }]
    }
    table["linalg.cross"] = { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "other"))
      return [x.cross(y, axis: try call.integer(2, "dim", default: -1))]
    }
    table["cross"] = table["linalg.cross"]
    table["matrix_power"] = { [try $0.tensor(0, "input").matrixPower(try $0.integer(1, "n"))] }
    table["linalg.matrix_power"] = table["matrix_power"]
    table["addmm"] = sum { $0.matmul($1) }
    table["addmv"] = sum { $0.matmul($1) }
    table["addr"] = sum { $0.outer($1) }
    table["baddbmm"] = sum { $0.matmul($1) }
    table["addbmm"] = sum { $0.matmul($1).sum(axes: [0]) }
    table["einsum"] = { call in
      let tensors = try call.tensors(0, "operands")
      let equation = try call.word(1, "equation", default: "")
      guard !tensors.isEmpty else { throw WorkerError.refused("einsum: no tensors") }
      guard !equation.contains(".") else { throw WorkerError.unsupported("einsum: \(equation)") }
      return [einsum(equation, tensors)]
    }
    table["tensordot"] = { call in
      let (x, y) = (try call.tensor(0, "a"), try call.tensor(1, "b"))
      switch call.take(2, "dims") {
      case .integer(let count)?:
        guard count >= 0, count <= min(x.rank, y.rank) else {
          throw WorkerError.refused("tensordot: \(count) axes")
        }
        return [x.contract(y, axes: Array(x.rank - count..<x.rank), Array(0..<count))]
      case .list(let pair)?:
        guard pair.count == 2, let left = pair[0].wholeNumbers, let right = pair[1].wholeNumbers
        else { throw WorkerError.refused("tensordot: dims") }
        return [x.contract(y, axes: left, right)]
      default: throw WorkerError.refused("tensordot: dims")
      }
    }
    table["nn.functional.linear"] = { call in
      let (x, weight) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
      let product = x.matmul(weight, transposeRight: true)
      return [try call.optionalTensor(2, "bias").map { product + $0 } ?? product]
    }
    table["nn.functional.bilinear"] = { call in
      let (x, y) = (try call.tensor(0, "input1"), try call.tensor(1, "input2"))
      let product = bilinear(x, y, weight: try call.tensor(2, "weight"))
      return [try call.optionalTensor(3, "bias").map { product + $0 } ?? product]
    }
    table["nn.functional.scaled_dot_product_attention"] = { call in
      let (q, k, v) = (
        try call.tensor(0, "query"), try call.tensor(1, "key"), try call.tensor(2, "value")
      )
      let mask = try call.optionalTensor(3, "attn_mask")
      guard try call.number(4, "dropout_p", default: 0) == 0,
        try !call.flag(nil, "enable_gqa")
      else { throw WorkerError.unsupported("attention: dropout or grouped queries") }
      let isCausal = try call.flag(5, "is_causal")
      let scale = try call.optionalNumber(nil, "scale")
      return [
        scaledDotProductAttention(q, k, v, mask: mask, isCausal: isCausal, scale: scale)
      ]
    }
    return table
  }()

  private static func two(
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { [function(try $0.tensor(0, "input"), try $0.tensor(1, "other"))] }
  }

  /// Returns the meaning of a matrix product of tensors that both have so many axes, or any.
  private static func product(rank: Int? = nil) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "other"))
      if let rank, x.rank != rank || y.rank != rank {
        throw WorkerError.refused("\(call.op): \(x.shape) and \(y.shape)")
      }
      return [x.matmul(y)]
    }
  }

  private static let reversed: @Sendable (OpCall) throws -> [Tensor] = { call in
    [try call.tensor(1, "other").matmul(try call.tensor(0, "self"))]
  }

  /// Returns the meaning of β·x + α·f(y, z), which keeps no more of x than the product's shape.
  private static func sum(
    _ function: @escaping @Sendable (Tensor, Tensor) -> Tensor
  ) -> @Sendable (OpCall) throws -> [Tensor] {
    { call in
      let x = try call.tensor(0, "input")
      let product = function(try call.tensor(1, "first"), try call.tensor(2, "second"))
      let (alpha, beta) = (
        try call.number(nil, "alpha", default: 1), try call.number(nil, "beta", default: 1)
      )
      let scaled = alpha == 1 ? product : product * alpha
      guard beta != 0 else { return [scaled] }
      let base = beta == 1 ? x : x * beta
      return [base.broadcast(to: scaled.shape) + scaled]
    }
  }
}

extension Argument {
  /// The list of whole numbers that this is, or nil.
  fileprivate var wholeNumbers: [Int]? {
    guard case .list(let elements) = self else { return nil }
    var numbers: [Int] = []
    for element in elements {
      guard case .integer(let value) = element else { return nil }
      numbers.append(value)
    }
    return numbers
  }
}

import Descent

/// The networks of the workloads, as functions of their leaves.
enum Models {
  typealias Leaves = Workload.Leaves

  /// Layers of `x · w + b`, with an activation behind all but the last.
  static func layers(_ leaves: Leaves, count: Int, _ activation: (Tensor) -> Tensor) -> Tensor {
    var x = leaves["x"]!
    for index in 0..<count {
      x = linear(x, leaves, "fc\(index)")
      if index < count - 1 { x = activation(x) }
    }
    return x
  }

  static func linear(_ x: Tensor, _ leaves: Leaves, _ name: String) -> Tensor {
    x.matmul(leaves["\(name)_w"]!) + leaves["\(name)_b"]!
  }

  static func norm(_ x: Tensor, _ leaves: Leaves, _ name: String) -> Tensor {
    layerNorm(x, scale: leaves["\(name)_g"]!, shift: leaves["\(name)_b"]!)
  }

  /// A transformer block of width `heads` · `depth`, normalised before each half.
  ///
  /// Where the weights `qkv_w` are missing, queries, keys and values have weights of their own.
  static func block(_ leaves: Leaves, batch: Int, length: Int, heads: Int, depth: Int) -> Tensor {
    let width = heads * depth
    var x = leaves["x"]!
    let normal = norm(x, leaves, "ln1")
    let parts: [Tensor]
    if leaves["qkv_w"] == nil {
      parts = ["q", "k", "v"].map { name in
        linear(normal, leaves, name)
          .reshape(Shape([batch, length, heads, depth])).transpose([0, 2, 1, 3])
      }
    } else {
      let all = linear(normal, leaves, "qkv")
        .reshape(Shape([batch, length, 3, heads, depth])).transpose([2, 0, 3, 1, 4])
      parts = (0..<3).map { part in
        all.slice(axis: 0, from: Extent(offset: part), to: Extent(offset: part + 1))
          .reshape(Shape([batch, heads, length, depth]))
      }
    }
    let scores = parts[0].matmul(parts[1], transposeRight: true) / Double(depth).squareRoot()
    let mixed = softmax(scores).matmul(parts[2]).transpose([0, 2, 1, 3])
      .reshape(Shape([batch, length, width]))
    x = x + linear(mixed, leaves, "o")
    return x + linear(gelu(linear(norm(x, leaves, "ln2"), leaves, "up")), leaves, "dn")
  }

  static func blockParameters(width: Int, isSplit: Bool = false) -> [Workload.Parameter] {
    let projections: [(String, [Int])] =
      isSplit
      ? ["q", "k", "v"].flatMap { [("\($0)_w", [width, width]), ("\($0)_b", [width])] }
      : [("qkv_w", [width, 3 * width]), ("qkv_b", [3 * width])]
    let shapes: [(String, [Int])] =
      [("ln1_g", [width]), ("ln1_b", [width])] + projections + [
        ("o_w", [width, width]), ("o_b", [width]), ("ln2_g", [width]),
        ("ln2_b", [width]), ("up_w", [width, 4 * width]), ("up_b", [4 * width]),
        ("dn_w", [4 * width, width]), ("dn_b", [width]),
      ]
    return shapes.map { Workload.Parameter(name: $0.0, dimensions: $0.1) }
  }
}

import Descent

// Workloads that other frameworks are measured with too, under the same names, shapes and initial weights.

extension Workload {
  static var networks: [Workload] {
    perceptrons + linears + products + blocks + [elementwise, layerNormGradient]
  }

  static func training(
    _ optimizer: Optimizer, _ parameters: [Parameter]
  ) -> (kind: Kind, bytes: Int) {
    // Two reads, the gradient written and read, and what the update reads and writes of each weight.
    let slots =
      switch optimizer.rule {
      case .sgd(let momentum, _, _): momentum == 0 ? 0 : 1
      case .adam(_, _, _, let amsgrad): amsgrad ? 3 : 2
      case .rmsProp(_, _, let momentum, let isCentred):
        1 + (momentum == 0 ? 0 : 1) + (isCentred ? 1 : 0)
      case .adagrad: 1
      }
    let words = 2 + 2 * slots
    return (.training(optimizer), 4 * parameters.reduce(0) { $0 + $1.count } * (4 + words))
  }

  static func weightCount(_ parameters: [Parameter]) -> Int {
    parameters.filter { $0.dimensions.count == 2 }.reduce(0) { $0 + $1.count }
  }

  private static var perceptrons: [Workload] {
    perceptron("mlp_tiny", [2, 16, 16, 1], batch: 32, .sgd(1e-2), { tanh($0) })
      + perceptron(
        "mlp_mnist", [784, 256, 128, 10], batch: 64, .sgd(1e-2, momentum: 0.9), classes: 10,
        { relu($0) })
      + perceptron("mlp_wide", [1024, 4096, 4096, 1024], batch: 128, .adam(1e-3), { gelu($0) })
  }

  private static func perceptron(
    _ name: String, _ sizes: [Int], batch: Int, _ optimizer: Optimizer, classes: Int? = nil,
    _ activation: @escaping @Sendable (Tensor) -> Tensor
  ) -> [Workload] {
    let count = sizes.count - 1
    let parameters = (0..<count).flatMap { index in
      [
        Parameter(name: "fc\(index)_w", dimensions: [sizes[index], sizes[index + 1]]),
        Parameter(name: "fc\(index)_b", dimensions: [sizes[index + 1]]),
      ]
    }
    let weights = weightCount(parameters)
    let (kind, bytes) = training(optimizer, parameters)
    let target = Input(
      name: "t", dimensions: classes == nil ? [batch, sizes[count]] : [batch], classes: classes)
    let train = Workload(
      name: "\(name)_train", kind: kind,
      inputs: [Input(name: "x", dimensions: [batch, sizes[0]]), target], parameters: parameters,
      operations: Double(6 * batch * weights - 2 * batch * sizes[0] * sizes[1]), bytes: bytes,
      writes: true
    ) { leaves in
      let y = Models.layers(leaves, count: count, activation)
      return classes == nil ? mse(y, leaves["t"]!) : crossEntropy(y, leaves["t"]!)
    }
    guard name != "mlp_tiny" else { return [train] }
    return [train]
      + [1, 64].map { rows in
        Workload(
          name: "\(name)_infer_b\(rows)", inputs: [Input(name: "x", dimensions: [rows, sizes[0]])],
          parameters: parameters, operations: Double(2 * rows * weights),
          bytes: 4 * parameters.reduce(0) { $0 + $1.count }
        ) { Models.layers($0, count: count, activation) }
      }
  }

  private static var linears: [Workload] {
    [(64, 784, 256), (256, 1024, 1024), (1, 4096, 4096), (1024, 1024, 1024)].map {
      layer("linear_\($0.0)x\($0.1)x\($0.2)", $0.0, $0.1, $0.2)
    }
  }

  /// relu(x · w + b).
  static func layer(_ name: String, _ m: Int, _ k: Int, _ n: Int) -> Workload {
    Workload(
      name: name, inputs: [Input(name: "x", dimensions: [m, k])],
      parameters: [
        Parameter(name: "fc_w", dimensions: [k, n]), Parameter(name: "fc_b", dimensions: [n]),
      ], operations: Double(2 * m * k * n), bytes: 4 * (k * n + n)
    ) { relu(Models.linear($0["x"]!, $0, "fc")) }
  }

  private static var products: [Workload] {
    [512, 1024, 2048].map { n in
      Workload(
        name: "gemm_\(n)",
        inputs: [Input(name: "x", dimensions: [n, n]), Input(name: "y", dimensions: [n, n])],
        operations: Double(2 * n * n * n), bytes: 8 * n * n
      ) { $0["x"]!.matmul($0["y"]!) }
    }
  }

  private static var blocks: [Workload] {
    let (batch, length, heads, depth) = (8, 128, 4, 64)
    let width = heads * depth
    let parameters = Models.blockParameters(width: width)
    let operations = Double(
      2 * batch * length * weightCount(parameters) + 4 * batch * length * length * width)
    let x = Input(name: "x", dimensions: [batch, length, width])
    let (kind, bytes) = training(.adam(1e-3), parameters)
    let body = { @Sendable (leaves: Models.Leaves) in
      Models.block(leaves, batch: batch, length: length, heads: heads, depth: depth)
    }
    return [
      Workload(
        name: "xfmr_infer", inputs: [x], parameters: parameters, operations: operations,
        bytes: 4 * parameters.reduce(0) { $0 + $1.count }, body: body),
      Workload(
        name: "xfmr_train", kind: kind,
        inputs: [x, Input(name: "t", dimensions: x.dimensions)], parameters: parameters,
        operations: 3 * operations, bytes: bytes, writes: true
      ) { mse(body($0), $0["t"]!) },
      // No other framework is measured with it: what it costs to have three products of one operand.
      Workload(
        name: "xfmr_split_train", kind: kind,
        inputs: [x, Input(name: "t", dimensions: x.dimensions)],
        parameters: Models.blockParameters(width: width, isSplit: true),
        operations: 3 * operations, bytes: bytes, writes: true
      ) { mse(body($0), $0["t"]!) },
    ]
  }

  private static var elementwise: Workload {
    let (rows, columns) = (4096, 1024)
    return Workload(
      name: "eltwise", inputs: [Input(name: "x", dimensions: [rows, columns])],
      parameters: [
        Parameter(name: "a_w", dimensions: [columns]),
        Parameter(name: "c_b", dimensions: [columns]),
      ], bytes: 8 * rows * columns, writes: true
    ) { leaves in
      let x = leaves["x"]!
      return tanh(x * leaves["a_w"]! + leaves["c_b"]!) * sigmoid(x) + softmax(x)
    }
  }

  private static var layerNormGradient: Workload {
    let (rows, columns) = (4096, 1024)
    return Workload(
      name: "layernorm_fb", kind: .gradient(["x", "ln_g", "ln_b"]),
      inputs: [
        Input(name: "x", dimensions: [rows, columns]),
        Input(name: "dy", dimensions: [rows, columns]),
      ],
      parameters: [
        Parameter(name: "ln_g", dimensions: [columns]),
        Parameter(name: "ln_b", dimensions: [columns]),
      ], bytes: 20 * rows * columns, writes: true
    ) { Models.norm($0["x"]!, $0, "ln") }
  }
}

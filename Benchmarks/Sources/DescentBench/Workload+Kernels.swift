import Descent

// Single kernels, which show what a whole network hides.

extension Workload {
  static var kernels: [Workload] {
    let shapes = [
      ("64x784x256", 64, 784, 256), ("256x1024x1024", 256, 1024, 1024), ("512", 512, 512, 512),
      ("1024", 1024, 1024, 1024),
    ]
    let rows =
      [1, 2, 4, 8, 16, 32].map { layer("rows_\($0)x784x256", $0, 784, 256) }
      + [2, 4, 6].map { layer("rows_\($0)x4096x4096", $0, 4096, 4096) }
    let images = [(64, 32), (128, 16), (256, 8), (512, 4)]
    return shapes.flatMap { contraction($0.0, $0.1, $0.2, $0.3) } + rows
      + images.flatMap { convolution(channels: $0.0, extent: $0.1) }
      + images.flatMap { convolution(channels: 2 * $0.0, extent: $0.1, groups: 32) }
      + images.flatMap { convolution(channels: 4 * $0.0, extent: $0.1, groups: 4 * $0.0) }
      + [(32, 128), (8, 1024), (2, 4096)].flatMap { attention(heads: $0.0, length: $0.1) }
      + [layer("rows_1x1024x1024", 1, 1024, 1024), map, softmaxRows, layerNormRows]
  }

  /// A layer, and the two products of its gradient, each with one factor transposed.
  private static func contraction(_ size: String, _ m: Int, _ k: Int, _ n: Int) -> [Workload] {
    let operations = Double(2 * m * k * n)
    let (x, dy) = (Input(name: "x", dimensions: [m, k]), Input(name: "dy", dimensions: [m, n]))
    return [
      layer("contract_\(size)", m, k, n),
      Workload(
        name: "contract_\(size)_dx", inputs: [dy],
        parameters: [Parameter(name: "fc_w", dimensions: [k, n])], operations: operations,
        bytes: 4 * (m * n + k * n)
      ) { $0["dy"]!.matmul($0["fc_w"]!, transposeRight: true) },
      Workload(
        name: "contract_\(size)_dw", inputs: [x, dy], operations: operations,
        bytes: 4 * (m * k + m * n)
      ) {
        $0["x"]!.matmul($0["dy"]!, transposeLeft: true)
      },
    ]
  }

  /// A convolution of 32 images with as many features as channels, as in residual networks, and its two gradients.
  private static func convolution(channels: Int, extent: Int, groups: Int = 1) -> [Workload] {
    let size = [32, extent, extent, channels]
    let weights = Parameter(name: "c_w", dimensions: [3, 3, channels / groups, channels])
    let operations = Double(2 * size.reduce(1, *) * 9 * (channels / groups))
    let bytes = 4 * (2 * size.reduce(1, *) + weights.count)
    let name = "conv_\(channels)x\(extent)x\(extent)" + (groups == 1 ? "" : "_g\(groups)")
    let (x, dy) = (Input(name: "x", dimensions: size), Input(name: "dy", dimensions: size))
    let body: Body = { convolve($0["x"]!, $0["c_w"]!, padding: .same, groups: groups) }
    return [
      Workload(
        name: name, inputs: [x], parameters: [weights], operations: operations, bytes: bytes,
        writes: true, body: body),
      // The gradient of the operand does not depend on it.
      Workload(
        name: "\(name)_dx", inputs: [dy], parameters: [weights], operations: operations,
        bytes: bytes, writes: true
      ) {
        convolveTransposed($0["dy"]!, $0["c_w"]!, padding: .same, groups: groups)
      },
      Workload(
        name: "\(name)_dw", kind: .gradient(["c_w"]), inputs: [x, dy], parameters: [weights],
        operations: operations, bytes: bytes, writes: true, body: body),
    ]
  }

  /// An attention of 64 numbers a place, and its derivatives.
  private static func attention(heads: Int, length: Int) -> [Workload] {
    let size = [heads, length, 64]
    let inputs = ["q", "k", "v"].map { Input(name: $0, dimensions: size) }
    let products = Double(2 * heads * length * length * 64)
    let bytes = 4 * size.reduce(1, *)
    let name = "attention_\(heads)x\(length)x64"
    let body: Body = { scaledDotProductAttention($0["q"]!, $0["k"]!, $0["v"]!) }
    return [
      Workload(
        name: name, inputs: inputs, operations: 2 * products, bytes: 4 * bytes, writes: true,
        body: body),
      // Scores, and what four products make of them.
      Workload(
        name: "\(name)_fb", kind: .gradient(["q", "k", "v"]),
        inputs: inputs + [Input(name: "dy", dimensions: size)], operations: 5 * products,
        bytes: 7 * bytes, writes: true, body: body),
    ]
  }

  private static func onMatrix(
    _ name: String, _ parameters: [String], _ body: @escaping Body
  ) -> Workload {
    let (rows, columns) = (4096, 1024)
    return Workload(
      name: name, inputs: [Input(name: "x", dimensions: [rows, columns])],
      parameters: parameters.map { Parameter(name: $0, dimensions: [columns]) },
      bytes: 8 * rows * columns, writes: true, body: body)
  }

  private static var map: Workload {
    onMatrix("map_4096x1024", ["a_w", "c_b"]) { leaves in
      let x = leaves["x"]!
      return tanh(x * leaves["a_w"]! + leaves["c_b"]!) * sigmoid(x)
    }
  }

  private static var softmaxRows: Workload {
    onMatrix("softmax_4096x1024", []) { softmax($0["x"]!) }
  }

  private static var layerNormRows: Workload {
    onMatrix("layernorm_4096x1024", ["ln_g", "ln_b"]) { Models.norm($0["x"]!, $0, "ln") }
  }
}

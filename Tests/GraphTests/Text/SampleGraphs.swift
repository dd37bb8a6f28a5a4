import DescentGraph

/// The models whose text stands in `Tests/Graphs`.
enum SampleGraphs {
  static let all: [Graph] = [
    faithful, classifier, layerNormalization, attention, autoencoder, embedding, reductions,
    movements, integers, elementwise, statistics, softLabels, residual, convolutions,
  ]

  /// Linear regression, trained by gradient descent.
  static let faithful = minimizing(
    Graph("faithful") { g in
      let (x, y) = (g.input("x", [.batch, 1]), g.input("y", [.batch, 1]))
      let slope = g.parameter("slope", [1, 1], .zeros)
      let intercept = g.parameter("intercept", [1], .zeros)
      let prediction = x.matmul(slope) + intercept
      g.output("prediction", prediction)
      g.output("loss", mse(prediction, y))
    }, .sgd(0.05))

  /// A perceptron of three layers over class indices, trained by Adam.
  static let classifier = minimizing(
    Graph("classifier") { g in
      var x = g.input("x", [.batch, 64])
      let labels = g.input("labels", [.batch], .i32)
      for (index, width) in [32, 16, 10].enumerated() {
        g.layers = ["\(index).Dense"]
        let inputs = x.shape[1]
        x = x.matmul(g.parameter("\(index).weight", [inputs, Extent(offset: width)], .heNormal))
        x = x + g.parameter("\(index).bias", [Extent(offset: width)])
        if index < 2 { x = relu(x) }
      }
      g.layers = []
      g.output("scores", x)
      g.output("loss", crossEntropy(x, labels))
      g.output("accuracy", mean((x.argMax() .== labels).cast(to: .f32)))
    }, .adam(clipNorm: 1))

  static let layerNormalization = Graph("layer norm") { g in
    let x = g.input("x", [.batch, 8, 16])
    let scale = g.parameter("scale", [16], .ones)
    g.output("y", layerNorm(x, scale: scale, shift: g.parameter("shift", [16])))
  }

  /// Two heads attend over six places.
  static let attention = Graph("attention") { g in
    let x = g.input("x", [.batch, 6, 8])
    func heads(_ name: String) -> Tensor {
      let projected = x.matmul(g.parameter(name, [8, 8], .glorotUniform))
      return projected.reshape([.batch, 6, 2, 4]).transpose([0, 2, 1, 3])
    }
    let scores = heads("query").matmul(heads("key"), transposeRight: true) * 0.5
    let mixed = softmax(scores).matmul(heads("value"))
    let joined = mixed.transpose([0, 2, 1, 3]).reshape([.batch, 6, 8])
    g.output("y", joined.matmul(g.parameter("output", [8, 8], .glorotUniform)))
  }

  /// The decoder uses the encoder's weight, transposed.
  static let autoencoder = minimizing(
    Graph("autoencoder") { g in
      let x = g.input("x", [.batch, 12])
      let weight = g.parameter("weight", [12, 3], .glorotNormal)
      let code = tanh(x.matmul(weight))
      let image = sigmoid(code.matmul(weight, transposeRight: true))
      g.output("code", code)
      g.output("loss", mse(image, x))
    }, .sgd(0.1, momentum: 0.9, nesterov: true, weightDecay: 1e-4))

  static let embedding = minimizing(
    Graph("embedding") { g in
      let words = g.input("words", [.batch, 4], .i64)
      let table = g.parameter("table", [50, 8], .normal(mean: 0, deviation: 0.02))
      let bag = mean(table.gather(words), axes: [1])
      let scores = bag.matmul(table, transposeRight: true)
      g.output("loss", crossEntropy(scores, g.input("next", [.batch], .i64)))
      let counts = g.state("counts", [50], .i32)
      let ones = g.constant(NDArray(repeating: 1, .i32, dimensions: [4]))
      g.update(counts, to: counts.scatterAdd(g.input("seen", [4], .i32), ones))
    }, .adamW(1e-3))

  static let reductions = Graph("reductions") { g in
    let x = g.input("x", [.batch, 3, 4])
    g.output("sum", x.sum())
    g.output("rows", x.sum(axes: [-1]))
    g.output("columns", x.sum(axes: [0], keepingAxes: true))
    g.output("apart", x.max(axes: [0, 2]))
    g.output("product", x.product(axes: [1]))
    g.output("least", x.min(axes: [1, 2]))
    g.output("best", x.argMax(axis: 1))
    g.output("worst", x.argMin(axis: -1, keepingAxes: true))
    g.output("order", x.argSort(axis: 1))
    g.output("falling", x.argSort(descending: true))
    g.output("any", (x .> 0.0).any(axes: [1]))
    g.output("all", (x .<= 0.0).all())
    g.output("variance", variance(x, axes: [0]))
  }

  static let movements = Graph("movements") { g in
    let x = g.input("x", [.batch, 6])
    let flat = x.reshape([Extent(scale: 6, offset: 0)])
    g.output("flat", flat)
    g.output("wide", flat.broadcast(to: [2, Extent(scale: 6, offset: 0)]))
    g.output("transposed", x.transpose())
    g.output("tail", x.slice(axis: 0, from: 1))
    g.output("every", x.slice(axis: 1, from: 1, to: 6, by: 2))
    g.output("padded", x.pad(low: [1, 0], high: [0, 2], value: -1))
    let spread = Movement.pad(low: [0, 0], high: [0, 0], interior: [0, 1], value: 0)
    g.output("spread", x.apply(.movement(spread)))
    g.output("joined", concatenate([x, x, x.reverse(axes: [1])], axis: 0))
    g.output("windows", x.windows(axis: 1, size: 2, stride: 1, dilation: 1))
  }

  static let convolutions = Graph("convolutions") { g in
    let x = g.input("x", [.batch, 8, 8, 3])
    let weights = g.parameter("weights", [3, 3, 3, 4], .heNormal)
    let features = relu(convolve(x, weights, strides: [2, 2], padding: .same))
    g.output("features", features)
    g.output("dilated", convolve(x, weights, dilations: [3, 1]))
    g.output("padded", convolve(x, weights, padding: .zeros(low: [1, 0], high: [2, 3])))
    g.output("back", convolveTransposed(features, weights, strides: [2, 2], padding: .same))
    let parts = g.parameter("parts", [3, 3, 2, 6], .heNormal)
    g.output("parts", convolve(features, parts, padding: .same, groups: 2))
  }

  static let integers = Graph("integers") { g in
    let x = g.input("x", [4], .i32)
    let byte = g.input("byte", [4], .u8)
    let place = g.iota([4], axis: 0)
    g.output("hash", xor(x * place, x + 7.0))
    g.output("parity", remainder(x, 2.0) .== 0.0)
    g.output("quotient", x / (place + 1.0))
    g.output("bytes", byte + byte.cast(to: .u8))
    g.output("wide", x.cast(to: .i64) * x.cast(to: .i64))
    g.output("hot", place.oneHot(5, .bool))
    g.output("inverted", and(not(x), or(x, place)))
  }

  static let elementwise = Graph("elementwise") { g in
    let x = g.input("x", [5])
    for function in UnaryFunction.allCases where function != .not {
      g.output(function.rawValue, x.apply(.elementwise(.unary(function))))
    }
    g.output("gelu", gelu(x))
    g.output("geluTanh", gelu(x, .tanh))
    g.output("silu", silu(x))
    g.output("leaky", leakyRelu(x))
    g.output("softplus", softplus(x))
    g.output("power", pow(x, 3.0))
    g.output("clamped", clamp(x, -1, 1))
  }

  /// Running statistics: state that a run updates.
  static let statistics = Graph("statistics") { g in
    let x = g.input("x", [.batch, 3])
    let average = g.state("average", [3])
    let spread = g.state("spread", [3], .f32, .ones)
    let count = g.state("count", [], .i64)
    g.update(average, to: average * 0.9 + mean(x, axes: [0]) * 0.1)
    g.update(spread, to: spread * 0.9 + variance(x, axes: [0]) * 0.1)
    g.update(count, to: count + 1.0)
    g.output("y", (x - average) / sqrt(spread + 1e-5))
  }

  /// Probabilities as labels, and numbers that text must keep.
  static let softLabels = Graph("soft labels") { g in
    let offsets = g.constant(NDArray([0.1, -0.0, .infinity, Float(bitPattern: 0x7fc0_0001)]))
    let floor = g.constant(NDArray(repeating: 1e-3, .f32, dimensions: [3, 4]))
    let scores =
      g.input("scores", [3, 4])
      + g.parameter("bias", [4], .values(NDArray([1, 2, 3, 4] as [Float])))
    g.output("loss", crossEntropy(scores, maximum(g.input("labels", [3, 4]), floor)))
    g.output("shifted", scores + offsets)
  }

  static let residual = minimizing(
    Graph("residual") { g in
      var x = g.input("x", [.batch, 8])
      for block in 0..<2 {
        let inner = g.parameter("\(block).inner", [8, 8], .heUniform)
        let outer = g.parameter("\(block).outer", [8, 8], .uniform(-0.1, 0.1))
        x = relu(x + relu(x.matmul(inner)).matmul(outer))
      }
      g.output("loss", mean(square(x - stopGradient(x.max(axes: [1], keepingAxes: true)))))
    }, .adam(0.01, weightDecay: 0.1))

  private static func minimizing(_ graph: Graph, _ optimizer: Optimizer) -> Graph {
    graph.with(objective: Objective(minimizing: "loss", with: optimizer))
  }
}

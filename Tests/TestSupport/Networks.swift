package import DescentGraph

/// Networks whose training steps several tests look at.
package enum Networks {
  /// Returns an MLP for MNIST, 784-256-128-10 with ReLU, cross-entropy and momentum.
  package static func mnist() throws(GraphErrors) -> Graph {
    try Graph("mlp") { g in
      var x = g.input("x", [.batch, 784])
      for (index, width) in [256, 128, 10].enumerated() {
        let weight = g.parameter("\(index).w", [x.shape[1], Extent(offset: width)], .heNormal)
        x = x.matmul(weight) + g.parameter("\(index).b", [Extent(offset: width)])
        if index < 2 { x = relu(x) }
      }
      g.output("loss", DescentGraph.crossEntropy(x, g.input("labels", [.batch], .i32)))
    }.minimizing("loss", with: .sgd(0.1, momentum: 0.9))
  }

  /// Returns a layer norm whose output `y` weighs each element by the input `dy`.
  package static func layerNorm(rows: Int, columns: Int) -> Graph {
    let (shape, columns): (Shape, Shape) = (Shape([rows, columns]), Shape([columns]))
    return Graph("norm") { g in
      let y = DescentGraph.layerNorm(
        g.input("x", shape), scale: g.input("scale", columns), shift: g.input("shift", columns))
      g.output("y", (y * g.input("dy", shape)).sum())
    }
  }

  /// Returns the cross-entropy of some scores.
  package static func crossEntropy(rows: Int, classes: Int) -> Graph {
    Graph("loss") { g in
      let scores = g.input("scores", Shape([rows, classes]))
      g.output("loss", DescentGraph.crossEntropy(scores, g.input("labels", Shape([rows]), .i32)))
    }
  }

  /// Returns a transformer block's training step: width 256 in four heads, an MLP four times as wide, normalised before
  /// each half, with Adam.
  package static func transformerBlock(batch: Int, length: Int) throws(GraphErrors) -> Graph {
    let (heads, depth) = (4, 64)
    let width = heads * depth
    return try Graph("block") { g in
      func linear(_ x: Tensor, _ name: String, _ inputs: Int, _ outputs: Int) -> Tensor {
        x.matmul(g.parameter("\(name).w", Shape([inputs, outputs]), .heNormal))
          + g.parameter("\(name).b", Shape([outputs]))
      }
      func norm(_ x: Tensor, _ name: String) -> Tensor {
        DescentGraph.layerNorm(
          x, scale: g.parameter("\(name).scale", Shape([width]), .ones),
          shift: g.parameter("\(name).shift", Shape([width])))
      }
      var x = g.input("x", Shape([batch, length, width]))
      let all = linear(norm(x, "norm1"), "qkv", width, 3 * width)
        .reshape(Shape([batch, length, 3, heads, depth])).transpose([2, 0, 3, 1, 4])
      let parts = (0..<3).map { part in
        all.slice(axis: 0, from: Extent(offset: part), to: Extent(offset: part + 1))
          .reshape(Shape([batch, heads, length, depth]))
      }
      let scores = parts[0].matmul(parts[1], transposeRight: true) / Double(depth).squareRoot()
      let mixed = softmax(scores).matmul(parts[2]).transpose([0, 2, 1, 3])
        .reshape(Shape([batch, length, width]))
      x = x + linear(mixed, "out", width, width)
      let hidden = gelu(linear(norm(x, "norm2"), "up", width, 4 * width))
      x = x + linear(hidden, "down", 4 * width, width)
      g.output("loss", mse(x, g.input("target", Shape([batch, length, width]))))
    }.minimizing("loss", with: .adam(1e-3))
  }
}

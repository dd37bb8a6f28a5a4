import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Into how few kernels the steps of common networks go.
@Suite struct KernelCountTests {
  private func kernels(_ graph: Graph) throws -> String {
    let plan = try graph.compile(options: CompileOptions(threads: 1))
    #expect(plan.arenaBytes * 100 <= plan.arenaLowerBound * 103)
    return plan.program.kernels.map(\.name).joined(separator: "\n")
  }

  @Test func crossEntropyThereAndBack() throws {
    let graph = try Graph("loss") { g in
      let scores = g.input("scores", [512, 100])
      g.output("loss", crossEntropy(scores, g.input("labels", [512], .i32)))
    }.gradient(of: "loss", withRespectTo: ["scores"])
    expectSnapshot(
      try kernels(graph),
      """
      oneHot+max+sub+exp+sum+log+…
      neg+sum+mul
      """)
  }

  @Test func layerNormThereAndBack() throws {
    let graph = try Graph("norm") { g in
      let x = g.input("x", [512, 256])
      let y = layerNorm(x, scale: g.input("scale", [256]), shift: g.input("shift", [256]))
      g.output("y", (y * g.input("dy", [512, 256])).sum())
    }.gradient(of: "y", withRespectTo: ["x", "scale", "shift"])
    expectSnapshot(
      try kernels(graph),
      """
      sum+mul+sub+mul+sum+mul+…
      sub+mul+mul+add+mul+sum
      sum+sub+mul+mul+sum
      """)
  }

  @Test func transformerBlock() throws {
    let (batch, length, heads, depth) = (8, 128, 4, 64)
    let width = heads * depth
    let graph = try Graph("block") { g in
      func linear(_ x: Tensor, _ name: String, _ inputs: Int, _ outputs: Int) -> Tensor {
        x.matmul(g.parameter("\(name).w", Shape([inputs, outputs]), .heNormal))
          + g.parameter("\(name).b", Shape([outputs]))
      }
      func norm(_ x: Tensor, _ name: String) -> Tensor {
        layerNorm(
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
    let kernels = try kernels(graph)
    #expect(kernels.split(separator: "\n").count <= 40)
    expectSnapshot(
      kernels,
      """
      sum+mul+sub+mul+sum+mul+…
      contract+add
      slice
      slice
      slice
      contract+mul
      max+sub+exp+sum+div+mul+…
      contract
      transpose
      contract+add+add
      sum+mul+sub+mul+sum+mul+…
      contract+add+mul+mul+erf+add+…
      contract+add+add+sub
      mul+sum+mul
      add+cast+mul+tanh+mul+add+…
      mul+add+sum+mul+mul+add+…
      contract+mul+mul+mul+mul+mul+…
      contract
      mul+mul+sub+mul+sum+div+…
      contract
      transpose
      contract
      contract
      mul+mul+sum+mul+neg+add+…
      contract
      contract
      pad+pad+add+pad+add
      transpose
      contract
      sum+sub+mul+mul+sum+mul+…
      contract+mul+mul+add+mul+mul+…
      sum+mul+mul+add+mul+mul+…
      contract+mul+mul+add+mul+mul+…
      sum+mul+mul+add+mul+mul+…
      sum+sub+mul+mul+sum+mul+…
      contract+mul+mul+add+mul+mul+…
      sum+mul+mul+add+mul+mul+…
      contract+mul+mul+add+mul+mul+…
      """)
  }
}

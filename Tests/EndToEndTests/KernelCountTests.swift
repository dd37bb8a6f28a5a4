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
    let graph = try Networks.crossEntropy(rows: 512, classes: 100)
      .gradient(of: "loss", withRespectTo: ["scores"])
    expectSnapshot(
      try kernels(graph),
      """
      oneHot+max+sub+exp+sum+log+… then neg+sum+mul
      """)
  }

  @Test func layerNormThereAndBack() throws {
    let graph = try Networks.layerNorm(rows: 512, columns: 256)
      .gradient(of: "y", withRespectTo: ["x", "scale", "shift"])
    expectSnapshot(
      try kernels(graph),
      """
      sum+mul+sub+mul+sum+mul+…
      sub+mul+mul+add+mul+sum
      sum+sub+mul+mul+sum
      """)
  }

  /// Few kernels that live long and much that is small are harder to place.
  @Test(arguments: [(1, 16), (2, 32), (2, 48), (3, 40), (4, 64)])
  func smallTransformerBlocks(batch: Int, length: Int) throws {
    for threads in [1, 2] {
      let plan = try Networks.transformerBlock(batch: batch, length: length)
        .compile(options: CompileOptions(threads: threads))
      #expect(
        plan.arenaBytes * 100 <= plan.arenaLowerBound * 103,
        "\(plan.arenaBytes) of \(plan.arenaLowerBound), \(threads) threads")
    }
  }

  @Test func transformerBlock() throws {
    let kernels = try kernels(Networks.transformerBlock(batch: 8, length: 128))
    #expect(kernels.split(separator: "\n").count <= 40)
    expectSnapshot(
      kernels,
      """
      sum+mul+sub+mul+sum+mul+…
      contract+add
      contract+mul then max+sub+exp+sum+div+mul+… then contract
      contract+add+add
      sum+mul+sub+mul+sum+mul+…
      contract+add+mul+mul+erf+add+…
      contract+add+add+sub
      mul+sum+mul
      add+cast+mul+tanh+mul+add+…
      mul+add+sum+mul+mul+add+…
      contract+mul+mul+mul+mul+mul+…
      contract+mul+mul+add+mul+mul+…
      sum+mul+mul+add+mul+mul+…
      contract
      contract+mul+mul+add+mul+mul+…
      mul+mul+sub+mul+sum+div+…
      sum+sub+mul+mul+sum+mul+…
      sum+mul+mul+add+mul+mul+…
      contract
      contract then mul+mul+sum+mul+neg+add+… then contract then contract
      contract
      contract+mul+mul+add+mul+mul+…
      concatenate
      transpose
      contract
      sum+sub+mul+mul+sum+mul+…
      contract+mul+mul+add+mul+mul+…
      sum+mul+mul+add+mul+mul+…
      """)
  }
}

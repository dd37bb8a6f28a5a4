import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// What is computed again rather than stored, and what is not.
@Suite struct RematerialiseTests {
  /// Compiles with everything considered, however small.
  private func fused(_ graph: Graph, minimumBytes: Int = 0) throws -> (FusedGraph, [String]) {
    let pipeline = Pipeline.list(minimumRecomputedBytes: minimumBytes)
    var options = Pipeline.Options()
    options.verifies = true
    let result = try pipeline.run(graph.bound(batch: 64), options)
    let notes = result.journal.entries.filter { $0.rule == "recompute" }.map(\.text)
    var journal = Journal()
    return (FusedGraph(fusing: result.graph, journal: &journal), notes)
  }

  private func gelus() throws -> Graph {
    try Graph("gelu") { g in
      let x = g.input("x", [.batch, 256])
      let hidden = gelu(
        x.matmul(g.parameter("w", [256, 256], .heNormal)) + g.parameter("b", [256]))
      g.output("loss", mse(hidden.matmul(g.parameter("v", [256, 256], .heNormal)), x))
    }.minimizing("loss", with: .sgd(0.1))
  }

  @Test func twoProductsOfOneValueAreFormedAgain() throws {
    let (fused, notes) = try fused(gelus())
    expectSnapshot(
      notes.joined(separator: "\n"),
      """
      %8 mul is computed again rather than stored
      %11 mul is computed again rather than stored
      """)
    expectSnapshot(
      fused.lines,
      """
      contraction [64, 256]: contract add* mul mul erf add* mul*
      contraction [64, 256]: contract sub* mul add*
      row [64, 256]: mul sum mul*
      contraction [64, 256]: contract mul mul mul mul mul neg exp mul mul mul mul add*
      map []: add*
      contraction [256, 256]: contract mul sub*
      column [64, 256]: sum mul sub*
      contraction [256, 256]: contract mul sub*
      """)
  }

  @Test func smallValuesAreStored() throws {
    #expect(try fused(gelus(), minimumBytes: 1 << 20).1.isEmpty)
  }

  /// A pool needs what ReLU gives in memory; its mask follows from what batch norm's gradient reads anyway.
  @Test func aStoredValueIsFormedAgainWhereItsSourcesAreRead() throws {
    let graph = try Graph("norm") { g in
      let x = g.input("x", [.batch, 32, 64])
      let normal = batchNorm(x.matmul(g.parameter("w", [64, 64], .heNormal)))
      g.output("loss", mean(maxPool(relu(normal.output), [1: Window(size: 2)])))
    }.minimizing("loss", with: .sgd(0.1))
    let (fused, notes) = try fused(graph, minimumBytes: 1 << 16)
    expectSnapshot(
      notes.joined(separator: "\n"),
      """
      %9 sub is computed again rather than stored
      %55 select is computed again rather than stored
      %33 relu is computed again rather than read
      """)
    expectSnapshot(
      fused.lines,
      """
      contraction [64, 32, 64]: contract*
      column [64, 32, 64]: sum mul*
      column [64, 32, 64]: sub sum mul* mul sum mul mul sub relu add sqrt* div* mul neg* div* greater*
      map [64, 32, 64]: sub mul add relu*
      column [64, 16, 2, 64]: max* equal cast sum div select*
      row [64, 16, 64]: sum mul*
      column [64, 32, 64]: sub mul add relu greater select sum mul sum neg mul mul add mul mul div select neg mul add add mul* mul*
      map [64, 32, 64]: sub mul add relu greater select mul mul add add add*
      map []: add*
      contraction [64, 64]: contract mul sub*
      """)
  }

  @Test func aNormalisedRowIsFormedAgain() throws {
    let graph = try Graph("norm") { g in
      let x = g.input("x", [.batch, 256])
      let y = layerNorm(
        x.matmul(g.parameter("w", [256, 256], .heNormal)),
        scale: g.parameter("scale", [256], .ones),
        shift: g.parameter("shift", [256]))
      g.output("loss", mse(y.matmul(g.parameter("v", [256, 256], .heNormal)), x))
    }.minimizing("loss", with: .sgd(0.1))
    let (fused, notes) = try fused(graph)
    expectSnapshot(
      notes.joined(separator: "\n"),
      """
      %11 sub is computed again rather than stored
      %19 sqrt is computed again rather than stored
      %24 mul is computed again rather than stored
      %22 div is computed again rather than read
      """)
    expectSnapshot(
      fused.lines,
      """
      contraction [64, 256]: contract*
      row [64, 256]: sum mul* sub mul sum mul* add sqrt div* mul mul add*
      contraction [64, 256]: contract sub* mul add*
      row [64, 256]: mul sum mul*
      contraction [64, 256]: contract*
      row [64, 256]: mul mul sub mul sum add sqrt div div mul mul div mul mul add add neg sum mul add*
      map []: add*
      contraction [256, 256]: contract mul sub*
      column [64, 256]: sum sub mul mul sum mul sub* mul sub*
      contraction [256, 256]: contract mul sub*
      """)
  }

  @Test func whatAContractionReadsStaysInMemory() throws {
    let graph = Graph("factor") { g in
      let x = g.input("x", [64, 64])
      let doubled = x * 2.0
      g.output("y", doubled.matmul(doubled) + doubled)
    }
    #expect(try fused(graph).1.isEmpty)
  }
}

import DescentGraph
import DescentPasses
import Testing

/// Whether weights are the same in every run decides about tiles where their planes would cost too much in each.
@Suite struct WinogradConvolutionTests {
  /// Whether one small image meets its weights in tiles.
  private func isInTiles(
    prepares: Bool = true, _ weights: (GraphBuilder, Tensor) -> Tensor
  ) throws -> Bool {
    let graph = Graph("tiles") { g in
      let w = weights(g, g.parameter("w", [3, 3, 64, 64]))
      g.output("y", convolve(g.input("x", [1, 8, 8, 64]), w, padding: .same))
    }
    var journal = Journal()
    let after = try Pass.winograd(prepares: prepares).run(graph.validated(), &journal)
    #expect(after.verify() == [])
    return after.nodes.contains { $0.op.isWinograd }
  }

  @Test func planesOfFixedWeightsAreMadeOnce() throws {
    #expect(try isInTiles { _, w in w })
    #expect(try isInTiles { g, w in w * g.state("s", [64], .f32, .ones) })
    #expect(try !isInTiles(prepares: false) { _, w in w })
  }

  @Test func planesOfUpdatedWeightsAreNot() throws {
    #expect(
      try !isInTiles { g, w in
        g.update(w, to: w * 0.5)
        return w
      })
    #expect(
      try !isInTiles { g, w in
        let s = g.state("s", [64])
        g.update(s, to: s + 1.0)
        return w * exp(s)
      })
    #expect(try !isInTiles { g, w in w * g.input("s", [64]) })
  }

  @Test func weightsThatBecomeThemselvesAreFixed() throws {
    #expect(
      try isInTiles { g, w in
        g.update(w, to: w)
        return w
      })
  }

  /// No preparation makes them, so their planes are made in every run.
  @Test func randomAndGatheredWeightsAreNot() throws {
    #expect(
      try !isInTiles { g, w in
        let key = (0..<4).map { g.constant(Double($0), .i32).value }
        let word = Tensor(g, g.add(.elementwise(.philox(word: 0)), key))
        return w * word.cast(to: .f32)
      })
    #expect(try !isInTiles { g, w in w.gather(g.iota([3], axis: 0)) })
  }
}

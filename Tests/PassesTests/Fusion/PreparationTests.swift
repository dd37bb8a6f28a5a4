import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Which nodes are computed once rather than in every run.
@Suite struct PreparationTests {
  /// Returns the operations of the groups that are prepared, one group a line.
  private func prepared(_ body: (GraphBuilder) -> Void) -> String {
    let fused = FusedGraph(fusing: Graph("prepared", body))
    #expect(fused.check() == [])
    return fused.groups.filter(\.isPrepared).map { group in
      group.nodes.map { fused.graph[$0].op.name }.joined(separator: "+")
    }.joined(separator: "\n")
  }

  @Test func whatFollowsFromParametersAndStates() {
    let text = prepared { g in
      let (w, s) = (g.parameter("w", [8, 4], .ones), g.state("s", [4], .f32, .ones))
      let scaled = w * sqrt(s + 1e-5)
      g.output("y", g.input("x", [2, 8]).matmul(scaled) + (scaled.sum(axes: [0]) - 2.0))
    }
    expectSnapshot(
      text,
      """
      add+sqrt+mul+sum+sub
      """)
  }

  /// An epilogue and a neighbour would take it, and must not.
  @Test func itNeverJoinsWhatIsNot() throws {
    let graph = Graph("mixed") { g in
      let (w, b) = (g.parameter("w", [8, 4], .ones), g.parameter("b", [4], .ones))
      let squared = w.transpose().matmul(w)
      g.output("y", exp(squared) * g.input("x", [4, 4]) + exp(b))
    }
    let fused = FusedGraph(fusing: graph)
    #expect(fused.groups.map(\.isPrepared) == [true, true, false])
    expectSnapshot(
      fused.storedLines,
      """
      %4 → %6: it is computed once, and its reader in every run, 64 B
      %7 → %9: it is computed once, and its reader in every run, 16 B
      %9: it is an output, 64 B
      """)
    var journal = Journal()
    let whole = FusedGraph(fusing: graph, prepares: false, journal: &journal)
    #expect(whole.groups.allSatisfy { !$0.isPrepared })
  }

  @Test func whatIsUpdatedIsNot() {
    let text = prepared { g in
      let (w, frozen) = (g.parameter("w", [4], .ones), g.parameter("frozen", [4], .ones))
      let x = g.input("x", [4])
      g.update(w, to: w - x)
      g.output("y", exp(w) * x + sin(frozen) * x + cos(w + frozen))
    }
    #expect(text == "sin")
  }

  @Test func aStateThatKeepsItsContentIs() {
    let text = prepared { g in
      let s = g.state("s", [4], .f32, .ones)
      g.update(s, to: s)
      g.output("y", exp(s) + g.input("x", [4]))
    }
    #expect(text == "exp")
  }

  @Test func whatIsMuchLargerThanItsLeavesIsNot() {
    for (count, isPrepared) in [(4, true), (5, false)] {
      let text = prepared { g in
        let b = g.parameter("b", [4], .ones)
        // What is added differs from row to row, so that it cannot be computed before it is repeated.
        let rows =
          b.broadcast(to: Shape([count, 4])) + g.iota(Shape([count, 4]), axis: 0, .f32)
        g.output("y", rows * g.input("x", Shape([count, 4])))
      }
      #expect((text == "add") == isPrepared, "\(count) rows: \(text)")
    }
  }

  /// A learning rate is set by hand, step by step; a norm takes a kernel.
  @Test func whatFollowsFromSingleNumbersIsNot() {
    let text = prepared { g in
      let (rate, w) = (g.state("rate", [], .f32, .ones), g.parameter("w", [4], .ones))
      let x = g.input("x", [4])
      g.output("y", x * exp(rate) + x * sqrt(square(w).sum()))
    }
    #expect(text == "mul+sum+sqrt")
  }

  @Test func severalLeavesCountTogether() {
    let text = prepared { g in
      let parts = (0..<8).map { g.parameter("\($0)", [4], .ones) }
      g.output("y", concatenate(parts, axis: 0) * g.input("x", [32]))
    }
    #expect(text == "concatenate")
  }

  @Test func longChainsAre() {
    let text = prepared { g in
      let w = (0..<150).reduce(g.parameter("w", [4], .ones)) { w, _ in sin(w) }
      g.output("y", w * g.input("x", [4]))
    }
    #expect(text.split(separator: "+").count == 150)
  }

  @Test func numbersFromBytesAre() {
    let text = prepared { g in
      let w = g.state("w", [8, 4], .u8, .ones)
      g.output("y", g.input("x", [2, 8]).matmul(w.cast(to: .f32)))
    }
    #expect(text == "cast")
  }

  @Test func whatMayFailOrIsRandomOrIsAResultIsNot() {
    let text = prepared { g in
      let (w, i) = (g.parameter("w", [4], .ones), g.state("i", [4], .i32, .zeros))
      let x = g.input("x", [4])
      g.output("a", exp(w.gather(i)) * x)
      g.output("b", g.bernoulli(0.5, [4]).cast(to: .f32) * x)
      g.output("c", exp(w))
      g.output("d", sin(exp(w)) * x)
      g.output("e", w)
    }
    // Of the seed's own words there may be something to prepare.
    #expect(Set(text.split(separator: "\n")).isSubset(of: ["slice"]))
  }
}

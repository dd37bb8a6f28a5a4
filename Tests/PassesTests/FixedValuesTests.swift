import DescentGraph
import DescentPasses
import Testing

/// Which values are the same in every run.
@Suite struct FixedValuesTests {
  /// Returns the names of the outputs that are fixed.
  private func fixed(_ body: (GraphBuilder) -> Void) -> [String] {
    let graph = Graph("fixed", body)
    #expect(graph.verify() == [])
    let values = graph.fixedValues
    return graph.outputs.filter { values[$0.value] }.map(\.name)
  }

  @Test func leavesAreButForInputs() {
    let names = fixed { g in
      g.output("input", g.input("x", [3]))
      g.output("parameter", g.parameter("w", [3]))
      g.output("state", g.state("s", [3]))
      g.output("constant", g.constant(NDArray([1, 2, 3] as [Float])))
      g.output("iota", g.iota([3], axis: 0))
      g.output("size", Tensor(g, g.add(.leaf(.size([.batch, 3], .f32)), [])))
    }
    #expect(names == ["parameter", "state", "constant", "iota", "size"])
  }

  /// What a leaf becomes is another matter than the leaf.
  @Test func updatedLeavesAreNot() {
    let names = fixed { g in
      let (w, s, other) = (g.parameter("w", [3]), g.state("s", [3]), g.state("other", [3]))
      g.update(w, to: w * 0.5)
      g.update(s, to: other)
      g.output("w", w)
      g.output("s", s)
      g.output("other", other)
    }
    #expect(names == ["other"])
  }

  @Test func aLeafThatBecomesItselfIs() {
    let names = fixed { g in
      let (w, s) = (g.parameter("w", [3]), g.state("s", [3]))
      g.update(w, to: w)
      g.update(s, to: s * 1.0)
      g.output("itself", exp(w))
      g.output("computed", exp(s))
    }
    #expect(names == ["itself"])
  }

  /// One operand that changes is enough, however far behind it stands.
  @Test func whatFollowsFromFixedValuesAloneIs() {
    let names = fixed { g in
      let (w, s, x) = (g.parameter("w", [3]), g.state("s", [3]), g.input("x", [3]))
      let (scaled, count) = (w * 2.0, exp(s))
      g.update(s, to: s + 1.0)
      g.output("scaled", scaled)
      g.output("line", (scaled + g.iota([3], axis: 0, .f32)).reshape([3, 1]))
      g.output("square", scaled.reshape([3, 1]).matmul(w.reshape([1, 3])).sum(axes: [0]))
      g.output("of state", count)
      g.output("behind it", sqrt(count.reshape([3, 1])))
      g.output("mixed", scaled + count.sum())
      g.output("of input", scaled * x)
    }
    #expect(names == ["scaled", "line", "square"])
  }

  @Test func noChainIsTooLong() {
    let names = fixed { g in
      g.output("w", (0..<1000).reduce(g.parameter("w", [3])) { w, _ in sin(w) })
      g.output("x", (0..<1000).reduce(g.input("x", [3])) { x, _ in sin(x) })
    }
    #expect(names == ["w"])
  }

  /// Words are random even where seed and step keep their content.
  @Test func randomWordsAreNot() {
    let names = fixed { g in
      let key = (0..<4).map { g.constant(Double($0), .i32).value }
      let words = Tensor(g, g.add(.elementwise(.philox(word: 0)), key))
      g.output("key", g.constant(3, .i32))
      g.output("words", words)
      g.output("behind them", words + 1.0)
      g.output("uniform", g.uniform([3]))
    }
    #expect(names == ["key"])
  }

  /// They may fail, and every run has to say so.
  @Test func whatIsReadAtPlacesThatAreDataIsNot() {
    let names = fixed { g in
      let (w, places) = (g.parameter("w", [3]), g.constant(NDArray([2, 0] as [Int32])))
      g.output("places", places)
      g.output("gathered", w.gather(places))
      g.output("behind it", exp(w.gather(places)))
    }
    #expect(names == ["places"])
  }

  /// A rewriter asks before there is a graph: names tell it which leaves are updated.
  @Test func nodesAreAddedOneByOne() throws {
    let graph = Graph("updated") { g in
      let (w, s) = (g.parameter("w", [3]), g.state("s", [3]))
      g.update(s, to: s + w)
    }
    var fixed = FixedValues(underUpdatesOf: graph)
    let (w, s) = (try #require(graph.leaf("w")), try #require(graph.leaf("s")))
    for leaf in [s, w] { fixed.append(graph[leaf].op, []) }
    for operand in [0, 1] { fixed.append(.elementwise(.unary(.exp)), [Value(operand)]) }
    #expect((0..<4).map { fixed[Value($0)] } == [false, true, false, true])
  }
}

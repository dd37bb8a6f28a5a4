import DescentGraph
import Testing

/// Where contractions find their factors behind movement.
@Suite struct FactorTests {
  /// Returns the axes of a factor of the only product of a graph: its source and layout in short.
  private func factor(
    _ side: FactorLayout.Side, _ body: (GraphBuilder) -> Tensor
  ) throws -> String {
    let graph = try Graph("factors") { g in g.output("y", body(g)) }.validated()
    let core = try #require(graph.values.first { graph[$0].op.isContraction })
    let factor = graph.factor(of: core, side)
    let text = { (axes: [FactorLayout.Axis]) in
      axes.map { "\($0.extent)×\($0.stride)" }.joined(separator: " ")
    }
    let layout = factor.layout
    return "\(graph[factor.source].op.name) from \(layout.offset): batch \(text(layout.batch)), "
      + "kept \(text(layout.kept)), summed \(text(layout.summed))"
  }

  @Test func headsOfAttentionAreRead() throws {
    // Keys among queries, keys and values of 3 heads of 8 numbers.
    let keys = { (g: GraphBuilder) in
      g.input("x", [2, 5, 72]).slice(axis: 2, from: 24, to: 48).reshape([2, 5, 3, 8])
        .transpose([0, 2, 1, 3])
    }
    #expect(
      try factor(.right) {
        $0.input("q", [2, 3, 5, 8]).matmul(keys($0), transposeRight: true)
      }
        == "input from 24: batch 2×360 3×8, kept 5×72, summed 8×1")
    #expect(
      try factor(.left) {
        keys($0).transpose([0, 2, 1, 3]).reshape([2, 5, 24]).matmul($0.input("w", [24, 4]))
      } == "input from 24: batch , kept 10×72, summed 24×1")
  }

  @Test func windowsAreRead() throws {
    #expect(
      try factor(.left) { g in
        convolve(g.input("x", [2, 6, 7, 4]), g.input("w", [3, 2, 4, 5]), strides: [1, 2])
      } == "input from 0: batch , kept 2×168 4×28 3×8, summed 3×28 8×1")
    #expect(
      try factor(.right) { g in
        convolve(
          g.input("x", [2, 6, 7, 16]),
          g.input("w", [3, 2, 4, 16]).reverse(axes: [0, 1]).transpose([0, 1, 3, 2]))
      } == "input from 320: batch , kept 4×16, summed 6×-64 16×1")
  }

  /// A product for each group, side by side; groups of few columns are only read where these lie so too.
  @Test func groupsAreABatch() throws {
    let windows = { (g: GraphBuilder) in
      convolve(g.input("x", [2, 6, 7, 8]), g.input("w", [3, 1, 4, 10]), groups: 2)
    }
    #expect(
      try factor(.left, windows)
        == "input from 0: batch 2×4, kept 2×336 28×8, summed 3×56 4×1")
    #expect(try factor(.right, windows) == "input from 0: batch 2×5, kept 5×1, summed 12×10")
    let turned = { (features: Extent) in
      { (g: GraphBuilder) in
        convolve(
          g.input("x", [2, 6, 7, 8]),
          g.input("w", [1, 1, features, 4]).transpose([0, 1, 3, 2]), groups: 2)
      }
    }
    #expect(
      try factor(.right, turned(16)) == "transpose from 0: batch 2×8, kept 8×1, summed 4×16")
    #expect(
      try factor(.right, turned(64)) == "input from 0: batch 2×128, kept 32×4, summed 4×1")
  }

  @Test func windowsBeginBeforeTheirOperand() throws {
    let read = { (g: GraphBuilder) in
      convolve(
        g.input("x", [2, 7, 6, 4]).transpose([0, 2, 1, 3]), g.input("w", [3, 2, 4, 5]),
        strides: [1, 2], padding: .zeros(low: [2, 1], high: [0, 1]))
    }
    // Movement is not followed: what is outside lies around the operand, not around what it was made from.
    #expect(
      try factor(.left, read)
        == "transpose from -60: batch , kept 12×28 4×8, summed 3×28 8×1")
  }

  @Test func windowsAreSummedOver() throws {
    let gradient = Convolution(
      strides: [1, 2], dilations: [1, 1], low: [2, 1], high: [0, 1], kernel: [3, 2])
    let read = { (g: GraphBuilder) in
      g.input("x", [2, 7, 6, 4]).apply(.convolution(gradient), g.input("g", [2, 7, 4, 5]))
    }
    #expect(
      try factor(.left, read) == "input from -52: batch , kept 3×24 8×1, summed 14×24 4×8")
    #expect(try factor(.right, read) == "input from 0: batch , kept 5×1, summed 56×5")
  }

  @Test func whatKernelsCannotReadIsCopied() throws {
    // Neither rows nor terms lie side by side.
    #expect(
      try factor(.left) { g in
        g.input("x", [6, 8]).slice(axis: 1, from: 0, to: 8, by: 2).matmul(g.input("w", [4, 3]))
      } == "slice from 0: batch , kept 6×4, summed 4×1")
    // An axis is cut within a part of another.
    #expect(
      try factor(.left) { g in
        g.input("x", [4, 6]).transpose().reshape([8, 3]).matmul(g.input("w", [3, 2]))
      } == "reshape from 0: batch , kept 8×3, summed 3×1")
  }
}

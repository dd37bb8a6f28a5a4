import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Windows of a few elements are straight lines of instructions, which agree with the interpreter in every bit.
@Suite struct ShortColumnTests {
  private func expectAgreement(
    _ graph: Graph, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try expectBits(threads: 1...2, sourceLocation: sourceLocation) {
      try graph.compile(
        options: CompileOptions(
          threads: $0, poison: $0 == 2, minimumWorkPerThread: 1, backend: $1))
    }
  }

  /// The last kernel's loop, if it is a map: its domain, how many places it computes at once, and what it reads for
  /// them.
  private func map(_ graph: Graph) throws -> (domain: [Int], places: Int, loads: Int)? {
    let plan = try graph.compile(options: CompileOptions(threads: 1))
    guard case .loop(let loop) = plan.program.kernels.last?.body, loop.loopClass == .map else {
      return nil
    }
    let loads = loop.stages[0].program.instructions.count {
      if case .load = $0 { true } else { false }
    }
    return (loop.domain, loop.stages[0].stores.count, loads)
  }

  private func convolution(
    height: Extent, width: Extent, kernel: Extent, channels: Extent, stride: Int = 1
  ) -> Graph {
    Graph("depthwise") { g in
      let x = g.input("x", [2, height, width, channels])
      let w = g.input("w", [kernel, kernel, 1, channels])
      let bias = g.input("bias", [channels])
      let windows = x.windows(
        kernel: [kernel, kernel].compactMap(\.fixed), strides: [stride, stride], dilations: [1, 1])
      g.output(
        "y", relu((windows * w.reshaped([kernel, kernel, channels])).sum(axes: [3, 4]) + bias))
    }
  }

  /// Four neighbouring places share their weights and most of what their windows find.
  @Test func windowsThatOverlapAreReadTogether() throws {
    let graph = convolution(height: 7, width: 10, kernel: 3, channels: 5)
    let map = try #require(try map(graph))
    #expect(map == ([2, 5, 2, 5], 4, 9 + 3 * 6 + 1))
    try expectAgreement(graph)
  }

  @Test(arguments: [(4, 4, 3, 16), (5, 6, 3, 17), (6, 5, 2, 33), (9, 9, 5, 3), (3, 3, 3, 40)])
  func depthwise(height: Int, width: Int, kernel: Int, channels: Int) throws {
    let extent = { Extent(offset: $0 as Int) }
    for stride in 1...2 {
      try expectAgreement(
        convolution(
          height: extent(height), width: extent(width), kernel: extent(kernel),
          channels: extent(channels), stride: stride))
    }
  }

  @Test func gradientsOfADepthwiseConvolution() throws {
    try expectAgreement(
      convolution(height: 6, width: 8, kernel: 3, channels: 20)
        .gradient(of: "y", withRespectTo: ["x", "w", "bias"]))
  }

  @Test func pools() throws {
    for (size, stride) in [(2, 2), (3, 1), (3, 2)] {
      let graph = Graph("pool") { g in
        let x = g.input("x", [2, 9, 11, 18])
        let window = Window(size: size, stride: stride, padding: 1)
        g.output("most", maxPool(x, [1: window, 2: window]))
        g.output("mean", averagePool(x, [1: window, 2: window]) * 2)
      }
      try expectAgreement(graph)
    }
  }

  /// Rows that are many, or lie along one axis and share nothing, are swept.
  @Test func otherColumnsAreSwept() throws {
    let few = Graph("few") { g in g.output("y", g.input("x", [3, 8, 20]).sum(axes: [1])) }
    #expect(try map(few) == nil)
    try expectAgreement(few)
    let many = Graph("many") { g in g.output("y", g.input("x", [3, 26, 20]).sum(axes: [1])) }
    #expect(try map(many) == nil)
    try expectAgreement(many)
  }

  /// Rows that only some places have.
  @Test func rowsThatDoNotExist() throws {
    let graph = Graph("padded") { g in
      let x = g.input("x", [4, 3, 5, 20]).pad(low: [0, 1, 2, 0], high: [0, 1, 0, 0])
      g.output("y", tanh(x.sum(axes: [1, 2])))
      g.output("z", x.reduce(.product, [1], false) + 1)
      g.output("most", x.max(axes: [1]))
    }
    try expectAgreement(graph)
  }
}

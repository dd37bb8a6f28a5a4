import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Convolutions in groups and with strides: what becomes of them, and that it agrees with the interpreter in every bit.
@Suite struct GroupedConvolutionTests {
  private func convolution(
    _ x: Shape, kernel: [Int], groups: Int, features: Int, strides: [Int]? = nil,
    padding: ConvolutionPadding = .same
  ) -> Graph {
    Graph("groups") { g in
      let channels = x.extents.last?.fixed ?? 0
      let sides = [channels / groups, features].map { Extent(offset: $0) }
      let w = g.input("w", Shape(kernel.map { Extent(offset: $0) } + sides))
      let bias = g.input("bias", [Extent(offset: features)])
      g.output(
        "y",
        relu(
          convolve(g.input("x", x), w, strides: strides, padding: padding, groups: groups) + bias))
    }
  }

  /// Groups of any width: vectors that are full or not, of one group or several, whose elements are terms or rows.
  @Test(
    arguments: [
      (1, 1), (1, 4), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (8, 4), (5, 8), (8, 8), (8, 16),
      (16, 16),
    ])
  func everyWidth(channels: Int, features: Int) throws {
    for groups in [2, 3, 5, 6, 12, 50] {
      for kernel in [1, 3] {
        let graph = try convolution(
          [1, kernel == 3 && groups % 2 == 0 ? 14 : 12, Extent(offset: groups * channels)],
          kernel: [kernel], groups: groups,
          features: groups * features, padding: kernel == 3 && groups % 2 == 0 ? .valid : .same
        ).gradient(of: "y", withRespectTo: ["x", "w", "bias"])
        try expectBits(threads: 1...1, sourceLocation: #_sourceLocation) {
          try graph.compile(
            options: CompileOptions(threads: 4 * $0, minimumWorkPerThread: 1, backend: $1))
        }
      }
    }
  }

  /// However rows are divided among tiles and threads: parts may begin with a tile of one row.
  @Test(arguments: [13, 17, 18, 25, 37])
  func anyRowsAndThreads(rows: Int) throws {
    for channels in [20, 24] {
      let graph = convolution(
        [1, Extent(offset: rows + 2), Extent(offset: channels)], kernel: [3], groups: channels,
        features: channels, padding: .valid)
      try expectBits(threads: 4...10, sourceLocation: #_sourceLocation) {
        try graph.compile(
          options: CompileOptions(threads: $0, minimumWorkPerThread: 1, backend: $1))
      }
    }
  }

  private func kernels(_ graph: Graph) throws -> [String] {
    try graph.compile(options: CompileOptions(threads: 1)).program.kernels.map(\.name)
  }

  @Test func nothingIsCopied() throws {
    for groups in [1, 4, 32, 64] {
      let graph = convolution([2, 9, 9, 64], kernel: [3, 3], groups: groups, features: 64)
      #expect(try kernels(graph) == ["convolve+add+relu"], "\(groups) groups")
      let gradient = try graph.gradient(of: "y", withRespectTo: ["w"])
      #expect(try kernels(gradient).count <= 3, "\(groups) groups")
    }
  }

  /// Patches that lie side by side are one product, however many places each has.
  @Test func patchesAreOneProduct() throws {
    let graph = try convolution(
      [2, 64, 64, 3], kernel: [16, 16], groups: 1, features: 8, strides: [16, 16], padding: .valid
    ).gradient(of: "y", withRespectTo: ["x"])
    #expect(try kernels(graph).count <= 5)
  }

  /// With long strides there would be a convolution for each of many phases.
  @Test(arguments: [1, 2, 6]) func longStrides(groups: Int) throws {
    let graph = try convolution(
      [1, 40, 41, 6], kernel: [9, 8], groups: groups, features: 12, strides: [7, 5]
    ).gradient(of: "y", withRespectTo: ["x", "w"])
    #expect(try kernels(graph).count <= 20)
    try expectBits(threads: 1...2, sourceLocation: #_sourceLocation) {
      try graph.compile(
        options: CompileOptions(threads: $0, minimumWorkPerThread: 1, backend: $1))
    }
  }

  /// Rows of the result that lie farther apart than an instruction can say are left to others.
  @Test(arguments: Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) })
  func veryLongRows(backend: Backend) throws {
    let graph = convolution(
      [1, 16, 64], kernel: [1], groups: 64, features: 64 * ((1 << 20) - 16), padding: .valid)
    #expect(
      try graph.compile(options: CompileOptions(threads: 2, backend: backend)).program.kernels.count
        == 1)
  }
}

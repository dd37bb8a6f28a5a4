import DescentGraph
import DescentTestSupport
import Testing

@Suite struct RoundTripTests {
  /// Expects print, parse, print to give the same graph and the same text.
  private func expectRoundTrip(_ graph: Graph, _ comment: Comment? = nil) throws {
    let text = graph.text
    let parsed = try Graph(parsing: text, file: "x.graph")
    #expect(parsed == graph, comment)
    #expect(parsed.text(origins: false) == graph.text(origins: false), comment)
  }

  @Test(arguments: [
    RandomGraph.Options(), .trainable, .training,
    {
      var options = RandomGraph.Options()
      options.allowsBatch = true
      return options
    }(),
  ])
  func randomGraphsParseBackAndVerify(options: RandomGraph.Options) throws {
    for seed in 0..<150 as Range<UInt64> {
      let random = RandomGraph(seed: seed, options)
      #expect(random.graph.verify() == [], "seed \(seed)")
      try expectRoundTrip(random.graph, "seed \(seed)")
      let bound = try random.graph.bound(batch: random.batch)
      try expectRoundTrip(bound, "seed \(seed), bound")
      for (name, array) in random.inputs {
        let leaf = try #require(bound.leaf(name))
        #expect(bound[leaf].type == array.type, "seed \(seed)")
      }
    }
  }

  @Test func extremeElementsKeepTheirBits() throws {
    let bits: [UInt32] = [
      0, 0x8000_0000, 1, 0x8000_0001, 0x7f7f_ffff, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000,
      0x7fc0_0001, 0xffc0_0000, 0x7fa0_0000, 0x3dcc_cccd, 0x007f_ffff,
    ]
    let doubles: [UInt64] = [
      0x8000_0000_0000_0000, 1, 0x7fef_ffff_ffff_ffff, 0x7ff8_0000_0000_0000,
      0xfff8_0000_0000_0001, 0x3fb9_9999_9999_999a,
    ]
    let graph = Graph("extremes") { g in
      _ = g.constant(NDArray(bits.map { Float(bitPattern: $0) }))
      _ = g.constant(NDArray(.f64(doubles.map { Double(bitPattern: $0) }), dimensions: [2, 3]))
      _ = g.constant(NDArray(.i32([.min, .max, 0]), dimensions: [3]))
      _ = g.constant(NDArray(.i64([.min, .max, -1]), dimensions: [3]))
      _ = g.constant(NDArray(.u8([0, 255]), dimensions: [2]))
      _ = g.constant(NDArray(.bool([true, false]), dimensions: [2]))
      _ = g.constant(NDArray(zeros: .f32, dimensions: [3, 0]))
      _ = g.constant(NDArray(repeating: -0.0, .f32, dimensions: [3, 4]))
      _ = g.constant(NDArray([Float](repeating: 0, count: 5) + [-0.0]))
      _ = g.parameter("p", [2], .values(NDArray([1.5, .nan] as [Float])))
      _ = g.state("u", [2], .f32, .uniform(-0.5, .infinity))
    }
    #expect(graph.errors.isEmpty)
    try expectRoundTrip(graph)
    expectSnapshot(
      graph.text(origins: false),
      """
      graph "extremes"
      %0 = constant value=[0.0, -0.0, 1e-45, -1e-45, 3.4028235e+38, inf, -inf, nan, 0x7fc00001, 0xffc00000, 0x7fa00000, 0.1, 1.1754942e-38] : f32[13]
      %1 = constant value=[-0.0, 5e-324, 1.7976931348623157e+308, nan, 0xfff8000000000001, 0.1] : f64[2, 3]
      %2 = constant value=[-2147483648, 2147483647, 0] : i32[3]
      %3 = constant value=[-9223372036854775808, 9223372036854775807, -1] : i64[3]
      %4 = constant value=[0, 255] : u8[2]
      %5 = constant value=[true, false] : bool[2]
      %6 = constant value=[] : f32[3, 0]
      %7 = constant value=[12 of -0.0] : f32[3, 4]
      %8 = constant value=[0.0, 0.0, 0.0, 0.0, 0.0, -0.0] : f32[6]
      %9 = parameter name="p" initial=values value=[1.5, nan] : f32[2]
      %10 = state name="u" initial=uniform low=-0.5 high=inf : f32[2]
      """)
  }

  @Test func longRunsOfOneNumberAreSpelledOutBeyondTheLimit() throws {
    let graph = Graph("long") { g in
      for number in 0..<3 {
        _ = g.constant(NDArray(repeating: Double(number), .u8, dimensions: [1 << 19]))
      }
    }
    let lines = graph.text(origins: false).split(separator: "\n")
    #expect(lines[1] == "%0 = constant value=[524288 of 0] : u8[524288]")
    #expect(lines[2] == "%1 = constant value=[524288 of 1] : u8[524288]")
    #expect(lines[3].utf8.count > 1 << 19)
  }

  @Test(arguments: [
    "", "a b", "\"", "\\", "a\nb\r\t\u{0}\u{7f}", "é\u{301}🐢", "// no comment", "%0 = x",
  ])
  func anyNameSurvives(name: String) throws {
    let graph = Graph(name) { g in
      let x = g.input("x" + name, [1], file: "a\n%7 = odd/fi\nle.swift", line: 3)
      g.output(name, x)
    }
    try expectRoundTrip(graph)
  }

  @Test func equalNodesAndUnusedNodesStay() throws {
    let type = TensorType(.f32, [2])
    let x = Node(op: .leaf(.input(name: "x", type)), operands: [], type: type, origin: .unknown)
    let exp = Node(
      op: .elementwise(.unary(.exp)), operands: [Value(0)], type: type, origin: .unknown)
    let graph = Graph(
      name: "copies", nodes: [x, exp, exp, exp],
      outputs: [Graph.Output(name: "y", value: Value(2))])
    try expectRoundTrip(graph)
  }

  @Test func originsAreCommentsAndParsedNodesComeFromTheText() throws {
    let graph = Graph("origins") { g in
      let x = g.input("x", [.batch, 2], file: "Main/main.swift", line: 3)
      g.layers = ["1", "ReLU"]
      g.output("y", softmax(x, file: "Main/main.swift", line: 7))
    }
    let text = graph.text
    expectSnapshot(
      text,
      """
      graph "origins"
      %0 = input name="x" : f32[batch, 2]   // main.swift:3
      %1 = max(%0) axes=[1] : f32[batch]   // 1.ReLU  softmax  main.swift:7
      %2 = reshape(%1) shape=[batch, 1] : f32[batch, 1]   // 1.ReLU  softmax  main.swift:7
      %3 = stopGradient(%2) : f32[batch, 1]   // 1.ReLU  softmax  main.swift:7
      %4 = broadcast(%3) shape=[batch, 2] : f32[batch, 2]   // 1.ReLU  softmax  main.swift:7
      %5 = sub(%0, %4) : f32[batch, 2]   // 1.ReLU  softmax  main.swift:7
      %6 = exp(%5) : f32[batch, 2]   // 1.ReLU  softmax  main.swift:7
      %7 = sum(%6) axes=[1] : f32[batch]   // 1.ReLU  softmax  main.swift:7
      %8 = reshape(%7) shape=[batch, 1] : f32[batch, 1]   // 1.ReLU  softmax  main.swift:7
      %9 = constant value=[1.0] : f32[]   // 1.ReLU  softmax  main.swift:7
      %10 = broadcast(%9) shape=[batch, 1] : f32[batch, 1]   // 1.ReLU  softmax  main.swift:7
      %11 = div(%10, %8) : f32[batch, 1]   // 1.ReLU  softmax  main.swift:7
      %12 = broadcast(%11) shape=[batch, 2] : f32[batch, 2]   // 1.ReLU  softmax  main.swift:7
      %13 = mul(%6, %12) : f32[batch, 2]   // 1.ReLU  softmax  main.swift:7
      output "y" = %13
      """)
    let parsed = try Graph(parsing: text, file: "folder/origins.graph")
    #expect(parsed.nodes[2].origin == Origin(file: "origins.graph", line: 4))
  }

  @Test func optimizersSurvive() throws {
    var custom = Optimizer.sgd(0.5, momentum: 0.25, nesterov: true, clipNorm: 2)
    custom.decoupledDecay = true
    let optimizers: [Optimizer] = [
      .sgd(0.1), .adam(), .adamW(1e-4, clipNorm: 1), custom, .adam(amsgrad: true), .rmsProp(),
      .sgd(0.1, momentum: 0.9, dampening: 0.5), .rmsProp(0.1, momentum: 0.5, isCentred: true),
      .adagrad(), .adagrad(0.1, rateDecay: 0.5, initial: 2, epsilon: 1),
    ]
    for optimizer in optimizers {
      let graph = try Graph("step") { g in
        let w = g.parameter("w", [2])
        g.output("loss", mean(square(w)))
      }.minimizing("loss", with: optimizer)
      try expectRoundTrip(graph)
    }
  }

  @Test func mistakesArePrintedAsComments() {
    let graph = Graph("broken") { g in
      g.output(
        "y", g.input("x", [2], file: "m.swift", line: 1).reshape([3], file: "m.swift", line: 2))
    }
    expectSnapshot(
      graph.text,
      """
      graph "broken"
      %0 = input name="x" : f32[2]   // m.swift:1
      // m.swift:2: error: reshape: [2] does not have as many elements as [3]
      """)
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Products in quarters agree with the interpreter in every bit on every backend, and with plain ones but for rounding.
@Suite struct StrassenTests {
  private static let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }

  /// A step with products of either factor transposed and of neither, of weights that it updates and of others.
  private static func graph(levels: Int) throws -> Graph {
    let n = 32
    let step = try Graph("quarters") { g in
      let x = g.input("x", Shape([2, n / 2, n])), goal = g.input("goal", Shape([n, n]))
      let fixed = g.state("fixed", Shape([n, 2 * n]), .f32, .heNormal)
      let v = g.parameter("v", Shape([2 * n, n]), .heNormal)
      let w = g.parameter("w", Shape([n, n]), .heNormal)
      let hidden = relu(x.matmul(fixed)).reshaped(Shape([n, 2 * n]))
      let y = relu(hidden.matmul(v)).matmul(w) + g.parameter("b", Shape([n]), .heNormal)
      g.output("y", y)
      g.output("loss", mean(square(y - goal)))
    }.minimizing("loss", with: .adam(1e-2))
    let bound = try Pipeline.standard.run(step).graph
    var journal = Journal()
    let quarters = try Pass.strassen(levels: levels).run(bound, &journal)
    let products = bound.nodes.compactMap { node -> Contraction? in
      if case .contraction(let op) = node.op { op } else { nil }
    }
    #expect(products.contains(where: \.transposeLeft) && products.contains(where: \.transposeRight))
    #expect(journal.entries.count == products.count)
    return quarters
  }

  @Test(arguments: backends, [1, 2]) func everyBackendAgrees(backend: Backend, levels: Int) throws {
    let graph = try Self.graph(levels: levels)
    for threads in [1, 3] {
      let plan = try graph.compile(
        options: CompileOptions(
          threads: threads, poison: threads == 3, minimumWorkPerThread: 1, minimumPackedBytes: 0,
          backend: backend))
      #expect(plan.planDump.check() == [] && plan.preparedPlanDump.check() == [])
      let session = try plan.makeSession(seed: 3)
      var random = SplitMix64(seed: 4)
      for step in 1...2 {
        let inputs = Dictionary(
          uniqueKeysWithValues: plan.program.inputs.map {
            ($0.name, NDArray($0.type, .ordinary, using: &random))
          })
        try plan.expectAgreement(
          of: session, on: inputs, "step \(step), \(threads) threads, \(backend)",
          sourceLocation: #_sourceLocation)
      }
    }
  }

  private static func layer(
    rows: Int = 512, features: Int = 1024, disabled: Set<String> = [], fast: Bool = true
  ) throws -> Plan {
    let graph = Graph("layer") { g in
      let w = g.parameter("w", Shape([features, features]), .glorotNormal)
      let b = g.parameter("b", Shape([features]), .heNormal)
      g.output("y", relu(g.input("x", Shape([rows, features])).matmul(w) + b))
    }
    return try graph.compile(options: CompileOptions(threads: 2, disabled: disabled, fast: fast))
  }

  /// Sums of fixed weights are made once; those of results stand behind products; only at the end the
  /// quarters are put together.
  @Test func kernelsOfALayer() throws {
    let plan = try Self.layer(rows: 2080, features: 2080)
    let names = plan.program.kernels.map(\.name)
    let once = names.prefix(plan.program.preparationCount).sorted()
    #expect(once == ["pack", "pack", "pack", "sub", "sub+sub+sub"])
    expectSnapshot(
      names.dropFirst(plan.program.preparationCount).joined(separator: "\n"),
      """
      sub
      add+sub+sub
      contract
      contract
      contract+add
      contract+add
      contract+add
      add+contract+add
      add
      contract+sub
      concatenate
      concatenate
      concatenate+add+relu
      """)
  }

  @Test func itHasASwitch() throws {
    for plan in [try Self.layer(disabled: ["strassen"]), try Self.layer(fast: false)] {
      #expect(plan.program.kernels.map(\.name) == ["pack", "contract+add+relu"])
    }
  }

  /// A layer large enough to be chosen, and again after somebody has changed its weights.
  @Test func aLargeLayerIsTheLayerButForRounding() throws {
    let plans = [try Self.layer(fast: false), try Self.layer()]
    let sessions = try plans.map { try $0.makeSession(seed: 5) }
    var random = SplitMix64(seed: 6)
    for _ in 0..<2 {
      let x = NDArray(TensorType(.f32, [512, 1024]), .ordinary, using: &random)
      let results = try sessions.map { try $0.run(["x": x])["y"]!.doubles }
      let largest = results[0].map(abs).max()!
      let error = zip(results[0], results[1]).map { abs($0 - $1) }.max()!
      // Factors are halved twice; 1.1e-5 was seen.
      #expect(error < 2e-5 * largest)
      #expect(error > 0)
      for session in sessions {
        try session.withState("w", of: Float.self) { w in
          for index in 0..<1024 { w[index * 1025] += 1 }
        }
      }
    }
  }
}

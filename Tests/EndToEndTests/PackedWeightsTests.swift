import DescentCodegen
import DescentCompiler
import DescentDiagnostics
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

/// Products read packed copies of weights that are the same in every run; no bit tells the difference.
@Suite struct PackedWeightsTests {
  /// Options under which every weight that can be packed is.
  private static func options(
    _ threads: Int = 1, disabled: Set<String> = [], poison: Bool = false, backend: Backend? = nil
  ) -> CompileOptions {
    CompileOptions(
      threads: threads, disabled: disabled, poison: poison, minimumWorkPerThread: 1,
      minimumPackedBytes: 0, backend: backend)
  }

  /// The products that read a packed factor.
  private static func packs(_ plan: Plan) -> Int {
    plan.program.kernels.count { kernel in
      guard case .contraction(let contraction) = kernel.body else { return false }
      return contraction.right.layout.kept.count == 2
    }
  }

  private static func inputs(_ plan: Plan, seed: UInt64) -> [String: NDArray] {
    var random = SplitMix64(seed: seed)
    return Dictionary(
      uniqueKeysWithValues: plan.program.inputs.map {
        ($0.name, NDArray($0.type, .ordinary, using: &random))
      })
  }

  /// Expects a run to give what the interpreter makes of the session's state.
  private func expectAgreement(
    _ plan: Plan, _ session: Session, seed: UInt64 = 1, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try plan.expectAgreement(
      of: session, on: Self.inputs(plan, seed: seed), comment, sourceLocation: sourceLocation)
  }

  /// A layer, and what else becomes of weights: turned round, cut; and a batch's and those made of others, which stay.
  ///
  /// Each has its own input, for products of one input become one.
  private static func graph(rows: Int, terms: Int, columns: Int) -> Graph {
    Graph("packed") { g in
      func x(_ name: String) -> Tensor { g.input("\(name)'s", Shape([rows, terms])) }
      let w = g.parameter("w", Shape([terms, columns]), .heNormal)
      let bias = g.parameter("bias", Shape([columns]), .heNormal)
      g.output("layer", gelu(x("layer").matmul(w) + bias))
      let turned = g.parameter("turned", Shape([columns, terms]), .heNormal)
      g.output("turned", x("turned").matmul(turned.transpose()))
      let large = g.parameter("large", Shape([terms + 3, columns + 64]), .heNormal)
      let cut = large.slice(axis: 0, from: 3).slice(axis: 1, from: 64)
      g.output("cut", relu(x("cut").matmul(cut)))
      let several = g.parameter("several", Shape([3, terms, columns]), .heNormal)
      g.output("several", g.input("xs", Shape([3, rows, terms])).matmul(several))
      g.output("made", x("made").matmul(w * exp(bias)))
    }
  }

  @Test(arguments: Backend.allCases) func everyBackendAgrees(backend: Backend) throws {
    guard backend.runs(on: CPUFeatures.detected) else { return }
    // Several panels at once, and in the end fewer; one tile, and several; one block of terms, and several.
    let extents = [
      (1, 7, 128), (1, 150, 208), (2, 17, 128), (6, 33, 80), (7, 33, 80), (7, 768, 80),
    ]
    for (rows, terms, columns) in extents {
      for threads in [1, 2, 4] {
        let graph = Self.graph(rows: rows, terms: terms, columns: columns)
        let plan = try graph.compile(
          options: Self.options(threads, poison: threads == 2, backend: backend))
        #expect(Self.packs(plan) == 3)
        let session = try plan.makeSession(seed: 3)
        for seed in 1...2 as ClosedRange<UInt64> {
          try expectAgreement(
            plan, session, seed: seed,
            "\(rows)×\(terms)×\(columns), \(threads) threads, \(backend)")
        }
      }
    }
  }

  @Test func memoryPlansOfBothKindsOfRunAreAccepted() throws {
    let plan = try Self.graph(rows: 1, terms: 7, columns: 128).compile(options: Self.options(2))
    #expect(plan.planDump.check() == [])
    #expect(plan.preparedPlanDump.check() == [])
    var program = plan.program
    #expect(program.preparationViolations == [])
    let w = try #require(program.states.first { $0.name == "w" })
    program.kernels[program.preparationCount].operands[0] = Kernel.Operand(
      buffer: w.buffer, value: w.value, bytes: 0..<4, access: .write)
    #expect(program.preparationViolations == ["the preparation reads w, which a run changes"])
  }

  // MARK: - What is packed

  private static func layer(
    rows: Int = 1, terms: Int = 32, columns: Int = 128, updates: Bool = false
  ) -> Graph {
    Graph("layer") { g in
      let (x, w) = (
        g.input("x", Shape([rows, terms])), g.parameter("w", Shape([terms, columns]), .heNormal)
      )
      g.output("y", x.matmul(w))
      if updates { g.update(w, to: w * 0.5) }
    }
  }

  @Test func whatARunChangesIsNot() throws {
    let plan = try Self.layer(updates: true).compile(options: Self.options())
    #expect(plan.preparationKernelCount == 0)
    let session = try plan.makeSession(seed: 1)
    for seed in 1...3 as ClosedRange<UInt64> { try expectAgreement(plan, session, seed: seed) }
  }

  @Test func fewColumnsAndThoseThatFillNoPanelAreNot() throws {
    for graph in [Self.layer(columns: 88), Self.layer(columns: 64)] {
      #expect(Self.packs(try graph.compile(options: Self.options())) == 0)
    }
  }

  /// Many rows go through all panels for a block of terms before the next block, if whole blocks make all terms.
  @Test(arguments: [(6, 1024, 1024), (7, 1024, 512), (7, 768, 256), (7, 512, 512), (7, 784, 784)])
  func manyRowsReadBlocks(rows: Int, terms: Int, block: Int) throws {
    let plan = try Self.layer(rows: rows, terms: terms).compile(options: Self.options())
    let layouts = plan.program.kernels.compactMap { kernel -> FactorLayout? in
      guard case .contraction(let contraction) = kernel.body else { return nil }
      return contraction.right.layout
    }
    let axis = FactorLayout.Axis.self
    #expect(
      layouts == [
        FactorLayout(
          batch: [],
          kept: [axis.init(extent: 8, stride: 16 * block), axis.init(extent: 16, stride: 1)],
          summed: [
            axis.init(extent: terms / block, stride: 128 * block),
            axis.init(extent: block, stride: 16),
          ])
      ])
  }

  /// Weights beyond the second-level cache: tiles ask for the next block, of terms or of columns.
  @Test func farFactorsAgree() throws {
    let graph = Self.layer(rows: 15, terms: 1024, columns: 272)
    // Reading in place agrees with the interpreter elsewhere, and is faster than it.
    let plain = try graph.compile(options: Self.options(disabled: ["pack"]))
    let expected = try plain.makeSession(seed: 1).run(Self.inputs(plain, seed: 1)).y
    for backend in Backend.allCases
    where backend != .portable && backend.runs(on: CPUFeatures.detected) {
      for threads in 1...2 {
        let plan = try graph.compile(options: Self.options(threads, backend: backend))
        #expect(Self.packs(plan) == 1)
        let found = try plan.makeSession(seed: 1).run(Self.inputs(plan, seed: 1)).y
        #expect(found.equalsBits(of: expected), "\(backend), \(threads) threads")
      }
    }
  }

  /// Windows that overlap, and what is repeated, would be copied many times over.
  @Test func whatWouldGrowIsNot() throws {
    let windows = Graph("windows") { g in
      let w = g.parameter("w", [255], .heNormal)
      g.output("y", g.input("x", [1, 128]).matmul(w.windows(axis: 0, size: 128)))
    }
    let repeated = Graph("repeated") { g in
      let w = g.parameter("w", [1, 128], .heNormal)
      g.output("y", g.input("x", [1, 64]).matmul(w.broadcast(to: [64, 128])))
    }
    for graph in [windows, repeated] {
      let plan = try graph.compile(options: Self.options())
      #expect(Self.packs(plan) == 0 && plan.preparedBytes == 0)
      try expectAgreement(plan, plan.makeSession(seed: 1))
    }
  }

  /// What is packed lies beside the state, and nothing of it in memory that a budget counts.
  @Test func itTakesNoneOfTheArena() throws {
    let graph = Graph("made") { g in
      let (w, b) = (g.parameter("w", [32, 128], .heNormal), g.parameter("b", [128], .heNormal))
      g.output("y", g.input("x", [1, 32]).matmul(w) * 2)
      g.output("z", g.input("t", [1, 32]).matmul(w * exp(b)))
    }
    let plain = try graph.compile(options: Self.options(disabled: ["pack"]))
    let packed = try graph.compile(options: Self.options())
    #expect(packed.arenaBytes == plain.arenaBytes)
    #expect(packed.preparedBytes == plain.preparedBytes + 4 * 32 * 128)
  }

  @Test func aFactorHasTheSizeThatIsAskedFor() throws {
    for (rows, bytes, isPacked) in [
      (1, 4 * 32 * 128, true), (1, 4 * 32 * 128 + 4, false), (2, 4 * 2 * 128, true),
      (2, 4 * 2 * 128 + 4, false), (7, 4 * 32 * 128, true), (7, 4 * 32 * 128 + 4, false),
    ] {
      let plan = try Self.layer(rows: rows).compile(
        options: CompileOptions(threads: 1, minimumPackedBytes: bytes))
      #expect(Self.packs(plan) == (isPacked ? 1 : 0), "\(rows) rows, \(bytes) bytes")
    }
  }

  @Test(arguments: ["pack", "prepare"]) func itHasASwitch(name: String) throws {
    let plan = try Self.layer().compile(options: Self.options(disabled: [name]))
    #expect(Self.packs(plan) == 0 && plan.preparedBytes == 0)
    try expectAgreement(plan, plan.makeSession(seed: 1))
  }

  @Test func productsOfOneFactorShareACopy() throws {
    let graph = Graph("shared") { g in
      let w = g.parameter("w", [32, 128], .heNormal)
      for name in ["a", "b"] { g.output("\(name)'s", g.input(name, [1, 32]).matmul(w)) }
    }
    let plan = try graph.compile(options: Self.options())
    #expect(Self.packs(plan) == 2)
    #expect(plan.preparedBytes == 4 * 32 * 128)
    try expectAgreement(plan, plan.makeSession(seed: 1))
  }

  // MARK: - When

  @Test func newWeightsArePackedAnew() throws {
    let plan = try Self.layer().compile(options: Self.options())
    let session = try plan.makeSession(seed: 1)
    try expectAgreement(plan, session)
    try session.withState("w", of: Float.self) { $0[5] += 1 }
    try expectAgreement(plan, session)
    #expect(session.preparationRunCount == 2)
  }

  @Test func aStateThatIsNoWeightLeavesCopiesAsTheyAre() throws {
    let graph = Graph("host") { g in
      let h = g.state("h", [1, 32], .f32, .zeros)
      let w = g.parameter("w", [32, 128], .heNormal)
      g.output("y", (h + g.input("x", [1, 32])).matmul(w))
    }
    let plan = try graph.compile(options: Self.options())
    let session = try plan.makeSession(seed: 1)
    for _ in 0..<3 {
      try session.withState("h", of: Float.self) { $0[0] += 1 }
      try expectAgreement(plan, session)
    }
    #expect(session.preparationRunCount == 1)
  }

  @Test func theExplanationNamesTheCopy() throws {
    let text = try Self.layer().compile(options: Self.options()).explanation
    #expect(text.contains("pack: map"), "\(text)")
    #expect(text.contains("reads  x f32[1, 32], w f32[32, 128] packed"), "\(text)")
  }
}

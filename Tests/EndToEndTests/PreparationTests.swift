import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

/// What follows from parameters alone is computed once, and again when they have changed; no bit tells the difference.
@Suite struct PreparationTests {
  /// Weights of norm one, a norm with fixed statistics behind, and a product of two matrices of weights.
  private static func network(updates: Bool = false) -> Graph {
    Graph("network") { g in
      let x = g.input("x", [37, 24])
      let v = g.parameter("v", [24, 40], .heNormal)
      let (scale, variance) = (
        g.parameter("scale", [40], .ones), g.state("variance", [40], .f32, .ones)
      )
      let (down, up) = (
        g.parameter("down", [40, 6], .heNormal), g.parameter("up", [6, 9], .heNormal)
      )
      let weights = v / sqrt(square(v).sum(axes: [0]) + 1e-6)
      let hidden = relu(x.matmul(weights) * (scale / sqrt(variance + 1e-5)) - exp(scale) / 8)
      let y = hidden.matmul(down.matmul(up))
      g.output("y", softmax(y))
      if updates {
        g.update(v, to: v * 0.75 + 0.125)
        g.update(variance, to: variance * 1.5)
      }
    }
  }

  private static func inputs(_ seed: UInt64 = 1) -> [String: NDArray] {
    var random = SplitMix64(seed: seed)
    return ["x": NDArray(TensorType(.f32, [37, 24]), .ordinary, using: &random)]
  }

  /// Expects a run to give what the interpreter makes of the session's state.
  private func expectAgreement(
    _ plan: Plan, _ session: Session, seed: UInt64 = 1, _ comment: String = "",
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try plan.expectAgreement(
      of: session, on: Self.inputs(seed), comment, sourceLocation: sourceLocation)
  }

  // MARK: - Bits

  @Test(arguments: Backend.allCases) func everyBackendAgrees(backend: Backend) throws {
    guard backend.runs(on: CPUFeatures.detected) else { return }
    for threads in 1...4 {
      for (disabled, poison) in [([], false), ([], true), (["prepare"], false)]
        as [(Set<String>, Bool)]
      {
        let options = CompileOptions(
          threads: threads, disabled: disabled, poison: poison, minimumWorkPerThread: 1,
          backend: backend)
        let plan = try Self.network().compile(options: options)
        #expect((plan.preparationKernelCount > 0) == disabled.isEmpty)
        #expect((plan.preparedBytes > 0) == disabled.isEmpty)
        let session = try plan.makeSession(seed: 3)
        for seed in 1...3 as ClosedRange<UInt64> {
          try expectAgreement(plan, session, seed: seed, "\(threads) threads, \(options)")
        }
      }
    }
  }

  @Test func memoryPlansOfBothKindsOfRunAreAccepted() throws {
    for threads in [1, 2] {
      let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
      let plan = try Self.network().compile(options: options)
      #expect(plan.planDump.check() == [])
      #expect(plan.preparedPlanDump.check() == [])
      #expect(plan.planDump.steps.count > plan.preparedPlanDump.steps.count)
    }
  }

  // MARK: - When

  @Test func itRunsOnce() throws {
    let plan = try Self.network().compile()
    let session = try plan.makeSession(seed: 3)
    #expect(session.preparationRunCount == 0)
    for _ in 0..<5 { try session.run() }
    #expect(session.preparationRunCount == 1)
  }

  @Test func changedStatesAreSeen() throws {
    let plan = try Self.network().compile()
    let session = try plan.makeSession(seed: 3)
    try expectAgreement(plan, session)
    let state = session.state
    try session.withState("v", of: Float.self) { $0[5] += 1 }
    try expectAgreement(plan, session, "written")
    #expect(session.preparationRunCount == 2)
    try session.load(state)
    try expectAgreement(plan, session, "loaded")
    #expect(session.preparationRunCount == 3)
  }

  @Test func aSessionThatTrainsTheSameStateIsSeen() throws {
    let plan = try Self.network().compile()
    let training = try Self.network(updates: true).compile().makeSession(seed: 3)
    let session = try plan.makeSession(sharing: training)
    for round in 1...3 {
      try expectAgreement(plan, session, "round \(round)")
      try expectAgreement(plan, session, "round \(round), again")
      #expect(session.preparationRunCount == round)
      _ = try training.run(Self.inputs())
    }
    // One of the sessions writes, and the others must know.
    let other = try plan.makeSession(sharing: session)
    try expectAgreement(plan, other)
    try session.withState("scale", of: Float.self) { $0[0] = 3 }
    try expectAgreement(plan, other, "written by another session")
  }

  /// What sessions of one state prepare alike is there once: for one plan, for another size of batch, and as long as
  /// one of them lives.
  @Test func sessionsOfOneStateShareWhatTheyPrepare() throws {
    let graph = Graph("shared") { g in
      let w = g.parameter("w", [8, 8], .heNormal)
      g.output("y", g.input("x", [.batch, 8]).matmul(w.matmul(w)))
    }
    let plan = try graph.compile(batch: 2)
    let owner = try graph.compile(batch: 2, options: CompileOptions(disabled: ["prepare"]))
      .makeSession(seed: 3)
    let x = NDArray(repeating: 0.5, .f32, dimensions: [2, 8])
    let expected = try owner(x: x).y
    do {
      let session = try plan.makeSession(sharing: owner)
      let second = try plan.makeSession(sharing: session)
      let large = try graph.compile(batch: 5).makeSession(sharing: second)
      #expect(try session(x: x).y == expected)
      #expect(try second(x: x).y == expected)
      let rows = try large(x: NDArray(repeating: 0.5, .f32, dimensions: [5, 8])).y
      #expect(rows.floats.prefix(16).elementsEqual(expected.floats))
      #expect([session, second, large].map(\.preparationRunCount) == [1, 1, 1])
      try owner.withState("w", of: Float.self) { $0[3] += 1 }
      #expect(try second(x: x).y == owner(x: x).y)
      #expect(try session(x: x).y == owner(x: x).y)
      #expect(session.preparationRunCount == 2)
    }
    let later = try plan.makeSession(sharing: owner)
    #expect(later.preparationRunCount == 0)
    #expect(try later(x: x).y == owner(x: x).y)
  }

  /// Sessions that prepare something else, or keep it elsewhere, have memory of their own.
  @Test func otherPreparationsAreApart() throws {
    let graph = { (factor: Float) in
      Graph("apart") { g in
        let w = g.parameter("w", [8, 8], .heNormal)
        g.output("y", g.input("x", [2, 8]).matmul(w.matmul(w * factor)))
      }
    }
    let x = NDArray(repeating: 0.5, .f32, dimensions: [2, 8])
    let owner = try graph(1).compile().makeSession(seed: 3)
    let first = try owner(x: x).y
    for factor in [3, 5] as [Float] {
      let plan = try graph(factor).compile()
      let session = try plan.makeSession(sharing: owner)
      try plan.expectAgreement(
        of: session, on: ["x": x], "times \(factor)", sourceLocation: #_sourceLocation)
      #expect(try owner(x: x).y == first)
    }
    #expect(owner.preparationRunCount == 1)
  }

  /// What a plan prepares follows from what it does not change, so its own runs leave that as it is.
  @Test func aPlanThatChangesOtherStatesPreparesOnce() throws {
    let plan = try Self.network(updates: true).compile()
    let prepared = plan.groups.filter(\.isPrepared).flatMap(\.nodes).map { plan.graph[$0].op.name }
    #expect(prepared.contains("contract") && !prepared.contains("sum"))
    let session = try plan.makeSession(seed: 3)
    for seed in 1...4 as ClosedRange<UInt64> { try expectAgreement(plan, session, seed: seed) }
    #expect(session.preparationRunCount == 1)
    try session.withState("up", of: Float.self) { $0[0] = 3 }
    try expectAgreement(plan, session, "written")
    #expect(session.preparationRunCount == 2)
  }

  @Test(arguments: [1, 2]) func aCancelledPreparationRunsAgain(threads: Int) throws {
    let graph = Graph("long") { g in
      var w = g.parameter("w", [256, 256], .heNormal)
      for _ in 0..<400 { w = w.matmul(w) * 0.01 + 0.5 }
      g.output("y", g.input("x", [3, 256]).matmul(w))
    }
    let x = NDArray(repeating: 0.5, .f32, dimensions: [3, 256])
    let plain = CompileOptions(threads: threads, disabled: ["prepare"])
    let expected = try graph.compile(options: plain).makeSession(seed: 3)(x: x).y
    let plan = try graph.compile(options: CompileOptions(threads: threads))
    #expect(plan.preparationKernelCount == 400)
    let session = try plan.makeSession(seed: 3)
    let cancel = session.canceller
    Thread.detachNewThread {
      usleep(5_000)
      cancel()
    }
    #expect(throws: RuntimeError.cancelled) { _ = try session(x: x) }
    #expect(session.preparationRunCount == 0)
    #expect(try session(x: x).y == expected)
    #expect(session.preparationRunCount == 1)
  }

  // MARK: - What it is not part of

  @Test func timesAndStatesAreThoseOfRuns() throws {
    let plan = try Self.network().compile(options: CompileOptions(threads: 1))
    let session = try plan.makeSession(seed: 3)
    let times = try session.kernelTimes(runs: 3)
    #expect(times.count == plan.kernelCount)
    #expect(times.map(\.name) == plan.program.kernels.suffix(plan.kernelCount).map(\.name))
    #expect(times.allSatisfy { $0.nanoseconds > 0 && $0.nanoseconds < 1_000_000_000 })
    #expect(session.state.entries.map(\.name) == ["v", "scale", "variance", "down", "up"])
    try expectAgreement(plan, session)
  }

  // A sanitizer allocates for itself.
  @Test(.enabled(if: !Sanitizer.isActive)) func runsAllocateNothing() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2] {
        let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
        let training = try Self.network(updates: true).compile(options: options)
          .makeSession(seed: 3)
        let session = try Self.network().compile(options: options)
          .makeSession(sharing: training)
        _ = try session.run(Self.inputs())
        let count = AllocationCounter.leastCount(of: 3) {
          for _ in 0..<100 {
            try? training.run()
            try? session.run()
            try? session.run()
          }
        }
        let runs = session.preparationRunCount
        guard count.objects == 0, count.mallocs == 0, runs > 100, runs % 100 == 1 else {
          fatalError("\(runs) preparations on \(threads) threads allocated \(count)")
        }
      }
    }
  }

  @Test func aBudgetOfMemoryIsKept() throws {
    let free = try Self.network().compile(options: CompileOptions(threads: 1))
    let plan = try Self.network().compile(
      options: CompileOptions(threads: 1, memoryBudget: free.arenaBytes))
    #expect(plan.preparedBytes == free.preparedBytes)
    try expectAgreement(plan, plan.makeSession(seed: 3))
  }
}

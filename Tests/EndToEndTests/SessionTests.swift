import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

@Suite struct SessionTests {
  /// A small network with labels, trained with Adam.
  static func network(hidden: Int = 16) throws -> Graph {
    try Graph("network") { g in
      let x = g.input("x", [.batch, 8])
      let y = g.input("y", [.batch], .i32)
      let w1 = g.parameter("w1", [8, .init(offset: hidden)], .glorotUniform)
      let b1 = g.parameter("b1", [.init(offset: hidden)])
      let w2 = g.parameter("w2", [.init(offset: hidden), 4], .glorotUniform)
      let scores = relu(x.matmul(w1) + b1).matmul(w2)
      g.output("loss", crossEntropy(scores, y))
      g.output("scores", scores)
    }.minimizing("loss", with: .adam(1e-2))
  }

  static func inputs(batch: Int, seed: UInt64 = 3) -> [String: NDArray] {
    var random = SplitMix64(seed: seed)
    let x = (0..<batch * 8).map { _ in Float(random.next() >> 40) / Float(1 << 24) - 0.5 }
    let y = (0..<batch).map { _ in Int32(random.next() % 4) }
    return ["x": NDArray(x, dimensions: [batch, 8]), "y": NDArray(y)]
  }

  @Test func everyKernelHasItsTime() throws {
    let graph = Graph("times") { g in
      let x = g.input("x", [64, 64])
      g.output("y", softmax(x.matmul(x)))
    }
    let session = try graph.compile(options: CompileOptions(threads: 2)).makeSession()
    let x = NDArray(repeating: 0.5, .f32, dimensions: [64, 64])
    let before = try session.run(["x": x])
    let times = try session.kernelTimes(runs: 3)
    #expect(times.map(\.name) == ["contract", "max+sub+exp+sum+div+mul"])
    #expect(times[0].flops == 2 * 64 * 64 * 64)
    #expect(times.allSatisfy { $0.nanoseconds > 0 && $0.nanoseconds < 1_000_000_000 })
    #expect(session.results["y"] == before["y"])
  }

  @Test func trainingLowersTheLoss() throws {
    let session = try SessionTests.network().compile(batch: 32).makeSession(seed: 5)
    let inputs = SessionTests.inputs(batch: 32)
    let first = try session.run(inputs).loss.scalar
    for _ in 0..<300 { _ = try session.run(inputs) }
    #expect(try session.run(inputs).loss.scalar < first / 4)
  }

  @Test func threadsDoNotChangeABit() throws {
    let graph = try SessionTests.network(hidden: 70)
    let inputs = SessionTests.inputs(batch: 37)
    var states: [State] = []
    for threads in [1, 2, 3, 4, 8] {
      let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
      let session = try graph.compile(batch: 37, options: options).makeSession(seed: 9)
      for _ in 0..<20 { _ = try session.run(inputs) }
      states.append(session.state)
    }
    #expect(states.allSatisfy { $0 == states[0] })
  }

  @Test func compilingTwiceGivesTheSameBytes() throws {
    let graph = try SessionTests.network()
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let bytes = try (0..<2).map { _ in try encoder.encode(graph.compile(batch: 7).program) }
    #expect(bytes[0] == bytes[1])
  }

  // A sanitizer allocates for itself.
  @Test(.enabled(if: !Sanitizer.isActive)) func aStepAllocatesNothing() async {
    await #expect(processExitsWith: .success) {
      for threads in [1, 2] {
        let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
        let session = try SessionTests.network().compile(batch: 32, options: options)
          .makeSession(seed: 5)
        _ = try session.run(SessionTests.inputs(batch: 32))
        let count = AllocationCounter.leastCount(of: 3) {
          for _ in 0..<1000 { try? session.run() }
        }
        guard count.objects == 0, count.mallocs == 0 else {
          fatalError("1000 steps on \(threads) threads allocated \(count)")
        }
      }
    }
  }

  /// Rows that lack terms are gathered, and some tiles are computed exactly.
  @Test(.enabled(if: !Sanitizer.isActive))
  func windowsThatReachOutsideAllocateNothing() async {
    await #expect(processExitsWith: .success) {
      let graph = Graph("windows") { g in
        let (x, w) = (g.input("x", [2, 9, 9, 3]), g.input("w", [3, 3, 3, 6]))
        g.output("y", relu(convolve(x, w, padding: .same)))
      }
      for backend in Backend.allCases where backend.runs(on: CPUFeatures.detected) {
        let options = CompileOptions(threads: 2, minimumWorkPerThread: 1, backend: backend)
        let session = try graph.compile(options: options).makeSession()
        _ = try session.run([
          "x": NDArray(repeating: 0.1, .f32, dimensions: [2, 9, 9, 3]),
          "w": NDArray(repeating: 0.3, .f32, dimensions: [3, 3, 3, 6]),
        ])
        let count = AllocationCounter.leastCount(of: 3) {
          for _ in 0..<100 { try? session.run() }
        }
        guard count.objects == 0, count.mallocs == 0 else {
          fatalError("100 runs of \(backend) allocated \(count)")
        }
      }
    }
  }

  @Test func aStateGoesFromPlanToPlan() throws {
    let graph = try SessionTests.network()
    let training = try graph.compile(batch: 32).makeSession(seed: 5)
    for _ in 0..<10 { _ = try training.run(SessionTests.inputs(batch: 32)) }
    let prediction = try graph.with(objective: nil)
      .compile(batch: 2, outputs: ["scores"], state: training.state)
    #expect(!prediction.graph.text.contains("∇"))
    let inputs = SessionTests.inputs(batch: 2)
    let x = try #require(inputs["x"])
    let scores = try prediction.makeSession()(x: x)
    let again = try graph.with(objective: nil).compile(
      batch: 2, outputs: ["scores"], state: training.state, options: CompileOptions(threads: 1))
    #expect(try again.makeSession()(x: x).scores == scores.scores)
  }

  @Test func plansOfAFamilyShareTheirState() throws {
    let graph = try SessionTests.network()
    let large = try graph.compile(batch: 32).makeSession(seed: 5)
    let small = try graph.compile(batch: 5).makeSession(sharing: large)
    let before = large.state
    _ = try small.run(SessionTests.inputs(batch: 5))
    #expect(large.state != before)
    #expect(large.state == small.state)
    let other = try SessionTests.network(hidden: 8).compile(batch: 5)
    #expect(throws: RuntimeError.self) { _ = try other.makeSession(sharing: large) }
  }

  @Test func savedAndLoadedStateContinuesToTheBit() throws {
    let plan = try SessionTests.network().compile(batch: 32)
    let inputs = SessionTests.inputs(batch: 32)
    let straight = try plan.makeSession(seed: 5)
    for _ in 0..<20 { _ = try straight.run(inputs) }
    let first = try plan.makeSession(seed: 5)
    for _ in 0..<10 { _ = try first.run(inputs) }
    let second = try plan.makeSession(seed: 77)
    try second.load(first.state)
    for _ in 0..<10 { _ = try second.run(inputs) }
    #expect(second.state == straight.state)
  }

  @Test func spansReachTheMemoryItself() throws {
    let graph = Graph("double") { g in
      g.output("y", g.input("x", [3]) * 2.0)
    }
    let session = try graph.compile().makeSession()
    try session.withInput("x", of: Float.self) { span in
      for index in span.indices { span[index] = Float(index) + 0.5 }
    }
    try session.run()
    let sum = try session.withOutput("y", of: Float.self) { $0[0] + $0[1] + $0[2] }
    #expect(sum == 9)
  }

  @Test func axesOfOneElementDoNotMatter() throws {
    let graph = Graph("row") { g in g.output("y", g.input("x", [1, 3]) * 2.0) }
    let session = try graph.compile().makeSession()
    #expect(try session(x: NDArray([1, 2, 3])).y == NDArray([2, 4, 6], dimensions: [1, 3]))
    #expect(throws: RuntimeError.self) { _ = try session(x: NDArray([1, 2])) }
  }

  @Test func aCancelledRunEndsAndSaysSo() throws {
    let graph = Graph("long") { g in
      var x = g.input("x", [64, 64])
      for _ in 0..<400 { x = x.matmul(x) * 0.01 }
      g.output("y", x)
    }
    let session = try graph.compile(options: CompileOptions(threads: 2, minimumWorkPerThread: 1))
      .makeSession()
    let cancel = session.canceller
    let isDone = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      usleep(20_000)
      cancel()
      isDone.signal()
    }
    #expect(throws: RuntimeError.cancelled) {
      while isDone.wait(timeout: .now()) == .timedOut { try session.run() }
      try session.run()
    }
  }

  @Test func aCancelBeforeARunEndsThatRun() throws {
    for threads in [1, 2] {
      let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
      let session = try SessionTests.network().compile(batch: 32, options: options)
        .makeSession(seed: 5)
      let before = session.state
      session.canceller()
      session.canceller()
      #expect(throws: RuntimeError.cancelled) {
        try session.run(SessionTests.inputs(batch: 32))
      }
      #expect(session.state == before)
      try session.run()
      #expect(session.state != before)
    }
  }

  /// Whenever it comes, a cancel ends one run: that under way if it still can, or else the next.
  @Test(arguments: [1, 2]) func aCancelEndsOneRun(threads: Int) throws {
    let graph = Graph("counters") { g in
      for index in 0..<8 {
        let state = g.state("s\(index)", [100_000], .f32, .zeros)
        g.update(state, to: state + 1)
      }
    }
    let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
    let session = try graph.compile(options: options).makeSession()
    let wasCancelled = {
      do throws(RuntimeError) {
        try session.run()
        return false
      } catch {
        #expect(error == .cancelled)
        return true
      }
    }
    for delay in 0..<100 {
      let cancel = session.canceller
      let hasEnded = DispatchSemaphore(value: 0)
      Thread.detachNewThread {
        usleep(UInt32(10 * delay))
        cancel()
        hasEnded.signal()
      }
      let first = wasCancelled()
      hasEnded.wait()
      let second = wasCancelled()
      #expect(first != second)
      #expect(!wasCancelled())
    }
    #expect(session.state["s0"]?.floats[0] == 200)
  }

  @Test func aRunOfNothingIsCancelledToo() throws {
    let session = try Graph("nothing") { _ in }.compile().makeSession()
    session.canceller()
    #expect(throws: RuntimeError.cancelled) { try session.run() }
    try session.run()
  }

  @Test func aCancelledStepChangesAllStatesOrNone() throws {
    let names = (0..<8).map { "s\($0)" }
    let graph = Graph("counters") { g in
      for name in names {
        let state = g.state(name, [100_000], .f32, .zeros)
        g.update(state, to: state + 1)
      }
    }
    let session = try graph.compile(options: CompileOptions(threads: 1)).makeSession()
    let cancel = session.canceller
    let isDone = DispatchSemaphore(value: 0)
    let hasEnded = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      while isDone.wait(timeout: .now()) == .timedOut { cancel() }
      hasEnded.signal()
    }
    for _ in 0..<100 {
      try? session.run()
      let counts = Set(try names.map { name in try session.withState(name) { $0[0] as Float } })
      #expect(counts.count == 1)
    }
    isDone.signal()
    hasEnded.wait()
  }

  @Test func updatesMayExchangeStates() throws {
    let graph = Graph("exchange") { g in
      let a = g.state("a", [3], .f32, .ones)
      let b = g.state("b", [3], .f32, .zeros)
      g.update(a, to: b)
      g.update(b, to: a)
      g.output("a", a)
      g.output("next", b + 1.0)
    }
    let session = try graph.compile().makeSession()
    let results = try session.run([:])
    #expect(try results.a == NDArray([1, 1, 1]))
    #expect(try results.next == NDArray([1, 1, 1]))
    #expect(session.state["a"] == NDArray([0, 0, 0]))
    #expect(session.state["b"] == NDArray([1, 1, 1]))
  }

  @Test func aStateThatIsReadAgainIsNotYetOverwritten() throws {
    let graph = Graph("shares") { g in
      let state = g.state("state", [2, 4], .f32, .ones)
      g.update(state, to: state * 2.0)
      g.output("share", state / state.sum(axes: [1], keepingAxes: true))
    }
    let session = try graph.compile().makeSession()
    for step in 0..<3 {
      let expected = [Float](repeating: 0.25, count: 8)
      #expect(try session.run([:]).share == NDArray(expected, dimensions: [2, 4]), "step \(step)")
    }
    #expect(session.state["state"] == NDArray([Float](repeating: 8, count: 8), dimensions: [2, 4]))
  }
}

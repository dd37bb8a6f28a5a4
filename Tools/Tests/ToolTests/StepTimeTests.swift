import Descent
import Testing
import ToolSupport

@Suite struct StepTimeTests {
  private func plan() throws -> Plan {
    try Graph("steps") { g in
      let count = g.state("count", [1])
      g.update(count, to: count + 1.0)
      g.output("y", exp(g.input("x", [100])))
    }.compile()
  }

  /// Every step that was measured has run, besides those of warming up.
  @Test func samplesAreInOrderAndCountSteps() throws {
    let session = try plan().makeSession()
    _ = try session.run(["x": NDArray(repeating: 1, .f32, dimensions: [100])])
    let times = try StepTimes(session, seconds: 0.02)
    #expect(times.samples == times.samples.sorted())
    #expect(times.least > 0 && times.least <= times.median)
    #expect(Double(times.stepCount) <= (session.state["count"]?.scalar).map { Double($0) } ?? 0)
  }

  @Test func everyKernelHasALeastTime() throws {
    let plan = try plan()
    let least = plan.leastKernelTimes(on: .nominal(threads: 1))
    #expect(least.count == plan.kernelCount)
    #expect(least.allSatisfy { $0 > 0 })
  }
}

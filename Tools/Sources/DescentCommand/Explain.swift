import ArgumentParser
import Descent
import ToolSupport

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell how a graph is compiled: kernels, memory, rewrites, and what was not fused.")

  @OptionGroup var target: Target

  @Flag(help: "Tell it as JSON, for programs.")
  var json = false

  @Flag(help: "Measure this machine first, and predict times for it; takes a second or two.")
  var measured = false

  func run() throws {
    try report {
      let plan = try target.compile()
      let threads = target.threads ?? plan.planDump.threads
      let roofline =
        measured
        ? try Roofline(MachineLimits(measuringThreads: threads)) : .nominal(threads: threads)
      guard !json else { return print(plan.explanationJSON(on: roofline)) }
      print(plan.explanation(on: roofline))
      print("\n\(plan.timingTable)\n\n\(plan.kernelTimingTable)")
    }
  }
}

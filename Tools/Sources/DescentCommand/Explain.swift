import ArgumentParser
import Descent
import ToolSupport

struct Explain: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell how a graph is compiled: kernels, memory, rewrites, and what was not fused.")

  @OptionGroup var target: Target

  func run() throws {
    try report {
      let plan = try target.compile()
      print(plan.explanation)
      print("\n\(plan.timingTable)\n\n\(plan.kernelTimingTable)")
    }
  }
}

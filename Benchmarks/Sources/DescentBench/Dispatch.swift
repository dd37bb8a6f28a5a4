import ArgumentParser
import Descent
import Foundation

/// Measures what it costs to go from one kernel to the next.
struct Dispatch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure the time a kernel takes that has next to nothing to do.")

  @Option(help: "How many kernels a run has.") var kernels = 1000
  @Option(help: "How long to take samples.") var maxSeconds = 1.0

  func run() throws {
    // Each needs the one before, and without fusion and bundles all remain kernels of their own.
    let graph = Graph("dispatch") { g in
      var x = g.input("x", [1])
      for _ in 0..<kernels { x = -x.reverse(axes: [0]) }
      g.output("y", x)
    }
    let options = CompileOptions(
      threads: 1, disabled: ["fuse", "bundle", "movement", "algebra", "fold"])
    let plan = try graph.compile(options: options)
    let samples = try Samples(plan.makeSession(), seconds: maxSeconds)
    print(
      String(
        format: "%d kernels: least %.2f ns, median %.2f ns each", plan.kernelCount,
        samples.least * 1e3 / Double(plan.kernelCount),
        samples.median * 1e3 / Double(plan.kernelCount)))
  }
}

import ArgumentParser
import Descent
import Foundation
import ToolSupport

struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compile a graph, and measure a step of it and each of its kernels.",
    discussion: """
      Inputs are random numbers; the same seed gives the same ones. Each kernel is held against the least time that its \
      arithmetic and its traffic take on this machine, which is measured too.
      """)

  @OptionGroup var target: Target

  @Option(
    help: ArgumentHelp(
      "What executes the kernels; the fastest this machine has if left out.",
      valueName: Backend.allCases.map(\.rawValue).joined(separator: "|")),
    transform: Bench.backend(named:))
  var backend: Backend?

  @Option(help: "How long to measure steps.")
  var maxSeconds: Double = 2

  @Option(help: "What random inputs and initial parameters are made from.")
  var seed: UInt64 = 0

  @Flag(help: "Tell it as JSON, for programs.")
  var json = false

  func validate() throws {
    guard maxSeconds > 0 else {
      throw ValidationError("--max-seconds is \(maxSeconds), not above 0")
    }
  }

  private static func backend(named name: String) throws -> Backend {
    guard let backend = Backend(rawValue: name) else {
      throw ValidationError("there is no backend \"\(name)\"")
    }
    return backend
  }

  func run() throws {
    try report {
      let clock = ContinuousClock()
      let start = clock.now
      let plan = try target.compile(backend: backend)
      let compiled = start.duration(to: clock.now).microseconds / 1000
      let session = try plan.makeSession(seed: seed)
      var random = RandomInputs(seed: seed)
      _ = try session.run(random.fill(plan.graph))
      let times = try StepTimes(session, seconds: maxSeconds)
      let kernels = try session.kernelTimes(runs: max(5, min(1000, Int(5e5 / times.median))))
      let threads = plan.planDump.threads
      let roofline =
        (try? MachineLimits(measuringThreads: threads)).map { Roofline($0) }
        ?? .nominal(threads: threads)
      let least = plan.leastKernelTimes(on: roofline)
      let report = BenchReport(
        plan: plan.graph.name, backend: plan.backend.rawValue, threads: threads,
        machine: roofline.name, compileMilliseconds: compiled, steps: times.stepCount,
        medianMicroseconds: times.median, leastMicroseconds: times.least,
        kernels: zip(kernels, least).map { BenchReport.Kernel($0, leastNanoseconds: $1) })
      print(json ? try report.json() : report.text)
    }
  }
}

/// What `bench` tells.
struct BenchReport: Encodable {
  /// One kernel.
  struct Kernel: Encodable {
    let name: String
    let microseconds: Double
    /// The least time on the machine, and what share of the time taken it is.
    let rooflineMicroseconds: Double
    let rooflinePercent: Double
    let gigaflops: Double

    init(_ time: Session.KernelTime, leastNanoseconds: Double) {
      let nanoseconds = Double(max(1, time.nanoseconds))
      name = time.name
      microseconds = nanoseconds / 1000
      rooflineMicroseconds = leastNanoseconds / 1000
      rooflinePercent = 100 * leastNanoseconds / nanoseconds
      gigaflops = Double(time.flops) / nanoseconds
    }
  }

  /// Names of kernels with many tails would fill lines.
  private static let longestName = 72

  let plan: String
  let backend: String
  let threads: Int
  let machine: String
  let compileMilliseconds: Double
  let steps: Int
  let medianMicroseconds: Double
  let leastMicroseconds: Double
  let kernels: [Kernel]

  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(self), as: UTF8.self)
  }

  var text: String {
    let total = kernels.reduce(0) { $0 + $1.microseconds }
    let bound = kernels.reduce(0) { $0 + $1.rooflineMicroseconds }
    let head = String(
      format: """
        plan "%@": %d kernels for %d %@ by %@, compiled in %.1f ms
        a step takes %.2f µs, at least %.2f µs; %d were measured
        its kernels take %.2f µs, of which %@ would take %.2f µs, %.0f %%

          no       time   share  roofline  GFLOP/s  kernel
        """,
      plan, kernels.count, threads, threads == 1 ? "thread" : "threads", backend,
      compileMilliseconds, medianMicroseconds,
      leastMicroseconds, steps, total, machine, bound, 100 * bound / max(total, 1e-9))
    let lines = kernels.enumerated().map { index, kernel in
      String(
        format: "%4d %7.2f µs %5.1f %% %7.0f %% %8.1f  %@", index + 1, kernel.microseconds,
        100 * kernel.microseconds / max(total, 1e-9), kernel.rooflinePercent, kernel.gigaflops,
        String(kernel.name.prefix(BenchReport.longestName)))
    }
    return ([head] + lines).joined(separator: "\n")
  }
}

import ArgumentParser
import Descent
import Foundation

struct Measure: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Measure one workload; the last line printed is a JSON object.")

  @Argument(help: "The workload, as `list` names it.") var workload: String
  @Option(help: "How many threads the work is divided among.") var threads = 1
  @Option(help: "How long to take samples.") var maxSeconds = 3.0
  @Option(
    help: ArgumentHelp(
      "What executes the kernels; the fastest this machine has if left out.",
      valueName: Backend.allCases.map(\.rawValue).joined(separator: "|")),
    transform: Measure.backend(named:))
  var backend: Backend?
  @Option(
    help: "A safetensors file with the weights (p.NAME) and inputs (x.NAME) to start from.",
    completion: .file(extensions: ["safetensors"]))
  var data: String?
  @Option(help: "A pass or rule that is left out, such as `waves`; may be given several times.")
  var disable: [String] = []
  @Flag(help: "Apply equations that round differently too.") var fast = false
  @Flag(help: "Print what was made of the workload before it is measured.") var explain = false
  @Flag(help: "Print how long each kernel takes at least.") var profile = false

  func validate() throws {
    guard threads >= 1 else { throw ValidationError("--threads is \(threads), not at least 1") }
    guard maxSeconds > 0 else {
      throw ValidationError("--max-seconds is \(maxSeconds), not above 0")
    }
  }

  func run() throws {
    guard let workload = Workload.all.first(where: { $0.name == workload }) else {
      throw ValidationError("there is no workload \"\(workload)\"; `list` names them")
    }
    let data = try Data(workload, file: data)
    let clock = ContinuousClock()
    let start = clock.now
    let (plan, session, outputs) = try prepare(workload, data)
    if explain { print(plan.explanation) }
    var results = try session.run(data.inputs)
    let first = start.duration(to: clock.now).seconds
    var check: [Double] = []
    if case .training = workload.kind {
      check.append(Double(results["y"]?.scalar ?? .nan))
      for _ in 1..<4 { results = try session.run(data.inputs) }
      check.append(Double(results["y"]?.scalar ?? .nan))
    } else {
      check = outputs.compactMap { results[$0].map(Self.meanMagnitude) }
    }
    let samples = try Samples(session, seconds: maxSeconds)
    if profile { try printProfile(session) }
    let memory = Self.peakMegabytes()
    // Last, because its arrays would count towards the memory of the workload.
    let limits = try? MachineLimits(measuringThreads: threads)
    let report = Report(
      workload: workload, threads: threads, samples: samples, plan: plan, limits: limits,
      vectorBits: widest, first: first, megabytes: memory, check: check)
    print(report.line)
  }

  private func printProfile(_ session: Session) throws {
    let times = try session.kernelTimes(runs: 20)
    let total = times.reduce(0) { $0 + $1.nanoseconds }
    for (index, time) in times.enumerated() {
      let rate = Double(time.flops) / Double(max(1, time.nanoseconds))
      let share = 100 * Double(time.nanoseconds) / Double(max(1, total))
      print(
        String(
          format: "%4d %10.1f us %5.1f %% %8.1f GFLOP/s  ", index + 1,
          Double(time.nanoseconds) / 1000, share, rate) + time.name)
    }
  }

  private static func backend(named name: String) throws -> Backend {
    guard let backend = Backend(rawValue: name) else {
      throw ValidationError("there is no backend \"\(name)\"")
    }
    return backend
  }

  private func prepare(
    _ workload: Workload, _ data: Data
  ) throws -> (plan: Plan, session: Session, outputs: [String]) {
    let (graph, outputs) = try workload.graph()
    let options = CompileOptions(
      threads: threads, disabled: Set(disable), fast: fast, backend: backend)
    let plan = try graph.compile(outputs: outputs, state: data.state, options: options)
    return (plan, try plan.makeSession(), outputs)
  }

  /// The widest vectors the backend may use, whose peak its numbers are held against.
  private var widest: Int {
    let name = backend?.rawValue ?? ProcessInfo.processInfo.environment["DESCENT_BACKEND"]
    return name == Backend.avx2.rawValue ? 256 : 512
  }

  private static func meanMagnitude(_ array: NDArray) -> Double {
    array.doubles.reduce(0) { $0 + abs($1) } / Double(max(1, array.count))
  }

  /// The most memory this process has held; nil where the system does not say.
  private static func peakMegabytes() -> Double? {
    guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let number = line.split(whereSeparator: { $0.isWhitespace }).dropFirst().first
    else { return nil }
    return Double(number).map { $0 / 1024 }
  }
}

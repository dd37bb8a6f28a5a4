import ArgumentParser
import Descent
import ToolSupport

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Compile a graph, run it, and print its outputs.",
    discussion: "Inputs that are not given are random numbers; the same seed gives the same ones.")

  @OptionGroup var target: Target

  @Option(help: "How often to run; parameters and states carry over.")
  var steps: Int = 1

  @Option(help: "What random inputs and initial parameters are made from.")
  var seed: UInt64 = 0

  @Option(
    name: .customLong("input"),
    help: ArgumentHelp("An input from an NPY file.", valueName: "name=file.npy"))
  var inputs: [NamedFile] = []

  func validate() throws {
    guard steps >= 1 else { throw ValidationError("--steps is \(steps), expected at least 1") }
  }

  func run() throws {
    try report {
      let plan = try target.compile()
      let session = try plan.makeSession(seed: seed)
      var arrays: [String: NDArray] = [:]
      for input in inputs { arrays[input.name] = try NPY.read(input.path) }
      var random = RandomInputs(seed: seed)
      arrays.merge(random.fill(plan.graph, except: Set(arrays.keys))) { given, _ in given }
      var results = try session.run(arrays)
      for step in 1..<max(steps, 1) {
        if isShown(step) { show(results, step) }
        results = try session.run(arrays)
      }
      if steps > 1 { print("step \(steps)") }
      for entry in results.entries { print("\(entry.name) = \(entry.array)") }
    }
  }

  /// Whether a step is one of the ten or so that are shown along the way.
  private func isShown(_ step: Int) -> Bool { (step - 1) % max(1, steps / 10) == 0 }

  private func show(_ results: Results, _ step: Int) {
    let scalars = results.entries.filter { $0.array.count == 1 }.map {
      "\($0.name) \($0.array.scalar)"
    }
    if !scalars.isEmpty { print("step \(step)  \(scalars.joined(separator: "  "))") }
  }
}

/// An argument such as `x=file.npy`.
struct NamedFile: ExpressibleByArgument {
  let name: String
  let path: String

  init?(argument: String) {
    guard let separator = argument.firstIndex(of: "=") else { return nil }
    name = String(argument[..<separator])
    path = String(argument[argument.index(after: separator)...])
    if name.isEmpty || path.isEmpty { return nil }
  }
}

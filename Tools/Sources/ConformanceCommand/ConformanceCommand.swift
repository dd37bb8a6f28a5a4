import ArgumentParser
import ConformanceWorkers
import Descent
import ToolSupport

/// The compiler as judges from outside see it: files in, files and exit codes out.
@main
struct ConformanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "descent-conformance", abstract: "Show plans to judges, and judge plans.",
    subcommands: [WritePlan.self, VerifyPlan.self, ServeOps.self, ServeTraining.self])
}

struct WritePlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan", abstract: "Compile a graph and write its memory plan as JSON.")

  @Argument(help: "A file of graph text.", completion: .file(extensions: ["graph"]))
  var graph: String

  @Option(help: ArgumentHelp("Where the plan is written.", valueName: "plan.json"))
  var dumpPlan: String

  @Option(help: "How many threads the plan is for.")
  var threads: Int?

  @Option(help: "What the batch size is bound to.")
  var batch: Int?

  func run() throws {
    let isDone = succeeds {
      let options = CompileOptions(threads: threads, minimumWorkPerThread: 1)
      let plan = try ToolFiles.graph(graph).compile(batch: batch, options: options)
      try ToolFiles.write(PlanJudgement.encode(plan), to: dumpPlan)
    }
    guard isDone else { throw ExitCode(1) }
  }
}

struct VerifyPlan: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Check a memory plan in JSON: exit code 0 if it is accepted, 3 if it is refused.")

  @Argument(help: "A plan as `plan` writes it.", completion: .file(extensions: ["json"]))
  var plan: String

  func run() throws {
    var faults: [String] = []
    guard succeeds({ faults = PlanJudgement.faults(in: try ToolFiles.read(plan)) }) else {
      throw ExitCode(1)
    }
    guard faults.isEmpty else {
      print(faults.joined(separator: "\n"))
      throw ExitCode(3)
    }
    print("accepted")
  }
}

struct ServeOps: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "op-worker", abstract: "Run single operations and their gradients for a judge.")

  func run() { OpWorker.serve() }
}

struct ServeTraining: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train-worker", abstract: "Train small models for a judge.")

  func run() { TrainWorker.serve() }
}

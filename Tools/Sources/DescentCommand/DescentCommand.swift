import ArgumentParser
import Descent
import ToolSupport

@main
struct DescentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "descent", abstract: "Look into graphs, run them, and measure them.",
    subcommands: [Dump.self, Explain.self, Run.self, Bench.self])
}

/// What a graph is compiled for.
struct Target: ParsableArguments {
  @Argument(help: "A file of graph text.", completion: .file(extensions: ["graph"]))
  var graph: String

  @Option(help: "What the batch size is bound to.")
  var batch: Int?

  @Option(help: "How many threads the work is divided among; the usable cores if left out.")
  var threads: Int?

  /// Returns the plan of the graph.
  func compile(keepingSnapshots: Bool = false, backend: Backend? = nil) throws -> Plan {
    let options = CompileOptions(
      threads: threads, backend: backend, keepsSnapshots: keepingSnapshots)
    return try ToolFiles.graph(graph).compile(batch: batch, options: options)
  }
}

extension ParsableCommand {
  /// Runs what the command does, or ends the process with status 1.
  func report(_ body: () throws -> Void) throws {
    guard succeeds(body) else { throw ExitCode(1) }
  }
}

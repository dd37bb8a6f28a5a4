import ArgumentParser

@main
struct DescentBench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "descent-bench", abstract: "Measure compiled plans against the machine.",
    subcommands: [List.self, Limits.self, Measure.self, Compiling.self, Dispatch.self],
    defaultSubcommand: Measure.self)
}

import ArgumentParser
import Descent
import Foundation
import ToolSupport

struct Dump: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print a graph, or what becomes of it.",
    discussion: """
      --text and --dot show the graph as it stands in the file; --passes and --plan compile it first.
      """)

  enum Form: String, EnumerableFlag {
    case text, dot, passes, plan

    static func help(for form: Form) -> ArgumentHelp? {
      switch form {
      case .text: "Graph text, one node a line (the default)."
      case .dot: "A picture in Graphviz's language."
      case .passes: "The graph after each pass that changed it."
      case .plan: "The memory plan as JSON."
      }
    }
  }

  @OptionGroup var target: Target

  @Flag(exclusivity: .exclusive) var form: Form = .text

  func run() throws {
    try report {
      switch form {
      case .text: print(try ToolFiles.graph(target.graph).text)
      case .dot: print(try ToolFiles.graph(target.graph).dot)
      case .passes: printPasses(try target.compile(keepingSnapshots: true))
      case .plan: print(String(decoding: try PlanJudgement.encode(target.compile()), as: UTF8.self))
      }
    }
  }

  private func printPasses(_ plan: Plan) {
    var before = ""
    for (pass, graph) in plan.snapshots {
      let text = graph.text
      print(
        text == before
          ? "// \(pass): no change" : "// \(pass): \(graph.nodes.count) nodes\n\(text)\n")
      before = text
    }
  }
}

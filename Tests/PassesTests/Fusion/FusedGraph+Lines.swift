import DescentGraph
import DescentPasses

extension FusedGraph {
  /// Divides a graph, without a journal.
  init(fusing graph: Graph, isEnabled: Bool = true) {
    var journal = Journal()
    self.init(fusing: graph, isEnabled: isEnabled, journal: &journal)
  }

  /// Sends a graph through all passes and divides it.
  init(compiling graph: Graph, batch: Int) throws {
    self.init(fusing: try Pipeline.standard.run(graph.bound(batch: batch)).graph)
  }

  /// The groups, one a line: kind, domain, members and what is stored.
  var lines: String {
    groups.map { group in
      let members = group.nodes.map { graph[$0].op.name + (group.outputs.contains($0) ? "*" : "") }
      return "\(group.kind.rawValue) \(group.domain(in: graph)): \(members.joined(separator: " "))"
    }.joined(separator: "\n")
  }

  /// What goes through memory and why, one read a line.
  var storedLines: String {
    verdicts.compactMap { verdict in
      guard case .stored(let reason) = verdict.outcome else { return nil }
      let reader = verdict.reader.map { " → \($0)" } ?? ""
      return "\(verdict.producer)\(reader): \(reason.text(in: graph)), \(verdict.byteCount) B"
    }.joined(separator: "\n")
  }
}

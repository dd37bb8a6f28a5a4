package import DescentGraph

/// One step from graph to graph.
///
/// A pass is a verb with a file of its own. It never changes a graph; it returns another one, and writes
/// every decision into the journal.
package struct Pass: Sendable {
  /// The name that dumps, timings and switches use.
  package let name: String
  /// One line that says what the pass establishes.
  package let summary: String
  /// Names of passes that must have run before this one.
  package let requires: [String]
  /// The step itself.
  package let run: @Sendable (Graph, inout Journal) throws(GraphErrors) -> Graph

  /// Creates a pass.
  package init(
    _ name: String, _ summary: String, requires: [String] = [],
    run: @escaping @Sendable (Graph, inout Journal) throws(GraphErrors) -> Graph
  ) {
    self.name = name
    self.summary = summary
    self.requires = requires
    self.run = run
  }
}

package import DescentGraph

extension Pipeline {
  /// How a pipeline is run.
  package struct Options: Sendable {
    /// Passes and rules that are left out, by name; `algebra.2` is the second pass of that name alone.
    package var disabled: Set<String> = []
    /// The last pass to run: its label, or how many passes run.
    package var stop: Stop?
    /// Whether each graph is verified after its pass.
    package var verifies: Bool = Options.isDebug
    /// Whether the graph after each pass is kept.
    package var keepsSnapshots: Bool = false

    /// Creates the options of an ordinary compile.
    package init() {}

    private static var isDebug: Bool {
      #if DEBUG
        true
      #else
        false
      #endif
    }
  }

  /// A place in the list.
  package enum Stop: Hashable, Sendable {
    /// After so many passes.
    case count(Int)
    /// After the pass of a label.
    case pass(String)
  }

  /// What a run yields.
  package struct Result: Sendable {
    /// The last graph.
    package var graph: Graph
    /// Every decision.
    package var journal: Journal
    /// How long each pass took, under its label.
    package var timings: [(pass: String, nanoseconds: Int)] = []
    /// The graph after each pass, if it was asked for.
    package var snapshots: [(pass: String, graph: Graph)] = []
  }

  /// Sends a graph through the list.
  ///
  /// - Throws: The user's mistakes: those of the graph, or a name in the options that does not exist or cannot
  ///   be left out.
  /// - Precondition: Every pass stands after those it requires.
  package func run(
    _ graph: Graph, _ options: Options = Options()
  ) throws(GraphErrors) -> Result {
    precondition(fault == nil, fault ?? "")
    _ = try graph.validated()
    let count = try checked(options, graph)
    var result = Result(graph: graph, journal: Journal())
    result.journal.disabledRules = options.disabled
    let clock = ContinuousClock()
    for (pass, label) in zip(passes, labels).prefix(count)
    where !options.disabled.contains(pass.name) && !options.disabled.contains(label) {
      let before = result.graph
      let start = clock.now
      result.journal.pass = label
      result.graph = try pass.run(before, &result.journal)
      let (seconds, attoseconds) = (clock.now - start).components
      result.timings.append((label, Int(seconds * 1_000_000_000 + attoseconds / 1_000_000_000)))
      if options.verifies { check(result.graph, from: before, after: label) }
      if options.keepsSnapshots { result.snapshots.append((label, result.graph)) }
    }
    return result
  }

  /// Traps, and names the pass, where a pass made a graph that is not one, or lost a result.
  private func check(_ graph: Graph, from before: Graph, after label: String) {
    let errors = graph.verify()
    precondition(
      errors.isEmpty, "pass \(label) made a wrong graph: \(GraphErrors(errors))\n\(graph.text)")
    // Gradients are outputs only between differentiation and update.
    let results = { (graph: Graph) in
      graph.outputs.filter { !$0.name.hasPrefix(Graph.gradientPrefix) }
        .map { "\($0.name): \(graph[$0.value].type)" }
    }
    precondition(
      results(graph) == results(before),
      "pass \(label) lost or changed an output\n\(graph.text)")
  }
}

// MARK: - Options

extension Pipeline {
  /// Returns how many passes are to run, or throws what is wrong with the options.
  private func checked(_ options: Options, _ graph: Graph) throws(GraphErrors) -> Int {
    var errors: [GraphError] = []
    let labels = labels
    if !options.disabled.isEmpty {
      let known = Set(labels).union(passes.map(\.name)).union(RewriteRule.all.map(\.name))
      for name in options.disabled.sorted() where !known.contains(name) {
        errors.append(
          GraphError(
            "pipeline: there is no pass or rule \"\(name)\" to switch off",
            hint: "the passes are \(labels.joined(separator: ", "))"))
      }
    }
    if let objective = graph.objective {
      for name in ["differentiate", "update"] where options.disabled.contains(name) {
        errors.append(
          GraphError(
            "pipeline: \(name) cannot be switched off: output \"\(objective.output)\" is minimised",
            hint: "compile the graph without minimizing"))
      }
    }
    var count = passes.count
    switch options.stop {
    case nil: break
    case .count(let wanted): count = min(max(wanted, 0), count)
    case .pass(let label):
      if let index = labels.firstIndex(of: label) {
        count = index + 1
      } else {
        errors.append(
          GraphError(
            "pipeline: there is no pass \"\(label)\" to stop after",
            hint: "the passes are \(labels.joined(separator: ", "))"))
      }
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return count
  }
}

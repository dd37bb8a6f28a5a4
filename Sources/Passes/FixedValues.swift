package import DescentGraph

// Passes ask in several places what is the same in every run: which groups run only once, and what pays only because
// they do. Were the answers to differ, one pass would count on a preparation that another does not make. So there is
// one answer, and it needs no graph, only node after node: a rewriter asks about graphs that it is about to make.
//
// What checks prepared groups (`FusedGraph.check`) decides by itself, else it would share the mistakes made here.

/// Which values have the same elements in every run, so that it is enough to compute them once.
///
/// Fixed are constants, counted elements (`iota`) and sizes, parameters and states that the graph does not update, and
/// what follows from these alone. A leaf that becomes itself is not updated. Others may still write parameters and
/// states between two runs; a session notices that. What an objective will train is not updated before it has been
/// differentiated; so the answer counts for graphs without objective.
///
/// Two kinds of operation are never fixed, whatever they are applied to:
/// - random words (`philox`), because they are drawn again rather than kept,
/// - those of the family `index`, because they may fail, and it is for each run to report that.
///
/// How much memory a value is worth is not asked here; that is for each pass to choose.
package struct FixedValues: Sendable {
  /// The names of the parameters and states that become something else.
  ///
  /// Names outlive rewriting; numbers of nodes do not.
  private let updated: Set<String>
  private var isFixed: [Bool] = []

  /// Knows the updates of a graph, but none of its nodes yet.
  ///
  /// - Complexity: Linear in the updates.
  package init(underUpdatesOf graph: Graph) {
    updated = Set(
      graph.updates.compactMap { update in
        guard update.leaf != update.value, case .leaf(let leaf) = graph[update.leaf].op else {
          return nil
        }
        return leaf.leafName
      })
  }

  /// Adds the next node of the graph, or of one that is made of it and updates the same leaves.
  ///
  /// - Complexity: Linear in the operands.
  package mutating func append(_ op: Op, _ operands: [Value]) {
    isFixed.append(keeps(op) && operands.allSatisfy { self[$0] })
  }

  /// Whether a value added before is the same in every run.
  package subscript(value: Value) -> Bool { isFixed[Int(value.index)] }

  /// Whether an operation gives the same result in every run, as long as its operands are the same.
  private func keeps(_ op: Op) -> Bool {
    switch op {
    case .leaf(.input), .index: false
    case .leaf(let leaf): leaf.leafName.map { !updated.contains($0) } ?? true
    case .elementwise, .reduction, .movement, .contraction, .convolution, .winograd: !op.isRandom
    }
  }
}

extension Graph {
  /// The values that are the same in every run.
  ///
  /// - Complexity: Linear in nodes and their operands.
  package var fixedValues: FixedValues {
    var fixed = FixedValues(underUpdatesOf: self)
    for node in nodes { fixed.append(node.op, node.operands) }
    return fixed
  }
}

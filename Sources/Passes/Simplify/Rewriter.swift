package import DescentGraph

/// Rebuilds a graph from its first node to its last, applying rules until none fits.
///
/// Only the rewriter makes nodes; rules return patches. A node is looked at once its operands are final, so one
/// sweep reaches a state in which no rule of the set fits anywhere. Nodes that no result needs are left
/// behind. What keeps it finite:
/// - every rule makes its place cheaper (see the laws in `Algebra`), so chains of patches end; should one not,
///   a bound turns the mistake into a trap that names the rule,
/// - patches are small trees; recursion follows those, never the graph.
///
/// - Complexity: linear in nodes, for rules that look at a bounded neighbourhood.
package final class Rewriter {
  /// The nodes made so far.
  package var nodes: [Node] { builder.nodes }
  /// For each node, the element it repeats everywhere, if it is known.
  private(set) var splats: [Splat?] = []
  /// For each node that stands for one of the given graph, how often that one is read; 0 for those in between.
  private(set) var readCounts: [Int] = []
  /// Which of the nodes made so far are the same in every run, if leaves are updated as in the given graph.
  private(set) var fixedValues: FixedValues
  /// What was decided.
  private(set) var journal: Journal

  private let builder: GraphBuilder
  private let rules: RuleSet
  private let merging: Bool
  private var known: [Key: Value] = [:]
  private var indexed = 0
  private var applications = 0
  private var current = Value(0)

  /// How deep patches may call for patches: more than any sound set of rules needs.
  private static let patchDepth = 64
  /// Constants up to this length are compared with others when a rule makes one.
  private static let smallConstant = 64

  /// Creates a rewriter; a merging one also makes equal nodes of the given graph one.
  private init(_ graph: Graph, _ rules: RuleSet, merging: Bool, journal: Journal) {
    builder = GraphBuilder(
      name: graph.name, interning: false, expecting: graph.nodes.count)
    fixedValues = FixedValues(underUpdatesOf: graph)
    self.rules = rules
    self.merging = merging
    self.journal = journal
    splats.reserveCapacity(graph.nodes.count)
    readCounts.reserveCapacity(graph.nodes.count)
    if merging { known.reserveCapacity(graph.nodes.count) }
  }

  /// Applies a table of rules to a graph.
  package static func rewrite(
    _ graph: Graph, with rules: [RewriteRule], merging: Bool = false, journal: inout Journal
  ) -> Graph {
    rewrite(graph, with: RuleSet(rules), merging: merging, journal: &journal)
  }

  /// Applies a set of rules to a graph.
  package static func rewrite(
    _ graph: Graph, with rules: RuleSet, merging: Bool = false, journal: inout Journal
  ) -> Graph {
    let rules = rules.without(journal.disabledRules)
    let rewriter = Rewriter(graph, rules, merging: merging, journal: journal)
    let result = rewriter.rewritten(graph)
    journal = rewriter.journal
    // A sweep cannot know yet, when it copies a node, that a rule will take away its last user.
    let needed = result.neededValues
    return needed.contains(false) ? result.keeping(needed, outputs: result.outputs) : result
  }

  private func rewritten(_ graph: Graph) -> Graph {
    let needed = graph.neededValues
    let reads = graph.readCounts(among: needed)
    var replacement = [Value](repeating: Value(-1), count: graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() where needed[index] {
      current = Value(index)
      let operands = node.operands.map { replacement[Int($0.index)] }
      let value = place(node.op, operands, node.type, node.origin, depth: 0)
      replacement[index] = value
      readCounts[Int(value.index)] += reads[index]
    }
    for output in graph.outputs {
      builder.output(output.name, replacement[Int(output.value.index)])
    }
    for update in graph.updates {
      builder.update(
        replacement[Int(update.leaf.index)], to: replacement[Int(update.value.index)])
    }
    return builder.build(objective: graph.objective)
  }

  /// Returns a value equal to a node's, after all rules that fit.
  private func place(
    _ op: Op, _ operands: [Value], _ type: TensorType, _ origin: Origin, depth: Int
  ) -> Value {
    for rule in rules.rules(for: op) {
      let match = Match(graph: self, op: op, operands: operands, type: type)
      guard let patch = rule.patch(match) else { continue }
      applications += 1
      precondition(
        depth < Rewriter.patchDepth && applications < 64 * (nodes.count + 64),
        "rule \(rule.name) does not come to an end at \(current) \(op.name)")
      journal.note(rule.name, "\(current) \(op.name): \(rule.equation)", at: origin)
      let value = make(patch, origin, depth: depth + 1)
      let made = builder.type(of: value)
      precondition(made == type, "rule \(rule.name) makes \(made) of \(type) at \(current)")
      return value
    }
    return append(op, operands, type, origin, isMade: depth > 0)
  }

  private func make(_ patch: Patch, _ origin: Origin, depth: Int) -> Value {
    switch patch {
    case .value(let value): return value
    case .node(let op, let parts):
      let operands = parts.map { make($0, origin, depth: depth) }
      do {
        let type = try op.resultType(of: operands.map { builder.type(of: $0) })
        return place(op, operands, type, origin, depth: depth)
      } catch {
        preconditionFailure("a rule at \(current) makes a wrong node: \(error.message)")
      }
    }
  }

  // MARK: - Nodes

  /// What equal nodes have in common: operands of commutative operations come in one order.
  private struct Key: Hashable {
    let op: Op
    let operands: [Value]
  }

  private func append(
    _ op: Op, _ operands: [Value], _ type: TensorType, _ origin: Origin, isMade: Bool
  ) -> Value {
    let value = Value(nodes.count)
    if merging || isMade, let key = key(op, operands) {
      index(upTo: nodes.count)
      let equal = known.value(for: key, inserting: value)
      guard equal == value else {
        if !isMade {
          journal.note("merge", "\(current) \(op.name): equal to \(equal)", at: origin)
        }
        return equal
      }
      indexed = nodes.count + 1
    }
    do {
      let added = try builder.insert(op, operands, knownType: type, origin: origin)
      precondition(added == value, "the builder gave \(added) for a new node \(value)")
    } catch {
      preconditionFailure("the node at \(current) cannot be copied: \(error.message)")
    }
    splats.append(splat(op, operands))
    fixedValues.append(op, operands)
    readCounts.append(0)
    return value
  }

  /// Enters nodes into the table of known nodes, which most sweeps never need.
  private func index(upTo count: Int) {
    if known.isEmpty { known.reserveCapacity(count) }
    while indexed < count {
      let node = nodes[indexed]
      if let key = key(node.op, node.operands) {
        _ = known.value(for: key, inserting: Value(indexed))
      }
      indexed += 1
    }
  }

  private func key(_ op: Op, _ operands: [Value]) -> Key? {
    if case .leaf(.constant(let array)) = op, !merging, array.count > Rewriter.smallConstant {
      return nil
    }
    guard case .elementwise(let function) = op, function.isCommutative, operands[1] < operands[0]
    else { return Key(op: op, operands: operands) }
    return Key(op: op, operands: operands.reversed())
  }

  private func splat(_ op: Op, _ operands: [Value]) -> Splat? {
    switch op {
    case .leaf(.constant(let array)): Splat(array)
    case .movement(.reshape), .movement(.transpose), .movement(.broadcast), .movement(.slice),
      .movement(.reverse), .movement(.window):
      splats[Int(operands[0].index)]
    default: nil
    }
  }
}

extension Graph {
  /// How often each value is read by nodes that are needed, outputs and updates.
  fileprivate func readCounts(among needed: [Bool]) -> [Int] {
    var counts = [Int](repeating: 0, count: nodes.count)
    for (index, node) in nodes.enumerated() where needed[index] {
      for operand in node.operands { counts[Int(operand.index)] += 1 }
    }
    for output in outputs { counts[Int(output.value.index)] += 1 }
    for update in updates { counts[Int(update.value.index)] += 1 }
    return counts
  }
}

extension Elementwise {
  /// Whether the operands may change places without changing a bit.
  ///
  /// `minimum` and `maximum` may not: of +0 and −0 they return the second.
  package var isCommutative: Bool {
    switch self {
    case .binary(.add), .binary(.mul), .binary(.and), .binary(.or), .binary(.xor),
      .compare(.equal), .compare(.notEqual):
      true
    default: false
    }
  }
}

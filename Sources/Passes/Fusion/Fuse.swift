package import DescentGraph

extension FusedGraph {
  /// Divides a final graph into kernels.
  ///
  /// Walking from users to producers, a pointwise node joins the kernel of its users when they all are in one;
  /// else it gets a kernel, and memory, of its own. A contraction joins in the same way, once a kernel: what
  /// follows becomes its epilogue. Since a joined node has no user elsewhere, groups cannot form a cycle.
  ///
  /// - Parameters:
  ///   - graph: A bound graph without objective.
  ///   - isEnabled: Whether nodes may join at all; else every node is its own kernel.
  ///   - journal: Receives a line for each node that could have joined and did not.
  package init(fusing graph: Graph, isEnabled: Bool = true, journal: inout Journal) {
    var fuser = Fuser(graph: graph, isEnabled: isEnabled)
    self.init(graph: graph, groups: fuser.run(&journal))
    assert(check().isEmpty, "fuse made wrong groups: \(check())\n\(graph.text)")
  }
}

/// How a value is needed by the kernels found so far.
private enum Need {
  /// Not at all.
  case nothing
  /// By pointwise nodes of one group only.
  case group(Int)
  /// In memory, with the reason.
  case memory(String)
}

private struct Fuser {
  let graph: Graph
  let isEnabled: Bool
  var needs: [Need]
  var groups: [GroupUnderConstruction] = []

  struct GroupUnderConstruction {
    var kind: FusionGroup.Kind
    let root: Value
    var core: Value?
    var nodes: [Value]
  }

  /// The most nodes one kernel may compute, so that kernels stay small enough to hold in registers.
  static let maximumNodes = 200

  init(graph: Graph, isEnabled: Bool) {
    self.graph = graph
    self.isEnabled = isEnabled
    needs = Array(repeating: .nothing, count: graph.nodes.count)
  }

  mutating func run(_ journal: inout Journal) -> [FusionGroup] {
    for output in graph.outputs { requireMemory(output.value, "it is an output") }
    for update in graph.updates { requireMemory(update.value, "it updates a state") }
    for value in graph.values.reversed() { visit(value, &journal) }
    return groups.map {
      FusionGroup(
        kind: $0.kind, nodes: $0.nodes.sorted(), outputs: [$0.root], core: $0.core)
    }.sorted { $0.root < $1.root }
  }

  private mutating func visit(_ value: Value, _ journal: inout Journal) {
    let node = graph[value]
    let need = needs[Int(value.index)]
    if case .nothing = need { return }
    switch node.op {
    case .leaf(.iota):
      if case .memory = need { open(.map, value, core: nil) }
    case .leaf: return
    case .movement(.reshape):
      requireMemory(node.operands[0], "it is reshaped")
    case .movement where node.op.isAffineRead:
      if case .memory = need { open(.map, value, core: nil) }
      readThrough(node.operands[0])
    case .elementwise, .movement, .index(.gather), .index(.oneHot):
      visitPointwise(value, node, need, &journal)
    case .reduction(let reduction):
      let isRow = reduction.view(of: graph[node.operands[0]].type.shape).inner == 1
      open(isRow ? .row : .column, value, core: nil)
      join(node.operands[0], groups.count - 1, of: graph[node.operands[0]].type.shape)
    case .contraction:
      visitContraction(value, node, need, &journal)
    case .index(.scatterAdd):
      open(.scatter, value, core: value)
      for operand in node.operands { requireMemory(operand, "a scatter reads it") }
    }
  }

  private mutating func visitPointwise(
    _ value: Value, _ node: Node, _ need: Need, _ journal: inout Journal
  ) {
    let group: Int
    switch need {
    case .group(let index) where groups[index].nodes.count < Fuser.maximumNodes:
      group = index
      groups[index].nodes.append(value)
    case .group:
      journal.note("full", "\(value) \(node.op.name) ends a kernel", at: node.origin)
      open(.map, value, core: nil)
      group = groups.count - 1
    case .memory(let reason):
      journal.note("stored", "\(value) \(node.op.name): \(reason)", at: node.origin)
      open(.map, value, core: nil)
      group = groups.count - 1
    case .nothing: return
    }
    for (position, operand) in node.operands.enumerated() {
      switch node.op {
      case .elementwise: join(operand, group, of: node.type.shape)
      case .index(.gather) where position == 0: requireMemory(operand, "a gather reads it")
      default: readThrough(operand)
      }
    }
  }

  private mutating func visitContraction(
    _ value: Value, _ node: Node, _ need: Need, _ journal: inout Journal
  ) {
    if case .group(let index) = need, groups[index].kind == .map,
      graph[groups[index].root].type.shape == node.type.shape
    {
      groups[index].kind = .contraction
      groups[index].core = value
      groups[index].nodes.append(value)
    } else {
      if case .memory(let reason) = need {
        journal.note("stored", "\(value) \(node.op.name): \(reason)", at: node.origin)
      } else {
        journal.note("stored", "\(value) \(node.op.name): its kernel has a core", at: node.origin)
      }
      open(.contraction, value, core: value)
    }
    for operand in node.operands { requireMemory(operand, "a contraction reads it") }
  }

  /// Begins a group at its root.
  private mutating func open(_ kind: FusionGroup.Kind, _ root: Value, core: Value?) {
    groups.append(GroupUnderConstruction(kind: kind, root: root, core: core, nodes: [root]))
  }

  /// Notes that a group uses an operand element by element.
  private mutating func join(_ operand: Value, _ group: Int, of shape: Shape) {
    let node = graph[operand]
    let isCore = if case .contraction = node.op { true } else { false }
    guard isEnabled, node.op.isPointwise || isCore, node.type.shape == shape else {
      readThrough(operand)
      return
    }
    switch needs[Int(operand.index)] {
    case .nothing: needs[Int(operand.index)] = .group(group)
    case .group(let other) where other == group: break
    case .group: needs[Int(operand.index)] = .memory("several kernels read it")
    case .memory: break
    }
  }

  /// Notes that a kernel reads an operand at affine places.
  private mutating func readThrough(_ operand: Value) {
    let node = graph[operand]
    if node.op.isInlineLeaf { return }
    if node.op.isAffineRead {
      // The movement is part of the reading kernel's addresses.
      if case .nothing = needs[Int(operand.index)] { needs[Int(operand.index)] = .group(-1) }
    } else {
      requireMemory(operand, "it is read at other places than its own")
    }
  }

  private mutating func requireMemory(_ value: Value, _ reason: String) {
    if case .memory = needs[Int(value.index)] { return }
    needs[Int(value.index)] = .memory(reason)
  }
}

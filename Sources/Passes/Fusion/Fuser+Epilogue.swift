import DescentGraph

extension Fuser {
  /// Gives a contraction the pointwise nodes behind it, up to the last through which all the others leave.
  ///
  /// Nodes are taken in graph order as long as only they read the product and each other. So no path leaves
  /// and comes back, and merging them up to a single exit closes no cycle.
  mutating func growEpilogue(of core: Int32) {
    var members = [core]
    /// How many readers of each member are still outside.
    var open: [Int32: Int] = [core: dataflow.users(of: Int(core)).count]
    var sources = Set(groups[core].sources)
    var pending = Set(dataflow.users(of: Int(core)).map { dataflow.reads[Int($0)].reader })
    var hasResult = isResult(core)
    var exit = 1
    var budget = GroupGraph.searchBudget - pending.count
    while budget >= 0, !hasResult, members.count < FusionGroup.maximumNodes,
      let next = pending.min()
    {
      pending.remove(next)
      guard mayFollow(next, core) else { break }
      members.append(next)
      for position in dataflow.reads(of: Int(next)) {
        let read = dataflow.reads[position]
        guard let count = open[read.source] else {
          sources.insert(read.source)
          continue
        }
        guard case .direct = read.way else { return absorb(members.prefix(exit)) }
        open[read.source] = count == 1 ? nil : count - 1
      }
      let users = dataflow.users(of: Int(next))
      open[next] = users.count
      hasResult = isResult(next)
      pending.formUnion(users.map { dataflow.reads[Int($0)].reader })
      budget -= users.count
      if open.count == 1, sources.count < FusionGroup.maximumStreams { exit = members.count }
    }
    absorb(members.prefix(exit))
  }

  private func isResult(_ node: Int32) -> Bool { dataflow.isResult[Int(node)] }

  /// Whether a node may stand in the epilogue of a contraction, as far as its own form goes.
  private mutating func mayFollow(_ node: Int32, _ core: Int32) -> Bool {
    let leader = groups.leader(of: node)
    return groups[leader].nodes.count == 1 && graph.nodes[Int(node)].op.isElementwise
      && !dataflow.isCopy[Int(node)]
      && dataflow.isPrepared[Int(node)] == dataflow.isPrepared[Int(core)]
      && dataflow.shapes[Int(node)] == dataflow.shapes[Int(core)]
      && movementAcrossRows(in: [node], of: Value(Int(core))) == nil
  }

  /// Returns a movement through which nodes read something that does not go on evenly from row to row of a
  /// contraction whose rows span several axes, or nil where there is none.
  ///
  /// Such rows are one axis to the kernel, so what its epilogue reads must step through them as through one.
  func movementAcrossRows(in nodes: [Int32], of core: Value) -> Value? {
    guard rowsSpanAxes(of: core) else { return nil }
    for node in nodes where Value(Int(node)) != core {
      guard graph.nodes[Int(node)].op.isElementwise else { return Value(Int(node)) }
      for operand in graph.nodes[Int(node)].operands where !readsRowsEvenly(operand) {
        return operand
      }
    }
    return nil
  }

  /// Whether the rows of a product are several axes.
  private func rowsSpanAxes(of core: Value) -> Bool {
    switch graph[core].op {
    case .contraction:
      Contraction.isShared(
        graph[graph[core].operands[0]].type.shape, graph[graph[core].operands[1]].type.shape)
    case .convolution: true
    default: false
    }
  }

  private func readsRowsEvenly(_ operand: Value) -> Bool {
    var value = operand
    if case .movement(.broadcast) = graph[value].op {
      let source = graph[graph[value].operands[0]].type.shape
      let (rows, inner) = (
        graph[value].type.shape.extents.dropLast(), source.extents.dropLast()
      )
      guard inner.allSatisfy({ $0 == 1 }) || Array(inner) == Array(rows) else { return false }
      value = graph[value].operands[0]
    }
    while graph[value].op.isView { value = graph[value].operands[0] }
    return dataflow.isComputed[Int(value.index)]
      || graph[value].op.isLeaf && !graph[value].op.isIota
  }

  /// Merges a contraction, which comes first, with other nodes.
  private mutating func absorb(_ members: ArraySlice<Int32>) {
    for member in members.dropFirst() {
      let (core, node) = (groups.leader(of: members[0]), groups.leader(of: member))
      let obstacle = merge(core, node, isPartial: true)
      precondition(obstacle == nil, "%\(member) cannot join the epilogue of %\(members[0])")
    }
  }
}

// The law every division of a graph into kernels obeys. It knows nothing of how the groups were found.
//
// G1  Every node a result needs in a kernel is a member of exactly one group; no group has other members.
//     Leaves, reshapes and movement that is merely read through are in none; a movement or iota whose elements
//     are wanted in memory is a group of its own.
// G2  Members and outputs are in graph order, outputs are members, and a core is one.
// G3  A group's members fit its kind. Let D be its domain:
//     map          pointwise nodes of shape D;
//     row, column  at least one reduction, each over the same axes of D, in a row the last, in a column others;
//                  pointwise nodes of shape D (elements), or of D without the reduced axes, up to axes of
//                  extent 1 (the reduced level, to which the reductions belong too);
//     contraction  one contraction of result D, the core, and pointwise nodes of shape D; a few outputs;
//     tiles        one of Winograd's maps of result D, the core, and elementwise nodes of shape D;
//     scatter      one scatter, the core.
// G4  A member reads another at its own place: directly at the same level; in a row also the reduced level from
//     elements or from the reduced level, if axes of extent above 1 keep their order and come first; in a
//     column so from the reduced level, and from elements if the reduced axes are missing and the others keep
//     their order. Contractions, scatters and reductions of other groups, and what reads at other places, read
//     memory, as a map of tiles does; a contraction that in which its factors' elements lie, behind movement.
// G5  What a group reads from memory is a leaf or an output of an earlier group.
// G6  The outputs are the members that results or other groups read.
// G7  Prepared groups come first, and what they compute is the same in every run:
//     `FusedGraph+CheckPreparation.swift`.

extension FusedGraph {
  /// Returns what is wrong with the groups; empty for a lawful division.
  ///
  /// - Complexity: Linear in the nodes, if movements follow one another in short chains.
  public func check() -> [String] {
    var checker = FusionChecker(fused: self)
    checker.run()
    return checker.violations.isEmpty ? preparationViolations : checker.violations
  }
}

private struct FusionChecker {
  let fused: FusedGraph
  var violations: [String] = []
  /// The group each node is a member of.
  var groupOf: [Int?]
  /// Whether a group stores the node.
  var isStored: [Bool]
  /// Whether a result or another group than its own reads the node in memory.
  var isReadOutside: [Bool]

  var graph: Graph { fused.graph }

  init(fused: FusedGraph) {
    self.fused = fused
    let count = fused.graph.nodes.count
    groupOf = Array(repeating: nil, count: count)
    isStored = Array(repeating: false, count: count)
    isReadOutside = Array(repeating: false, count: count)
  }

  mutating func run() {
    for (index, group) in fused.groups.enumerated() { enroll(group, index) }
    guard violations.isEmpty else { return }
    checkNeeds()
    for output in graph.outputs { readInMemory(output.value, by: "output \"\(output.name)\"", nil) }
    for update in graph.updates {
      readInMemory(update.value, by: "the update of \(update.leaf)", nil)
    }
    for (index, group) in fused.groups.enumerated() {
      let levels = checkKind(group, index)
      for value in group.nodes { checkReads(of: value, group, index, levels) }
    }
    checkOutputs()
  }

  mutating func fail(_ rule: String, _ message: String) { violations.append("\(rule): \(message)") }

  /// A value as messages name it, such as `%5 add`.
  func name(_ value: Value) -> String { "\(value) \(graph[value].op.name)" }
}

// MARK: - Membership

extension FusionChecker {
  /// Enters a group's members and outputs in the tables.
  private mutating func enroll(_ group: FusionGroup, _ index: Int) {
    let range = graph.nodes.indices
    guard group.nodes.allSatisfy({ range.contains(Int($0.index)) }) else {
      return fail("G2", "group \(index) has a member that is no node")
    }
    let members = Set(group.nodes)
    if !isAscending(group.nodes) { fail("G2", "the members of group \(index) are not in order") }
    if !isAscending(group.outputs) { fail("G2", "the outputs of group \(index) are not in order") }
    if group.outputs.isEmpty { fail("G2", "group \(index) stores nothing") }
    if !members.isSuperset(of: group.outputs) {
      fail("G2", "group \(index) stores what it does not compute")
    }
    if let core = group.core, !members.contains(core) {
      fail("G2", "the core of group \(index) is not a member")
    }
    for value in group.nodes {
      if let other = groupOf[Int(value.index)] {
        fail("G1", "\(name(value)) is in groups \(other) and \(index)")
      }
      groupOf[Int(value.index)] = index
      let op = graph[value].op
      if op.isView || (op.isLeaf && !op.isIota) { fail("G1", "\(name(value)) needs no kernel") }
      if op.isAffineRead || op.isIota, group.nodes.count > 1 {
        fail("G1", "\(name(value)) is not alone in group \(index)")
      }
    }
    for value in group.outputs where members.contains(value) {
      isStored[Int(value.index)] = true
    }
  }

  private func isAscending(_ values: [Value]) -> Bool {
    zip(values, values.dropFirst()).allSatisfy { $0 < $1 }
  }

  /// Finds needed nodes that no group computes, and members that nothing needs.
  private mutating func checkNeeds() {
    var isNeeded = [Bool](repeating: false, count: graph.nodes.count)
    for output in graph.outputs { isNeeded[Int(output.value.index)] = true }
    for update in graph.updates { isNeeded[Int(update.value.index)] = true }
    for value in graph.values.reversed() {
      let node = graph[value]
      let isMember = groupOf[Int(value.index)] != nil
      guard isNeeded[Int(value.index)] else {
        if isMember { fail("G1", "\(name(value)) is computed, but no result needs it") }
        continue
      }
      for operand in node.operands { isNeeded[Int(operand.index)] = true }
      if !isMember, !node.op.isLeaf, !node.op.isView, !node.op.isAffineRead {
        fail("G1", "\(name(value)) is needed, but no group computes it")
      }
    }
  }

  private mutating func checkOutputs() {
    for value in graph.values where groupOf[Int(value.index)] != nil {
      let (isStored, isRead) = (isStored[Int(value.index)], isReadOutside[Int(value.index)])
      if isStored, !isRead { fail("G6", "\(name(value)) is stored, but nothing reads it") }
    }
  }
}

// MARK: - Kinds

extension FusionChecker {
  /// Where members of a group are computed.
  struct Levels {
    let domain: Shape
    /// The domain without the reduced axes and without axes of extent 1; nil where nothing is reduced.
    let reduced: [Extent]?
    /// The reduced axes.
    var axes: [Int] = []
  }

  /// Checks that the members of a group fit its kind, and returns their levels.
  private mutating func checkKind(_ group: FusionGroup, _ index: Int) -> Levels {
    let reductions = group.nodes.filter { graph[$0].op.isReduction }
    let cores = group.nodes.filter { graph[$0].op.isCore }
    switch group.kind {
    case .map: expectCore(nil, cores, index)
    case .row, .column:
      expectCore(nil, cores, index)
      if reductions.isEmpty { fail("G3", "\(group.kind) group \(index) reduces nothing") }
    case .contraction:
      expectCore(group.core, cores, index)
      if let core = group.core, !graph[core].op.isContraction {
        fail("G3", "the core of contraction group \(index) is \(name(core))")
      }
    case .tiles:
      expectCore(group.core, cores, index)
      for value in group.nodes where !graph[value].op.isWinograd && !graph[value].op.isElementwise {
        fail("G3", "tiles group \(index) holds \(name(value))")
      }
      if let core = group.core, !graph[core].op.isWinograd {
        fail("G3", "the core of tiles group \(index) is \(name(core))")
      }
    case .scatter:
      expectCore(group.core, cores, index)
      if group.nodes.count != 1 { fail("G3", "scatter group \(index) has other members") }
    case .sort:
      expectCore(group.core, cores, index)
      if group.nodes.count != 1 { fail("G3", "sort group \(index) has other members") }
    }
    if group.kind != .row, group.kind != .column, let reduction = reductions.first {
      fail("G3", "\(group.kind) group \(index) holds \(name(reduction))")
    }
    if [.contraction, .tiles, .scatter, .sort].contains(group.kind), group.core == nil {
      fail("G3", "\(group.kind) group \(index) has no core")
    }
    if group.outputs.count > group.kind.maximumOutputs {
      fail("G3", "\(group.kind) group \(index) stores \(group.outputs.count) values")
    }
    let levels = levels(of: group, reductions, index)
    for value in group.nodes where !graph[value].op.isReduction && level(of: value, levels) == nil {
      let type = graph[value].type
      fail(
        "G3", "\(name(value)) of \(type) does not fit the domain \(levels.domain) of group \(index)"
      )
    }
    return levels
  }

  private mutating func expectCore(_ core: Value?, _ cores: [Value], _ index: Int) {
    for value in cores where value != core {
      fail("G3", "\(name(value)) is not the core of group \(index)")
    }
    if core == nil, let claimed = fused.groups[index].core {
      fail("G3", "\(name(claimed)) cannot be the core of group \(index)")
    }
  }

  private mutating func levels(
    of group: FusionGroup, _ reductions: [Value], _ index: Int
  ) -> Levels {
    guard let first = reductions.first, case .reduction(let reduction) = graph[first].op else {
      let representative = group.core ?? group.root
      return Levels(domain: graph[representative].type.shape, reduced: nil)
    }
    let domain = graph[graph[first].operands[0]].type.shape
    let view = reduction.view(of: domain)
    let reduced = graph[first].type.shape.squeezed
    for value in reductions {
      guard case .reduction(let other) = graph[value].op else { continue }
      let shape = graph[graph[value].operands[0]].type.shape
      if shape != domain || other.view(of: shape) != view
        || graph[value].type.shape.squeezed != reduced
      {
        fail("G3", "\(name(first)) and \(name(value)) of group \(index) reduce different axes")
      }
    }
    let isReducing = group.kind == .row || group.kind == .column
    if isReducing, (view.inner == 1) != (group.kind == .row) {
      fail("G3", "\(name(first)) does not belong in \(group.kind) group \(index)")
    }
    return Levels(domain: domain, reduced: reduced, axes: reduction.axes)
  }

  enum Level { case element, reduced }

  /// Returns the level a member is computed at, or nil where its shape fits none.
  private func level(of value: Value, _ levels: Levels) -> Level? {
    if graph[value].op.isReduction { return .reduced }
    if graph[value].type.shape == levels.domain { return .element }
    return graph[value].type.shape.squeezed == levels.reduced ? .reduced : nil
  }
}

// MARK: - Reads

extension FusionChecker {
  private mutating func checkReads(
    of value: Value, _ group: FusionGroup, _ index: Int, _ levels: Levels
  ) {
    let node = graph[value]
    if node.op.isContraction {
      for factor in graph.factors(of: value) {
        readInMemory(factor.source, by: name(value), index)
      }
      return
    }
    for (position, operand) in node.operands.enumerated() {
      switch node.op {
      case .index(.scatterAdd), .index(.argSort):
        readInMemory(operand, by: name(value), index)
      case .index(.gather) where position == 0:
        readInMemory(operand, by: name(value), index)
      case .elementwise, .reduction, .movement, .contraction, .convolution, .winograd, .index,
        .leaf:
        readElements(of: operand, by: value, group, index, levels)
      }
    }
  }

  /// Checks a read of memory as such, by a group or, where there is none, a result.
  private mutating func readInMemory(_ value: Value, by reader: String, _ group: Int?) {
    var source = value
    while graph[source].op.isView { source = graph[source].operands[0] }
    if let producer = groupOf[Int(source.index)] {
      expectStored(source, producer, by: reader, group)
    } else if !graph[source].op.isLeaf || graph[source].op.isIota {
      fail("G5", "\(reader) reads \(name(source)), which is not in memory")
    }
  }

  /// Checks that a member of one group is in memory when another group or a result reads it.
  private mutating func expectStored(
    _ value: Value, _ producer: Int, by reader: String, _ group: Int?
  ) {
    isReadOutside[Int(value.index)] = true
    if group == producer {
      fail("G4", "\(reader) reads \(name(value)) in memory while group \(producer) computes it")
    } else if !isStored[Int(value.index)] {
      fail("G6", "\(reader) reads \(name(value)), which group \(producer) does not store")
    } else if let group, group < producer {
      fail("G5", "\(reader) of group \(group) reads \(name(value)) of group \(producer)")
    }
  }

  /// Checks a read of elements, through movement, from registers or from memory.
  private mutating func readElements(
    of operand: Value, by reader: Value, _ group: FusionGroup, _ index: Int, _ levels: Levels
  ) {
    var source = operand
    var path = AxisPath(graph[operand].type.shape)
    while groupOf[Int(source.index)] == nil {
      let node = graph[source]
      guard case .movement(let movement) = node.op else { return }
      let isView = node.op.isView
      source = node.operands[0]
      path.follow(movement, to: graph[source].type.shape)
      if isView, graph[source].op.isAffineRead || graph[source].op.isIota,
        groupOf[Int(source.index)] == nil
      {
        return fail("G5", "\(name(reader)) reads \(name(source)), which is not in memory")
      }
    }
    guard let producer = groupOf[Int(source.index)] else { return }
    guard producer == index else {
      return expectStored(source, producer, by: name(reader), index)
    }
    let isDirect =
      source == operand && (graph[reader].op.isElementwise || graph[reader].op.isReduction)
    let to = level(of: reader, levels)
    let from = level(of: source, levels)
    let isAligned = graph[reader].op.isElementwise && path.keepsLeadingAxes
    let isAllowed =
      switch (group.kind, graph[reader].op.isReduction ? .element : to, from) {
      case (_, .element, .element), (_, .reduced, .reduced):
        isDirect || (from == .reduced && isAligned)
      case (.row, .element, .reduced): isAligned
      case (.column, .element, .reduced):
        graph[reader].op.isElementwise && path.skips(levels.axes, of: levels.domain)
      default: false
      }
    if !isAllowed || (graph[reader].op.isReduction && from != .element) {
      fail("G4", "\(name(reader)) reads \(name(source)) of its own group \(index) at another place")
    }
  }
}

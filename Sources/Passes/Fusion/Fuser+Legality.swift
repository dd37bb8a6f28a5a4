import DescentGraph

extension Fuser {
  /// Merges two groups, the first of which stands before the second, or returns why that is not allowed.
  ///
  /// - Parameters:
  ///   - first: The leader of the one.
  ///   - second: The leader of the other.
  ///   - isPartial: Whether more will join, so that limits on values stored and read do not hold yet.
  /// - Returns: The reason, or nil where the groups are one now.
  mutating func merge(
    _ first: Int32, _ second: Int32, isPartial: Bool = false
  ) -> FusionReason? {
    let (one, two) = (groups[first], groups[second])
    // Many reads may join the same two groups; until one of these grows, the answer is the same.
    let attempt = Attempt(first: first, second: second)
    let sizes = (one.nodes.count, two.nodes.count)
    if !isPartial, let known = refusals[attempt], known.sizes == sizes { return known.reason }
    let reason = join(first, one, second, two, isPartial)
    if let reason, !isPartial { refusals[attempt] = (sizes, reason) }
    return reason
  }

  /// Two groups that were to be merged.
  struct Attempt: Hashable {
    let first: Int32
    let second: Int32
  }

  /// Merges two groups if nothing stands against it.
  private mutating func join(
    _ first: Int32, _ one: GroupGraph.Group, _ second: Int32, _ two: GroupGraph.Group,
    _ isPartial: Bool
  ) -> FusionReason? {
    if let reason = obstacle(one, two) { return reason }
    var merged = two.kind == .map ? one : two
    let count = one.nodes.count + two.nodes.count
    guard count <= merged.kind.maximumNodes else { return .full(count) }
    let streams = max(one.sources.count, two.sources.count)
    guard streams <= FusionGroup.maximumStreams else { return .tooManyStreams(streams) }
    let reads = groups.reads(of: first, by: second)
    for position in reads {
      if let reason = obstacle(to: dataflow.reads[Int(position)], in: merged) { return reason }
    }
    if merged.kind == .tiles,
      let node = (one.nodes + two.nodes).first(where: { !mayStandBehindTiles($0) })
    {
      return .readElsewhere(by: Value(Int(node)))
    }
    if merged.kind == .contraction,
      let movement = movementAcrossRows(
        in: merged.domain == one.domain ? two.nodes : one.nodes, of: merged.domain)
    {
      return .readElsewhere(by: movement)
    }
    merged.hasUpdate = one.hasUpdate || two.hasUpdate
    merged.precedesCheck = one.precedesCheck || two.precedesCheck
    let isLate = { (group: GroupGraph.Group) in group.hasUpdate && group.precedesCheck }
    // A run that meets an index out of range ends before it has changed a state.
    if isLate(merged), !isLate(one), !isLate(two) { return .stateBeforeCheck }
    merged.outputs = groups.outputs(of: one, two, joinedBy: reads)
    merged.sources = groups.sources(of: one, two, ledBy: first)
    if !isPartial, let reason = limit(on: merged) { return reason }
    do {
      try groups.merge(first, second, joinedBy: reads, into: merged)
      return nil
    } catch {
      return error == .cycle ? .cycle : .budget
    }
  }

  /// Returns the kind of two kinds' kernel, or nil where there is none.
  static func joint(_ kind: FusionGroup.Kind, _ other: FusionGroup.Kind) -> FusionGroup.Kind? {
    switch (kind, other) {
    case (.scatter, _), (_, .scatter), (.sort, _), (_, .sort), (.contraction, .contraction),
      (.tiles, .tiles):
      nil
    case (_, .map): kind
    case (.map, _): other
    default: kind == other ? kind : nil
    }
  }

  /// Returns why two groups do not fit one kind and domain.
  private func obstacle(
    _ one: GroupGraph.Group, _ two: GroupGraph.Group
  ) -> FusionReason? {
    guard dataflow.isPrepared(one) == dataflow.isPrepared(two) else { return .prepared }
    guard Fuser.joint(one.kind, two.kind) != nil else { return .severalKinds(one.kind, two.kind) }
    if one.isAlone || two.isAlone { return .copy }
    if dataflow.domain(of: one) == dataflow.domain(of: two) {
      return one.view == nil || two.view == nil || one.view == two.view ? nil : .differentAxes
    }
    // Pointwise nodes may also be of the shape that is left when the axes are reduced.
    for (group, other) in [(one, two), (two, one)] where group.kind == .map {
      let squeezed = dataflow.squeezedShapes[Int(group.domain.index)]
      if let view = other.view, squeezed == view.reduced { return nil }
    }
    return .differentDomain(graph[one.domain].type.shape, graph[two.domain].type.shape)
  }

  /// Returns why one member of a group cannot read another from a register.
  func obstacle(to read: Dataflow.Read, in group: GroupGraph.Group) -> FusionReason? {
    let isReduction = graph.nodes[Int(read.reader)].op.isReduction
    let readsReduced = !isReduction && isReduced(read.reader, in: group)
    let isReduced = isReduced(read.source, in: group)
    // In a column the elements have passed when a reduction is complete; a row, or a few rows, can be swept again.
    let isBoundary = isReduced && !readsReduced && (group.kind == .column || isReduction)
    switch read.way {
    case .direct: return isReduced == readsReduced ? nil : .reductionBoundary
    case .aligned(let movement):
      return isBoundary ? .reductionBoundary : isReduced ? nil : .readElsewhere(by: movement)
    case .repeated(let movement, let repetition):
      guard isBoundary, !isReduction else { return .readElsewhere(by: movement) }
      guard let view = group.view, view.extent <= FusionGroup.mostRowsSweptAgain,
        repetition == Dataflow.Repetition(extent: view.extent, inner: view.inner)
      else { return .reductionBoundary }
      return nil
    case .elsewhere where isBoundary && !isReduction: return .reductionBoundary
    case .elsewhere, .factor, .indexed, .indices, .scattered, .sorted: return read.way.obstacle
    }
  }

  /// Whether a member of a group is computed where axes are reduced, not element by element.
  private func isReduced(_ node: Int32, in group: GroupGraph.Group) -> Bool {
    graph.nodes[Int(node)].op.isReduction
      || dataflow.shapes[Int(node)] != dataflow.domain(of: group)
  }

  /// Whether a node may be a member of a kernel of tiles: it is the map, or computed anew in the frame of each element.
  private func mayStandBehindTiles(_ node: Int32) -> Bool {
    let op = graph.nodes[Int(node)].op
    return op.isWinograd || op.isElementwise
  }

  /// Returns the limit that a group exceeds.
  private func limit(on group: GroupGraph.Group) -> FusionReason? {
    let streams = group.sources.count + group.outputs.count
    guard streams <= FusionGroup.maximumStreams else { return .tooManyStreams(streams) }
    let isSingle = group.kind == .contraction && !storesSeveral
    guard group.outputs.count <= (isSingle ? 1 : group.kind.maximumOutputs) else {
      return .tooManyOutputs(group.outputs.count)
    }
    if group.kind == .contraction, group.outputs.count > 1 {
      let byteCount = elementBytes(of: group)
      // What an update stores it has read, so that its lines are near already.
      let isHidden = group.hasUpdate && hasManyTerms(group)
      return byteCount > Fuser.scatteredBytes && !isHidden ? .tooScattered(byteCount) : nil
    }
    guard let view = group.view,
      graph[group.domain].type.shape.count >= Fuser.parallelElementCount
    else { return nil }
    // Elements that are stored could as well be computed by all threads, in a kernel of their own.
    let units = group.kind == .row ? view.outer : view.outer * ((view.inner + 63) / 64)
    let storesElements = group.outputs.contains { !isReduced($0, in: group) }
    return units < Fuser.fewUnits && storesElements ? .serial(units) : nil
  }

  /// Returns how many bytes a group reads and stores of values as large as its domain.
  private func elementBytes(of group: GroupGraph.Group) -> Int {
    let count = graph[group.domain].type.shape.count
    return (group.sources + group.outputs).reduce(0) { sum, node in
      let type = graph.nodes[Int(node)].type
      return sum + (type.shape.count == count ? type.byteCount : 0)
    }
  }

  /// Whether a group's matrix product ends with so many terms, in its last chunk, that what its other members read and
  /// store comes and goes meanwhile.
  ///
  /// Convolutions leave no time for that.
  private func hasManyTerms(_ group: GroupGraph.Group) -> Bool {
    for member in group.nodes {
      let node = graph.nodes[Int(member)]
      guard case .contraction(let contraction) = node.op else { continue }
      let (left, right) = (graph[node.operands[0]].type.shape, graph[node.operands[1]].type.shape)
      let terms = contraction.extents(left, right).k
      return terms > 0 && (terms - 1) % contraction.chunk + 1 >= Fuser.manyTerms
    }
    return false
  }

  /// From how many bytes on it pays to walk through memory in long lines.
  ///
  /// A contraction goes from tile to tile, in each of whose rows there are a few bytes. Where caches do not hold them,
  /// fetching these takes longer than reading and writing the product once more, as a map does.
  private static let scatteredBytes = 1 << 24
  /// From how many terms on a sum leaves time for an update.
  private static let manyTerms = 64
  /// From how many elements on it pays to share them among threads.
  private static let parallelElementCount = 1 << 14
  /// Fewer units of work than this are not enough to share.
  private static let fewUnits = 4
}

extension Dataflow.Way {
  /// Whether a value can be read so from a register, in some kind of kernel.
  var mayStayInRegister: Bool {
    switch self {
    case .direct, .aligned: true
    case .repeated, .elsewhere, .factor, .indexed, .indices, .scattered, .sorted: false
    }
  }

  /// Whether reader and value may be computed by one kernel, of some kind.
  var mayBeFused: Bool { if case .repeated = self { true } else { mayStayInRegister } }

  /// Why a value that is read so must be in memory.
  var obstacle: FusionReason? {
    switch self {
    case .direct, .aligned: nil
    case .elsewhere(let movement), .repeated(let movement, _): .readElsewhere(by: movement)
    case .factor: .contractionFactor
    case .indexed: .indexSource
    case .indices: .indices
    case .scattered: .scatterOperand
    case .sorted: .sortOperand
    }
  }
}

import DescentGraph

/// Groups of nodes that are merged step by step, in an order in which they could run.
///
/// The order is kept up to date as groups merge (Pearce and Kelly, 2006): to merge two groups, only those that
/// stand between them are looked at, and a merge that would close a cycle is found among them.
struct GroupGraph {
  /// A group under construction.
  struct Group {
    var kind: FusionGroup.Kind
    /// A value whose shape is the one it is computed over.
    var domain: Value
    /// What its reductions reduce.
    var view: View?
    /// Whether it must stay as it is.
    var isAlone = false
    /// Whether a member becomes the content of a parameter or state, and whether one precedes the check of an index.
    var hasUpdate: Bool
    var precedesCheck: Bool
    var nodes: [Int32]
    /// The positions of reads of other groups' nodes.
    var reads: [Int32]
    /// The nodes read from memory, each once.
    var sources: [Int32]
    /// The members that results or other groups read.
    var outputs: [Int32]
  }

  /// The operand of reductions as `[outer, extent, inner]`.
  struct View: Hashable {
    var outer: Int
    var extent: Int
    var inner: Int
    /// The number of the reductions' shape without axes of extent 1.
    var reduced: Int32
  }

  let dataflow: Dataflow
  /// The groups, each at the position of the node that leads it.
  private(set) var groups: [Group?]
  /// For each node one nearer to its group's leader.
  private var leaders: [Int32]
  /// The place of each leader's group in the order.
  private var places: [Int32]
  /// How many reads of a node come from other groups.
  private var outsideReads: [Int32]
  /// When a search last met a group.
  private var visits: [Int32]
  private var visit: Int32 = 0

  /// How many reads one search may follow.
  static let searchBudget = 512

  /// Makes every computed node a group.
  init(_ dataflow: Dataflow) {
    self.dataflow = dataflow
    let count = dataflow.graph.nodes.count
    leaders = (0..<Int32(count)).map { $0 }
    places = leaders
    visits = Array(repeating: 0, count: count)
    outsideReads = (0..<count).map { Int32(dataflow.users(of: $0).count) }
    groups = []
    groups.reserveCapacity(count)
    for index in 0..<count {
      groups.append(dataflow.isComputed[index] ? dataflow.group(of: index) : nil)
    }
  }

  /// Returns the leader of a node's group.
  mutating func leader(of node: Int32) -> Int32 {
    var node = node
    while leaders[Int(node)] != node {
      leaders[Int(node)] = leaders[Int(leaders[Int(node)])]
      node = leaders[Int(node)]
    }
    return node
  }

  /// Accesses the group of a leader.
  ///
  /// Inlined, for a call would copy all of the graph it might change.
  @inline(__always) subscript(leader: Int32) -> Group {
    guard let group = groups[Int(leader)] else { preconditionFailure("%\(leader) leads no group") }
    return group
  }

  /// Returns the kind of the group a node leads, or nil where it leads none.
  func kind(ofNode node: Int) -> FusionGroup.Kind? { groups[node]?.kind }

  /// Whether the group of one leader stands before that of another.
  func precedes(_ one: Int32, _ other: Int32) -> Bool { places[Int(one)] < places[Int(other)] }

  /// The groups in the order found.
  var ordered: [Group] {
    let leaders = groups.indices.filter { groups[$0] != nil }
    return leaders.sorted { places[$0] < places[$1] }.compactMap { groups[$0] }
  }

  /// Returns the positions of the reads by which one group reads another.
  mutating func reads(of source: Int32, by reader: Int32) -> [Int32] {
    self[reader].reads.filter { leader(of: dataflow.reads[Int($0)].source) == source }
  }

  /// Returns the members that two groups would store as one, the second reading the first by some reads.
  func outputs(of first: Group, _ second: Group, joinedBy reads: [Int32]) -> [Int32] {
    guard !reads.isEmpty else { return first.outputs + second.outputs }
    return first.outputs.filter { output in
      let inside = reads.count { dataflow.reads[Int($0)].source == output }
      return dataflow.isResult[Int(output)] || Int(outsideReads[Int(output)]) > inside
    } + second.outputs
  }

  /// Returns the values two groups would read as one, where the first is led by a node.
  mutating func sources(of first: Group, _ second: Group, ledBy leader: Int32) -> [Int32] {
    var result = first.sources
    for source in second.sources where self.leader(of: source) != leader {
      if !first.sources.contains(source) { result.append(source) }
    }
    return result
  }
}

// MARK: - Merging

extension GroupGraph {
  /// Why groups cannot stand as one in any order.
  enum Obstacle: Error {
    /// A third group needs the one and is needed by the other.
    case cycle
    /// Too many groups stand between them.
    case budget
  }

  /// Makes one group of two, the second of which may read the first.
  ///
  /// - Parameters:
  ///   - first: The leader of the group that stands first.
  ///   - second: The leader of the other.
  ///   - reads: The reads that join them.
  ///   - merged: What they become; its nodes and reads are put together here.
  /// - Throws: Why they cannot stand as one.
  mutating func merge(
    _ first: Int32, _ second: Int32, joinedBy reads: [Int32], into merged: Group
  ) throws(Obstacle) {
    let place = try makeRoom(first, second)
    for read in reads { outsideReads[Int(dataflow.reads[Int(read)].source)] -= 1 }
    var group = merged
    let (one, two) = (self[first], self[second])
    let isFirstLarger = one.nodes.count >= two.nodes.count
    group.nodes = isFirstLarger ? one.nodes + two.nodes : two.nodes + one.nodes
    group.reads = one.reads
    for read in two.reads
    where reads.isEmpty || leader(of: dataflow.reads[Int(read)].source) != first {
      group.reads.append(read)
    }
    let (leader, other) = isFirstLarger ? (first, second) : (second, first)
    groups[Int(other)] = nil
    groups[Int(leader)] = group
    leaders[Int(other)] = leader
    places[Int(leader)] = place
  }

  /// Returns a place for two groups as one, moving what stands between them out of the way.
  private mutating func makeRoom(_ first: Int32, _ second: Int32) throws(Obstacle) -> Int32 {
    let after = try search(from: first, to: second, isForward: true)
    if let after, after.isEmpty { return places[Int(second)] }
    let before = try search(from: second, to: first, isForward: false)
    if let before, before.isEmpty { return places[Int(first)] }
    guard let after, let before else { throw .budget }
    // What the second needs moves down, what needs the first moves up, and both meet in the middle.
    let movers =
      before.sorted { precedes($0, $1) } + [second, first] + after.sorted { precedes($0, $1) }
    let free = movers.map { places[Int($0)] }.sorted()
    for (group, place) in zip(movers, free) { places[Int(group)] = place }
    return places[Int(second)]
  }

  /// Returns the groups between two that one of them is needed by, or needs, or nil where they are too many.
  private mutating func search(
    from start: Int32, to end: Int32, isForward: Bool
  ) throws(Obstacle) -> [Int32]? {
    visit += 1
    var found: [Int32] = []
    var pending = [start]
    var budget = GroupGraph.searchBudget
    let limit = places[Int(end)]
    while let group = pending.popLast() {
      guard let neighbours = neighbours(of: group, isForward, &budget) else { return nil }
      for neighbour in neighbours {
        if neighbour == end {
          if group != start { throw .cycle }
          continue
        }
        let place = places[Int(neighbour)]
        guard isForward ? place < limit : place > limit, neighbour != start,
          visits[Int(neighbour)] != visit
        else { continue }
        visits[Int(neighbour)] = visit
        found.append(neighbour)
        pending.append(neighbour)
      }
    }
    return found
  }

  /// Returns the groups that read a group, or that it reads, or nil where the budget ends.
  private mutating func neighbours(
    of group: Int32, _ isForward: Bool, _ budget: inout Int
  ) -> [Int32]? {
    var result: [Int32] = []
    if isForward {
      for output in self[group].outputs {
        let users = dataflow.users(of: Int(output))
        budget -= users.count
        guard budget >= 0 else { return nil }
        for read in users { result.append(leader(of: dataflow.reads[Int(read)].reader)) }
      }
    } else {
      let reads = self[group].reads
      budget -= reads.count
      guard budget >= 0 else { return nil }
      for read in reads { result.append(leader(of: dataflow.reads[Int(read)].source)) }
    }
    return result
  }
}

extension Dataflow {
  /// Returns a computed node as a group of its own.
  fileprivate func group(of index: Int) -> GroupGraph.Group {
    let node = graph.nodes[index]
    let reads = reads(of: index).map { Int32($0) }
    var domain = index
    var kind = FusionGroup.Kind.map
    var view: GroupGraph.View?
    switch node.op {
    case .reduction(let reduction):
      domain = Int(node.operands[0].index)
      let (outer, extent, inner) = reduction.view(of: graph.nodes[domain].type.shape)
      kind = inner == 1 ? .row : .column
      view = GroupGraph.View(
        outer: outer, extent: extent, inner: inner, reduced: squeezedShapes[index])
    case .contraction, .convolution: kind = .contraction
    case .winograd: kind = .tiles
    case .index(.scatterAdd): kind = .scatter
    case .index(.argSort): kind = .sort
    case .elementwise, .movement, .index, .leaf: break
    }
    var sources: [Int32] = []
    // The reads of a node are sorted by their sources.
    for read in reads where sources.last != self.reads[Int(read)].source {
      sources.append(self.reads[Int(read)].source)
    }
    return GroupGraph.Group(
      kind: kind, domain: Value(domain), view: view,
      isAlone: kind == .scatter || kind == .sort || node.op.isAffineRead || node.op.isIota,
      hasUpdate: isUpdate[index], precedesCheck: precedesCheck[index], nodes: [Int32(index)],
      reads: reads.filter { isComputed[Int(self.reads[Int($0)].source)] }, sources: sources,
      outputs: [Int32(index)])
  }

  /// Whether a group is computed once.
  func isPrepared(_ group: GroupGraph.Group) -> Bool { isPrepared[Int(group.nodes[0])] }

  /// The number of a group's domain.
  func domain(of group: GroupGraph.Group) -> Int32 { shapes[Int(group.domain.index)] }
}

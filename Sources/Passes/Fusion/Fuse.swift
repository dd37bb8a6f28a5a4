package import DescentGraph

// Which nodes become one kernel is a matter of what is allowed (`Fuser+Legality.swift`) and of taste. Merging
// two groups never costs memory traffic: values between them stay in registers, values both read are read once.
// So what remains is the order in which merges are tried, for one may rule out another:
//
// 1. A contraction takes the pointwise nodes behind it, up to the last one all of them lead to. Nodes
//    that only one group reads and that follow from what is in memory go there.
// 2. Contractions and tiles take what only their epilogues read; then rows take what stands before, between and behind
//    their reductions, then columns, then maps take one another.
// 3. Groups over one domain that read the same values become one, though none reads the other.
// 4. Contractions take the maps that read them, though more than one value is stored then. It comes so late
//    because a row or column needs less memory for such a map: it may overwrite what it reads. And not where
//    the map goes through so much memory that it must do so in long lines.
// 5. What is left goes into the ledger, each read with the reason why it is not fused.
//
// What is computed once joins nothing that is computed in every run, and its kernels come first.

extension FusedGraph {
  /// Divides a final graph into kernels.
  ///
  /// - Parameters:
  ///   - graph: A bound graph without objective.
  ///   - isEnabled: Whether nodes may join at all; else every node is its own kernel.
  ///   - prepares: Whether what follows from unchanged parameters is computed once.
  ///   - journal: Receives the ledger.
  package init(
    fusing graph: Graph, isEnabled: Bool = true, prepares: Bool = true, journal: inout Journal
  ) {
    var fuser = Fuser(Dataflow(graph, prepares: prepares))
    if isEnabled { fuser.run() }
    self = fuser.result(isEnabled: isEnabled)
    journal.ledger = verdicts
    assert(check().isEmpty, "fuse made wrong groups: \(check())\n\(graph.text)")
  }
}

/// Merges groups as long as it is allowed.
struct Fuser {
  let dataflow: Dataflow
  var groups: GroupGraph
  /// Why groups could not be merged when they had so many members.
  var refusals: [Attempt: (sizes: (Int, Int), reason: FusionReason)] = [:]
  /// Whether contractions may store several values.
  private(set) var storesSeveral = false

  init(_ dataflow: Dataflow) {
    self.dataflow = dataflow
    groups = GroupGraph(dataflow)
  }

  var graph: Graph { dataflow.graph }
  var computed: [Int] { graph.nodes.indices.filter { dataflow.isComputed[$0] } }

  mutating func run() {
    let computed = computed
    for node in computed.reversed() where graph.nodes[node].op.isContraction {
      growEpilogue(of: Int32(node))
    }
    joinReaders(computed)
    for kind in [FusionGroup.Kind.contraction, .tiles, .row, .column, .map]
    where computed.contains(where: { groups.kind(ofNode: $0) == kind }) {
      if kind == .row || kind == .column { sweepLargeReads(computed, kind) }
      // What joins on the way up may open the way for others on the way down, and again.
      for _ in 0..<2 {
        let hasMerged = [sweep(computed.reversed(), kind), sweep(computed, kind)]
        if !hasMerged.contains(true) { break }
      }
    }
    mergeSiblings()
    if computed.contains(where: { groups.kind(ofNode: $0) == .contraction }) {
      (storesSeveral, refusals) = (true, [:])
      _ = sweep(computed, .contraction)
    }
  }

  /// Gives nodes that only one group reads, and that follow from what is in memory anyway, to that group.
  ///
  /// Others could have them too, but would have to store them.
  private mutating func joinReaders(_ computed: [Int]) {
    for node in computed.reversed() {
      guard let reader = onlyReader(of: Int32(node)), followsFromMemory(Int32(node), reader, 0)
      else { continue }
      _ = merge(groups.leader(of: Int32(node)), reader)
    }
  }

  /// Returns the leader of the only group that reads a node of no other group.
  private mutating func onlyReader(of node: Int32) -> Int32? {
    guard graph.nodes[Int(node)].op.isElementwise, !dataflow.isResult[Int(node)],
      groups[groups.leader(of: node)].nodes.count == 1
    else { return nil }
    var only: Int32?
    for position in dataflow.users(of: Int(node)) {
      let read = dataflow.reads[Int(position)]
      let leader = groups.leader(of: read.reader)
      guard read.way.mayStayInRegister, only == nil || only == leader else { return nil }
      only = leader
    }
    return only
  }

  /// Whether all that a node needs is in memory, tiny, or computed for its sake alone from such values in few steps.
  private mutating func followsFromMemory(_ node: Int32, _ reader: Int32, _ depth: Int) -> Bool {
    guard depth < Fuser.longestPrivateChain else { return false }
    for position in dataflow.reads(of: Int(node)) {
      let source = dataflow.reads[position].source
      guard dataflow.isComputed[Int(source)],
        dataflow.isPrepared[Int(source)] == dataflow.isPrepared[Int(node)]
      else { continue }
      if dataflow.isTiny(Value(Int(source)), beside: Value(Int(node))) { continue }
      let group = groups[groups.leader(of: source)]
      if group.kind == .contraction, group.outputs == [source] { continue }
      let next = onlyReader(of: source)
      guard next == node || next == reader, followsFromMemory(source, reader, depth + 1) else {
        return false
      }
    }
    return true
  }

  /// Tries the reads of values that are not tiny beside what they are read for.
  ///
  /// What follows from a reduction, such as the update of a scale, might else fill a kernel before what the reduction
  /// itself reads can join it. Reductions of one value meet in between, for what only one of them took would have to
  /// be stored for the other.
  private mutating func sweepLargeReads(_ computed: [Int], _ kind: FusionGroup.Kind) {
    _ = sweep(computed.reversed(), kind, onlyLarge: true)
    mergeSiblings(of: kind)
    _ = sweep(computed.reversed(), kind, onlyLarge: true)
  }

  /// Tries each read of some readers whose merge would be of a kind, and returns whether any succeeded.
  private mutating func sweep(
    _ readers: some Sequence<Int>, _ kind: FusionGroup.Kind, onlyLarge: Bool = false
  ) -> Bool {
    var hasMerged = false
    for reader in readers {
      for position in dataflow.reads(of: reader) {
        let read = dataflow.reads[position]
        guard dataflow.isComputed[Int(read.source)], read.way.mayBeFused else { continue }
        let (source, reader) = (groups.leader(of: read.source), groups.leader(of: read.reader))
        guard source != reader, Fuser.joint(groups[source].kind, groups[reader].kind) == kind,
          !onlyLarge || isLarge(read.source, groups[source], groups[reader], kind),
          merge(source, reader) == nil
        else { continue }
        hasMerged = true
      }
    }
    return hasMerged
  }

  /// Whether a value is not tiny beside the domain its group and its reader's would have as one of a kind.
  private func isLarge(
    _ value: Int32, _ source: GroupGraph.Group, _ reader: GroupGraph.Group,
    _ kind: FusionGroup.Kind
  ) -> Bool {
    let domain = reader.kind == kind ? reader.domain : source.domain
    return !dataflow.isTiny(Value(Int(value)), beside: domain)
  }

  /// Merges groups over one domain, of a kind or of any, that read a common value of the domain's size, though none
  /// reads the other.
  private mutating func mergeSiblings(of kind: FusionGroup.Kind? = nil) {
    for source in graph.nodes.indices {
      let users = dataflow.users(of: source)
      guard users.count > 1 else { continue }
      let count = graph.nodes[source].type.shape.count
      /// The last readers over each domain.
      var siblings: [Int32: [Int32]] = [:]
      for position in users {
        let leader = groups.leader(of: dataflow.reads[Int(position)].reader)
        let group = groups[leader]
        guard group.kind != .contraction, group.kind != .tiles,
          !group.isAlone, kind == nil || group.kind == kind,
          graph[group.domain].type.shape.count == count
        else { continue }
        let known = siblings[dataflow.domain(of: group), default: []]
        guard !known.contains(where: { groups.leader(of: $0) == leader }) else { continue }
        let hasMerged = known.contains { sibling in
          let other = groups.leader(of: sibling)
          return (groups.precedes(other, leader) ? merge(other, leader) : merge(leader, other))
            == nil
        }
        guard !hasMerged else { continue }
        siblings[dataflow.domain(of: group)] = [leader] + known.prefix(Fuser.maximumSiblings - 1)
      }
    }
  }

  /// How many nodes in a row may be computed for one reader's sake.
  private static let longestPrivateChain = 4
  /// How many groups over one domain another is tried to be merged with.
  private static let maximumSiblings = 4
}

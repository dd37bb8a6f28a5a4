import DescentGraph

extension Fuser {
  /// Returns the groups with a verdict for every read.
  mutating func result(isEnabled: Bool) -> FusedGraph {
    var reasons: [FusionReason?] = Array(repeating: nil, count: dataflow.reads.count)
    for reader in computed.reversed() {
      for position in dataflow.reads(of: reader) {
        let read = dataflow.reads[position]
        guard dataflow.isComputed[Int(read.source)] else { continue }
        reasons[position] = isEnabled ? reason(for: read) : .disabled
      }
    }
    // What is computed once needs nothing else, so it may come first.
    let all = groups.ordered
    let order = all.filter(dataflow.isPrepared) + all.filter { !dataflow.isPrepared($0) }
    var numbers = [Int](repeating: -1, count: graph.nodes.count)
    for (number, group) in order.enumerated() {
      for node in group.nodes { numbers[Int(node)] = number }
    }
    return FusedGraph(
      graph: graph,
      groups: order.map { $0.finished(in: graph, isPrepared: dataflow.isPrepared($0)) },
      verdicts: verdicts(reasons, numbers))
  }

  /// Merges the groups at both ends of a read if that is still possible, or returns why it is not.
  private mutating func reason(for read: Dataflow.Read) -> FusionReason? {
    let (source, reader) = (groups.leader(of: read.source), groups.leader(of: read.reader))
    guard source != reader else { return nil }
    if let reason = preparation(between: read) { return reason }
    if read.way.mayBeFused { return merge(source, reader) }
    return obstacle(to: read, in: groups[source])
  }

  /// Returns that one end of a read is computed once and the other in every run, if that is so.
  private func preparation(between read: Dataflow.Read) -> FusionReason? {
    let isPrepared = dataflow.isPrepared
    return isPrepared[Int(read.source)] == isPrepared[Int(read.reader)] ? nil : .prepared
  }

  private func verdicts(_ reasons: [FusionReason?], _ numbers: [Int]) -> [FusionVerdict] {
    var results: [Int32: [FusionReason]] = [:]
    for output in graph.outputs {
      results[dataflow.storage(of: output.value).index, default: []].append(.output(output.name))
    }
    for update in graph.updates {
      results[dataflow.storage(of: update.value).index, default: []].append(.state(update.leaf))
    }
    var verdicts: [FusionVerdict] = []
    for index in computed {
      let (value, byteCount) = (Value(index), graph.nodes[index].type.byteCount)
      for reason in results[Int32(index)] ?? [] {
        verdicts.append(
          FusionVerdict(
            producer: value, reader: nil, outcome: .stored(reason), byteCount: byteCount))
      }
      for position in dataflow.users(of: index) {
        let reader = dataflow.reads[Int(position)].reader
        // Reads within a group have no reason, or an old one from before it grew.
        let reason = numbers[Int(reader)] == numbers[index] ? nil : reasons[Int(position)]
        verdicts.append(
          FusionVerdict(
            producer: value, reader: Value(Int(reader)),
            outcome: reason.map { .stored($0) } ?? .fused(numbers[index]),
            byteCount: reason == nil ? 0 : transfers(from: index, to: reader) * byteCount))
      }
    }
    return verdicts
  }
}

extension Fuser {
  /// Returns how often a value that goes through memory passes the bus in a run on its way to a reader.
  private func transfers(from source: Int, to reader: Int32) -> Int {
    [dataflow.isPrepared[source], dataflow.isPrepared[Int(reader)]].count { !$0 }
  }
}

extension GroupGraph.Group {
  /// Returns the group as code generation reads it.
  fileprivate func finished(in graph: Graph, isPrepared: Bool) -> FusionGroup {
    let values = nodes.sorted().map { Value(Int($0)) }
    return FusionGroup(
      kind: kind, nodes: values, outputs: outputs.sorted().map { Value(Int($0)) },
      core: values.first { graph[$0].op.isCore }, isPrepared: isPrepared)
  }
}

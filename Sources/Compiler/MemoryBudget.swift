import DescentCodegen
import DescentGraph
import DescentPasses

/// Brings the memory of a run below a limit by computing values again rather than keeping them.
///
/// A value that lives across the peak is dropped after its readers before it, and computed again for those behind it,
/// from values that are in memory then anyway. Whether that helps is found out by trying: the graph is divided and its
/// memory planned anew, and only what lowers the peak, or the bytes kept in all, stays.
struct MemoryBudget {
  /// The most bytes of the arena.
  let byteCount: Int
  /// Whether nodes are fused.
  let fuses: Bool
  /// Whether what follows from unchanged parameters is computed once.
  let prepares: Bool
  let options: Program.Options

  /// The most nodes that are computed again for one value.
  private static let mostNodes = 24
  /// How many values are tried before it is given up.
  private static let mostTrials = 16

  /// Returns a graph whose plan keeps to the budget.
  ///
  /// - Throws: What is live at the peak, where the budget cannot be kept.
  func fitted(_ graph: Graph, _ journal: inout Journal) throws(GraphErrors) -> Graph {
    journal.pass = "budget"
    var graph = graph
    var draft = draft(of: graph)
    while draft.memory.arenaBytes > byteCount {
      guard let (next, nextDraft) = try step(graph, draft, &journal) else {
        throw GraphErrors([error(graph, draft)])
      }
      (graph, draft) = (next, nextDraft)
    }
    return graph
  }

  private func draft(of graph: Graph) -> ArenaDraft {
    var journal = Journal()
    return ArenaDraft(
      FusedGraph(fusing: graph, isEnabled: fuses, prepares: prepares, journal: &journal),
      options: options)
  }

  /// Computes one value again, the one that costs least for its size of those that help.
  private func step(
    _ graph: Graph, _ draft: ArenaDraft, _ journal: inout Journal
  ) throws(GraphErrors) -> (Graph, ArenaDraft)? {
    for candidate in candidates(graph, draft).prefix(MemoryBudget.mostTrials) {
      let next = try graph.recomputing(candidate.copied, for: candidate.readers)
      let nextDraft = self.draft(of: next)
      let (before, after) = (draft.memory.arenaLowerBound, nextDraft.memory.arenaLowerBound)
      guard after < before || after == before && nextDraft.totalLife < draft.totalLife else {
        continue
      }
      let node = graph[candidate.value]
      journal.note(
        "recompute",
        "\(candidate.value) \(node.op.name) is computed again rather than kept: "
          + "\(node.type.byteCount) B for \(candidate.flops) FLOP", at: node.origin)
      return (next, nextDraft)
    }
    return nil
  }

  private func error(_ graph: Graph, _ draft: ArenaDraft) -> GraphError {
    let kernel = draft.kernels[draft.memory.peakKernel].name
    let live = draft.liveAtPeak.prefix(5).map { value, byteCount, _ in
      let node = graph[value]
      let place = node.origin.location.isEmpty ? "" : " (\(node.origin.location))"
      return "\(value) \(node.op.name) \(node.type)\(place): \(byteCount) B"
    }
    return GraphError(
      "compile: a run of graph \"\(graph.name)\" takes \(draft.memory.arenaBytes) bytes, "
        + "and the budget is \(byteCount)",
      hint: "live at the peak, in kernel \(kernel): \(live.joined(separator: "; "))")
  }
}

// MARK: - Candidates

extension MemoryBudget {
  /// A value that can be computed again.
  private struct Candidate {
    let value: Value
    /// The value, and what must be computed again for it.
    let copied: Set<Value>
    let readers: Set<Value>
    let flops: Int
  }

  /// The values that live across the peak and can be computed again, those first that cost least for their size.
  private func candidates(_ graph: Graph, _ draft: ArenaDraft) -> [Candidate] {
    let peak = draft.memory.peakKernel
    let kernelOf = kernels(of: graph, draft)
    let live = draft.liveAtPeak.filter { $0.kernels.lowerBound < peak }.map(\.value)
    let readers = readers(of: Set(live), graph, kernelOf)
    var candidates: [Candidate] = []
    for value in live {
      let reads = readers[value] ?? []
      let late = reads.filter { kernelOf[$0.reader]! > peak }
      guard !late.isEmpty, !reads.contains(where: { kernelOf[$0.reader] == peak }),
        let first = late.map({ kernelOf[$0.reader]! }).min(),
        let copied = copies(of: value, at: first, graph, draft, kernelOf)
      else { continue }
      let flops = copied.reduce(0) { $0 + cost(of: $1, graph) }
      candidates.append(
        Candidate(
          value: value, copied: late.reduce(copied) { $0.union($1.movements) },
          readers: Set(late.map(\.reader)), flops: flops))
    }
    let price = { (candidate: Candidate) in
      Double(candidate.flops) / Double(max(1, graph[candidate.value].type.byteCount))
    }
    return candidates.sorted { (price($0), $0.value) < (price($1), $1.value) }
  }

  private func cost(of value: Value, _ graph: Graph) -> Int {
    let node = graph[value]
    return node.op.definition.cost(of: node.operands.map { graph[$0].type }, result: node.type)
      .flops
  }

  /// The kernel that computes each node that one computes.
  private func kernels(of graph: Graph, _ draft: ArenaDraft) -> [Value: Int] {
    var kernelOf: [Value: Int] = [:]
    for (index, kernel) in draft.kernels.enumerated() {
      for node in kernel.nodes where !graph[node].op.isLeaf && kernelOf[node] == nil {
        kernelOf[node] = index
      }
    }
    return kernelOf
  }

  /// One node that reads a value, with the movements in between that no kernel computes.
  private struct Read {
    let reader: Value
    let movements: [Value]
  }

  private func readers(
    of values: Set<Value>, _ graph: Graph, _ kernelOf: [Value: Int]
  ) -> [Value: [Read]] {
    var readers: [Value: [Read]] = [:]
    for reader in graph.values where kernelOf[reader] != nil {
      for operand in graph[reader].operands {
        var (source, movements): (Value, [Value]) = (operand, [])
        while kernelOf[source] == nil, case .movement = graph[source].op {
          movements.append(source)
          source = graph[source].operands[0]
        }
        guard values.contains(source) else { continue }
        readers[source, default: []].append(Read(reader: reader, movements: movements))
      }
    }
    return readers
  }

  /// Returns what must be computed to have a value at a kernel, or nil where that is too much or not possible.
  private func copies(
    of value: Value, at kernel: Int, _ graph: Graph, _ draft: ArenaDraft, _ kernelOf: [Value: Int]
  ) -> Set<Value>? {
    let lastUse = draft.lastUse
    var (copied, pending): (Set<Value>, [Value]) = ([value], [value])
    while let next = pending.popLast() {
      // What checks indices may report a fault only once.
      if case .index = graph[next].op { return nil }
      for operand in graph[next].operands where !copied.contains(operand) {
        let node = graph[operand]
        guard !node.op.isLeaf, (lastUse[operand] ?? -1) < kernel else { continue }
        copied.insert(operand)
        guard copied.count <= MemoryBudget.mostNodes else { return nil }
        pending.append(operand)
      }
    }
    return copied
  }
}

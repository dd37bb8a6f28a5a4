import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Random graphs through the fuser and the checker of its groups.
@Suite struct RandomFusionTests {
  @Test(
    "groups of random graphs are lawful and every read has a verdict", arguments: [true, false])
  func areLawful(_ isTraining: Bool) throws {
    for seed in UInt64(0)..<400 {
      let random = RandomGraph(seed: seed, isTraining ? .training : RandomGraph.Options())
      var options = Pipeline.Options()
      // Every third graph keeps what other passes would have simplified.
      if seed % 3 == 0 { options.disabled = ["cse", "algebra", "movement", "dead"] }
      let graph = try Pipeline.standard.run(random.graph.bound(batch: random.batch), options).graph
      for isEnabled in [true, false] {
        let fused = FusedGraph(fusing: graph, isEnabled: isEnabled)
        try #require(fused.check() == [], "seed \(seed)\n\(graph.text)")
        try #require(faults(of: fused) == [], "seed \(seed)\n\(graph.text)")
      }
    }
  }

  /// Returns what is wrong with the verdicts.
  private func faults(of fused: FusedGraph) -> [String] {
    let graph = fused.graph
    var numbers: [Value: Int] = [:]
    for (number, group) in fused.groups.enumerated() {
      for node in group.nodes { numbers[node] = number }
    }
    var faults: [String] = []
    var stored: Set<Value> = []
    for verdict in fused.verdicts {
      let byteCount = graph[verdict.producer].type.byteCount
      let isInside = verdict.reader.map { numbers[$0] == numbers[verdict.producer] } ?? false
      switch verdict.outcome {
      case .fused(let number):
        if !isInside || numbers[verdict.producer] != number || verdict.byteCount != 0 {
          faults.append("\(verdict) is not so")
        }
      case .stored(let reason):
        stored.insert(verdict.producer)
        // What is computed once is written in no run, and for such a reader not read in any.
        let ends = [verdict.producer] + (verdict.reader.map { [$0] } ?? [])
        let transfers = ends.count { !fused.groups[numbers[$0]!].isPrepared }
        let isRight = verdict.byteCount == transfers * byteCount
        if isInside || !isRight || reason.text(in: graph).isEmpty {
          faults.append("\(verdict) is not so")
        }
      }
    }
    if stored != Set(fused.groups.flatMap(\.outputs)) {
      faults.append("the verdicts know other outputs than the groups")
    }
    // Whatever an elementwise node reads without movement is either fused with it or has a reason.
    let known = Set(fused.verdicts.map { [$0.producer, $0.reader] })
    for node in numbers.keys where graph[node].op.isElementwise {
      for operand in graph[node].operands
      where numbers[operand] != nil && !known.contains([operand, node]) {
        faults.append("\(operand) → \(node) has no verdict")
      }
    }
    return faults
  }

  @Test("the same graph is divided in the same way")
  func isDeterministic() throws {
    for seed in UInt64(0)..<20 {
      let random = RandomGraph(seed: seed, .training)
      let graph = try Pipeline.standard.run(random.graph.bound(batch: random.batch)).graph
      let (one, two) = (FusedGraph(fusing: graph), FusedGraph(fusing: graph))
      #expect(one.groups == two.groups && one.verdicts == two.verdicts)
    }
  }
}

import DescentCompiler
import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// The ledger of fusion: every edge has its verdict, and every value in memory a reason with a name.
@Suite struct LedgerTests {
  /// Returns how often each reason occurs and the bytes it costs, checking that no edge is left out.
  private func reasons(_ graph: Graph, batch: Int? = nil) throws -> String {
    let plan = try graph.compile(batch: batch, options: CompileOptions(threads: 1))
    let ledger = plan.journal.ledger
    let groupOf = Dictionary(
      uniqueKeysWithValues: plan.groups.enumerated().flatMap { number, group in
        group.nodes.map { ($0, number) }
      })
    var edges: Set<[Value]> = []
    for (reader, number) in groupOf {
      let isContraction = plan.graph[reader].op.isContraction
      let operands =
        isContraction
        ? plan.graph.factors(of: reader).map(\.source) : plan.graph[reader].operands
      for operand in operands {
        guard let producer = producer(behind: operand, plan.graph, groupOf) else { continue }
        edges.insert([producer, reader])
        let verdicts = ledger.filter { $0.producer == producer && $0.reader == reader }
        #expect(!verdicts.isEmpty, "\(producer) → \(reader) has no verdict")
        for verdict in verdicts {
          let isFused = verdict.outcome == .fused(number)
          #expect(isFused == (groupOf[producer] == number), "\(producer) → \(reader)")
          #expect((verdict.byteCount == 0) == isFused, "\(producer) → \(reader)")
        }
      }
    }
    for verdict in ledger {
      guard let reader = verdict.reader else { continue }
      #expect(edges.contains([verdict.producer, reader]), "\(verdict.producer) → \(reader)")
    }
    var (counts, bytes): ([String: Int], [String: Int]) = ([:], [:])
    for verdict in ledger {
      guard case .stored(let reason) = verdict.outcome else { continue }
      counts[reason.name, default: 0] += 1
      bytes[reason.name, default: 0] += verdict.byteCount
    }
    return counts.keys.sorted().map { "\($0) ×\(counts[$0]!), \(bytes[$0]!) B" }
      .joined(separator: "\n")
  }

  /// The node of a kernel that an operand comes from through movement, or nil where it is a leaf.
  private func producer(
    behind operand: Value, _ graph: Graph, _ groupOf: [Value: Int]
  ) -> Value? {
    var value = operand
    while groupOf[value] == nil {
      guard case .movement = graph[value].op else { return nil }
      value = graph[value].operands[0]
    }
    return value
  }

  @Test func mnist() throws {
    expectSnapshot(
      try reasons(Networks.mnist(), batch: 64),
      """
      contractionFactor ×9, 665600 B
      differentDomain ×1, 512 B
      output ×1, 4 B
      severalKinds ×7, 408576 B
      state ×13, 1881176 B
      """)
  }

  @Test func layerNorm() throws {
    let graph = try Networks.layerNorm(rows: 512, columns: 256)
      .gradient(of: "y", withRespectTo: ["x", "scale", "shift"])
    expectSnapshot(
      try reasons(graph),
      """
      differentAxes ×2, 8192 B
      output ×4, 526340 B
      severalKinds ×2, 8192 B
      """)
  }

  @Test func transformerBlock() throws {
    expectSnapshot(
      try reasons(Networks.transformerBlock(batch: 8, length: 128)),
      """
      contractionFactor ×27, 119537664 B
      cycle ×9, 8495104 B
      differentDomain ×24, 192 B
      output ×1, 4 B
      readElsewhere ×5, 18874368 B
      severalKinds ×26, 79724544 B
      state ×37, 9477128 B
      """)
  }

  @Test func withoutFusionThatIsTheReason() throws {
    let options = CompileOptions(threads: 1, disabled: ["fuse"])
    let plan = try Networks.mnist().compile(batch: 8, options: options)
    let names = plan.journal.ledger.map { verdict -> String in
      guard case .stored(let reason) = verdict.outcome else { return "fused" }
      return reason.name
    }
    #expect(Set(names) == ["disabled", "output", "state"])
  }
}

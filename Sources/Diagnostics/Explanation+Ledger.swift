import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses

extension Explanation {
  /// The values that go through memory, those that cost most first, each with the reason and where both ends come from.
  var unfused: [String] {
    let edges = missedEdges
    guard !edges.isEmpty else { return [] }
    let traffic = edges.reduce(0) { $0 + $1.byteCount }
    return ["what is not fused: \(counted(edges.count, "edge")), \(bytes(traffic)) moved for them"]
      + list(edges)
  }

  /// The values that one stage of a kernel leaves for another strip by strip, so that they stay in the cache.
  var handedOver: [String] {
    let edges = storedEdges.filter { strips(handing: $0) != nil }
    guard !edges.isEmpty else { return [] }
    let traffic = edges.reduce(0) { $0 + $1.byteCount }
    return [
      "what is handed over strip by strip: \(counted(edges.count, "edge")), \(bytes(traffic)) not moved"
    ] + list(edges)
  }

  private func list(_ edges: [FusionVerdict]) -> [String] {
    edges.map { "  \(padded(bytes($0.byteCount), to: 9, right: true))  \(describe($0))" }
  }

  /// The verdicts of values that another kernel reads from memory, the dearest first.
  var missedEdges: [FusionVerdict] { storedEdges.filter { strips(handing: $0) == nil } }

  /// The verdicts of values that another group reads, the dearest first.
  private var storedEdges: [FusionVerdict] {
    plan.journal.ledger.enumerated().filter { entry in
      if case .stored = entry.element.outcome { entry.element.reader != nil } else { false }
    }
    .sorted { ($1.element.byteCount, $0.offset) < ($0.element.byteCount, $1.offset) }
    .map(\.element)
  }

  /// Returns the kernel in which a value is handed over strip by strip, or nil where it goes through memory.
  func strips(handing verdict: FusionVerdict) -> Int? {
    guard case .stored = verdict.outcome, let reader = verdict.reader else { return nil }
    return stripKernels[verdict.producer].flatMap { stripKernels[reader] == $0 ? $0 : nil }
  }

  private func describe(_ verdict: FusionVerdict) -> String {
    guard case .stored(let reason) = verdict.outcome, let reader = verdict.reader else { return "" }
    let (from, to) = (graph[verdict.producer], graph[reader])
    let text =
      "\(verdict.producer) \(from.op.name) → \(reader) \(to.op.name): \(reason.text(in: graph))"
    let places = [from.origin.description, to.origin.description]
    return places == ["", ""] ? text : "\(text)   // \(places.joined(separator: " → "))"
  }
}

import DescentGraph
import DescentPasses
import Testing

@Suite("Exact rules keep every bit")
struct RuleBitsTests {
  private static let exact: [RuleExample] = {
    let rounding = Set(RewriteRule.all.filter { $0.numerics == .rounding }.map(\.name))
    return RuleExample.all.filter { !rounding.contains($0.rule) }
  }()

  @Test("zeros, infinities, NaN, subnormals and extreme integers", arguments: exact)
  func keepsBits(_ example: RuleExample) throws {
    let before = try example.graph.validated()
    var journal = Journal()
    let after = try example.pass.run(before, &journal)
    for round in UInt64(0)..<100 {
      let inputs = before.extremes(seed: round)
      let (expected, found) = (before.evaluated(inputs), after.evaluated(inputs))
      try #require(
        zip(expected, found).allSatisfy { $0.sameBits($1) },
        "\(inputs) gives \(found), not \(expected)")
    }
  }

  @Test("a wrong equation is found out")
  func findsWrongEquations() throws {
    let zero = Pattern.number(0)
    let wrong = [
      RewriteRule("wrong", .x + zero, .x), RewriteRule("wrong", zero - .x, -.x),
      RewriteRule("wrong", .x - .x, zero), RewriteRule("wrong", .x * zero, zero),
    ]
    let graphs: [(GraphBuilder) -> Tensor] = [
      { $0.x + 0.0 }, { 0.0 - $0.x },
      { g in
        let x = g.x
        return x - x
      }, { $0.x * 0.0 },
    ]
    for (rule, build) in zip(wrong, graphs) {
      let graph = Graph("wrong") { g in g.output("y", build(g)) }
      var journal = Journal()
      let other = Rewriter.rewrite(graph, with: [rule], journal: &journal)
      let same = (UInt64(0)..<100).allSatisfy { round in
        let inputs = graph.extremes(seed: round)
        return graph.evaluated(inputs)[0].sameBits(other.evaluated(inputs)[0])
      }
      #expect(!same, "\(rule.equation) was taken for true")
    }
  }
}

import DescentGraph
import DescentPasses
import Testing

@Suite("Rewrite rules")
struct RuleTests {
  @Test("every rule has an example, and every example a rule")
  func complete() {
    let rules = Set(RewriteRule.all.map(\.name))
    let examples = Set(RuleExample.all.map(\.rule))
    #expect(rules.subtracting(examples).sorted() == [])
    #expect(examples.subtracting(rules).sorted() == [])
  }

  @Test("no two rules share a name")
  func namesAreUnique() {
    let names = RewriteRule.all.map(\.name)
    #expect(Set(names).count == names.count)
  }

  @Test(
    "a rule applies to its example, ends, and leaves no more than there was",
    arguments: RuleExample.all)
  func applies(_ example: RuleExample) throws {
    let graph = try example.graph.validated()
    var journal = Journal()
    let once = try example.pass.run(graph, &journal)
    #expect(journal.entries.map(\.rule).contains(example.rule))
    var second = Journal()
    let twice = try example.pass.run(once, &second)
    #expect(second.entries.map(\.description) == [])
    #expect(twice.nodes.count == once.nodes.count)
    let isSame = twice == once
    #expect(isSame)
    #expect(once.computedElements <= graph.computedElements, "more is computed than before")
  }

  @Test("a rule that is switched off does not apply", arguments: RuleExample.all)
  func switchedOff(_ example: RuleExample) throws {
    var journal = Journal()
    journal.disabledRules = [example.rule]
    _ = try example.pass.run(try example.graph.validated(), &journal)
    #expect(!journal.entries.map(\.rule).contains(example.rule))
  }
}

extension RuleExample {
  /// The pass whose table holds the rule.
  var pass: Pass {
    let holds = { (rules: [RewriteRule]) in rules.contains { $0.name == rule } }
    if holds(MovementRules.all) { return .movement }
    if holds(ConstantFolding.all) { return .fold }
    let isFast = holds(Algebra.rounding + Algebra.weights)
    return isFast ? .fastAlgebra() : .algebra
  }
}

extension Graph {
  /// How many elements are computed, not only moved, for what the graph returns.
  var computedElements: Int {
    zip(nodes, neededValues).reduce(0) { sum, pair in
      let (node, isNeeded) = pair
      switch node.op {
      case .leaf, .movement: return sum
      default: return sum + (isNeeded ? node.type.shape.count : 0)
      }
    }
  }
}

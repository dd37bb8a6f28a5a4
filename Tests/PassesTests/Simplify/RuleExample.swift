import DescentGraph
import DescentPasses
import Testing

/// A graph in which a rule has to apply.
struct RuleExample: Sendable, CustomTestStringConvertible {
  let rule: String
  let build: @Sendable (GraphBuilder) -> Tensor

  init(_ rule: String, _ build: @escaping @Sendable (GraphBuilder) -> Tensor) {
    self.rule = rule
    self.build = build
  }

  var testDescription: String { rule }

  /// The graph, with the built value as output `y`.
  var graph: Graph {
    let graph = Graph(rule) { g in g.output("y", build(g)) }
    guard rule == "stop-gradient-twice" else { return graph }
    // The one rule that another takes the place of unless differentiation is still to come.
    return graph.with(objective: Objective(minimizing: "y", with: .sgd(0.1)))
  }
}

extension RuleExample {
  /// At least one example for every rule of every table.
  static let all: [RuleExample] =
    constants + sums + products + signs + ties + logic + comparisons + selections + casts
    + rounding + reshapes + broadcasts + slices + joins
}

extension GraphBuilder {
  /// Inputs of six elements that tests fill with every kind of number.
  var x: Tensor { input("x", [6]) }
  var y: Tensor { input("y", [6]) }
  var i: Tensor { input("i", [6], .i32) }
  var j: Tensor { input("j", [6], .i32) }
  var p: Tensor { input("p", [6], .bool) }
  var q: Tensor { input("q", [6], .bool) }

  /// A number repeated six times.
  func six(_ number: Double, _ dataType: DataType = .f32) -> Tensor {
    constant(number, dataType).broadcast(to: [6])
  }
}

import DescentGraph
import DescentPasses

extension RuleExample {
  static let constants: [RuleExample] = [
    RuleExample("fold-repeated") { $0.x * ($0.six(2) + $0.six(3)) },
    RuleExample("fold-repeated") { $0.x * sqrt($0.constant(2)) },
    RuleExample("fold-constant") { g in
      let ramp = g.constant(NDArray([1, 2, 3, 4, 5, 6] as [Float]))
      return g.x * (ramp * ramp + g.six(0.5))
    },
  ]
}

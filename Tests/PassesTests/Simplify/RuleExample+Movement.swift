import DescentGraph
import DescentPasses

extension Tensor {
  /// Adds a movement as it stands; the DSL leaves out those that do nothing.
  func moved(_ movement: Movement) -> Tensor { apply(.movement(movement)) }
}

extension RuleExample {
  static let reshapes: [RuleExample] = [
    RuleExample("reshape-same") { $0.x.moved(.reshape([6])) },
    RuleExample("reshape-reshape") { $0.x.reshape([2, 3]).reshape([3, 2]) },
    RuleExample("reshape-repeated") { g in
      g.input("s", [1, 1]).broadcast(to: [4, 3]).reshape([12])
    },
    RuleExample("transpose-transpose") { g in
      g.input("a", [2, 3, 4]).transpose([1, 2, 0]).transpose([0, 2, 1])
    },
    RuleExample("transpose-ones") { g in g.input("a", [2, 1, 3]).transpose([1, 0, 2]) },
    RuleExample("transpose-repeated") { g in
      g.input("a", [2, 3]).broadcast(to: [4, 2, 3]).transpose([0, 2, 1])
    },
    RuleExample("transpose-repeated") { g in g.x.broadcast(to: [4, 6]).transpose() },
    RuleExample("contract-transpose") { g in
      g.input("a", [3, 2]).transpose().matmul(g.input("b", [3, 4]))
    },
    RuleExample("contract-transpose") { g in
      g.input("a", [2, 3]).matmul(g.input("b", [4, 3]).transpose())
    },
  ]

  static let broadcasts: [RuleExample] = [
    RuleExample("broadcast-same") { $0.x.moved(.broadcast([6])) },
    RuleExample("broadcast-broadcast") { g in
      g.input("s", []).broadcast(to: [3]).broadcast(to: [2, 3])
    },
    RuleExample("broadcast-ones") { $0.x.moved(.broadcast([1, 6])) },
    RuleExample("broadcast-reshape") { $0.x.reshape([1, 6]).broadcast(to: [4, 6]) },
    RuleExample("repeat-last") { g in exp(g.x.broadcast(to: [4, 6])) },
    RuleExample("repeat-last") { g in
      g.x.broadcast(to: [4, 6]) / g.constant(3.0).broadcast(to: [4, 6])
    },
    RuleExample("repeat-last") { g in
      g.input("a", [2, 1]).broadcast(to: [5, 2, 3]) + g.input("b", [3]).broadcast(to: [5, 2, 3])
    },
    RuleExample("reduce-one") { g in g.input("a", [2, 1, 3]).max(axes: [1]) },
    RuleExample("reduce-one") { g in g.input("a", [2, 1, 3]).product(axes: [1]) },
    RuleExample("sum-one") { g in g.input("a", [2, 1, 3], .i32).sum(axes: [1]) },
    RuleExample("reduce-repeated") { g in g.x.broadcast(to: [4, 6]).max(axes: [0]) },
    RuleExample("reduce-repeated") { g in
      g.input("a", [3, 1]).broadcast(to: [2, 3, 4]).min(axes: [2])
    },
  ]

  static let slices: [RuleExample] = [
    RuleExample("slice-all") { $0.x.slice(axis: 0) },
    RuleExample("slice-slice") { g in
      g.input("a", [3, 20]).slice(axis: 1, from: 2, to: 17, by: 3).slice(axis: 1, from: 1, by: 2)
    },
    RuleExample("slice-slice") { g in
      g.input("a", [3, 20]).slice(axis: 1, from: 2, to: 17, by: 3).slice(axis: 0, from: 1, to: 2)
    },
    RuleExample("slice-slice") { $0.x.slice(axis: 0, from: 3).slice(axis: 0, from: 2, to: 2) },
    RuleExample("slice-repeated") { g in
      g.x.broadcast(to: [4, 6]).slice(axis: 0, from: 1, to: 3).slice(axis: 1, from: 2, by: 2)
    },
    RuleExample("slice-pad") { g in
      g.x.pad(low: [2], high: [3], value: 7).slice(axis: 0, from: 2, to: 8)
    },
    RuleExample("slice-pad") { g in
      g.x.pad(low: [2], high: [3], value: 7).slice(axis: 0, from: 3, to: 8, by: 2)
    },
    RuleExample("slice-padding") { g in
      g.x.pad(low: [2], high: [3], value: 7).slice(axis: 0, from: 1, to: 5)
    },
    RuleExample("slice-padding") { g in
      g.x.pad(low: [2], high: [3], value: 7).slice(axis: 0, from: 4, to: 10)
    },
    RuleExample("slice-convolve") { g in
      convolve(g.input("a", [2, 7, 3]), g.input("b", [2, 3, 4]), strides: [2])
        .slice(axis: 1, from: 1, to: 3)
    },
    // The windows that are left reach before the operand, behind it, and not outside.
    RuleExample("slice-convolve") { g in
      convolve(
        g.input("a", [2, 7, 3]), g.input("b", [3, 3, 4]), padding: .zeros(low: [2], high: [1])
      ).slice(axis: 1, from: 1, to: 5)
    },
    RuleExample("slice-convolve") { g in
      convolve(
        g.input("a", [2, 6, 7, 3]), g.input("b", [3, 2, 3, 4]), strides: [2, 3],
        padding: .zeros(low: [1, 0], high: [2, 4]), dilations: [1, 2]
      ).slice(axis: 1, from: 1, to: 4).slice(axis: 2, from: 1)
    },
    RuleExample("slice-convolve") { g in
      convolve(g.input("a", [2, 9, 3]), g.input("b", [3, 3, 4]), padding: .same)
        .slice(axis: 1, from: 2, to: 5)
    },
    RuleExample("slice-concatenate") { g in
      concatenate([g.x, g.y], axis: 0).slice(axis: 0, from: 7, to: 12, by: 2)
    },
  ]

  static let joins: [RuleExample] = [
    RuleExample("pad-nothing") { $0.x.pad(low: [0], high: [0]) },
    RuleExample("pad-pad") { $0.x.pad(low: [1], high: [2]).pad(low: [3], high: [0]) },
    RuleExample("pad-same") { g in g.x.pad(low: [2], high: [0]) + g.six(0).pad(low: [1], high: [1])
    },
    RuleExample("reverse-short") { g in g.input("a", [1, 3]).reverse(axes: [0, 1]) },
    RuleExample("reverse-reverse") { g in
      g.input("a", [2, 3]).reverse(axes: [0, 1]).reverse(axes: [1])
    },
    RuleExample("reverse-reverse") { $0.x.reverse(axes: [0]).reverse(axes: [0]) },
    RuleExample("reverse-repeated") { $0.x.broadcast(to: [4, 6]).reverse(axes: [0, 1]) },
    RuleExample("concatenate-one") { concatenate([$0.x], axis: 0) },
    RuleExample("concatenate-empty") { concatenate([$0.x, $0.input("e", [0])], axis: 0) },
    RuleExample("concatenate-nested") { g in
      let (x, y) = (g.x, g.y)
      return concatenate([concatenate([x, y], axis: 0), x], axis: 0)
    },
    RuleExample("concatenate-slices") { g in
      let x = g.x
      return concatenate(
        [x.slice(axis: 0, to: 2), x.slice(axis: 0, from: 2, to: 5)], axis: 0)
    },
    RuleExample("concatenate-same") { concatenate([$0.six(1), $0.six(1)], axis: 0) },
  ]
}

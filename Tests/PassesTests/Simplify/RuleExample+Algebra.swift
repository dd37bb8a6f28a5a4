import DescentGraph
import DescentPasses

extension RuleExample {
  static let sums: [RuleExample] = [
    RuleExample("add-minus-zero") { $0.x + -0.0 },
    RuleExample("add-minus-zero") { $0.i + 0.0 },
    RuleExample("add-negated") { $0.x + -$0.y },
    RuleExample("add-negated") { -$0.i + $0.j },
    RuleExample("sub-zero") { $0.x - 0.0 },
    RuleExample("sub-negated") { $0.x - (-$0.y) },
    RuleExample("sub-negated") { $0.i - (-$0.j) },
    RuleExample("sub-from-minus-zero") { -0.0 - $0.x },
    RuleExample("sub-from-minus-zero") { 0.0 - $0.i },
    RuleExample("sub-self") { g in
      let i = g.i
      return i - i
    },
  ]

  static let products: [RuleExample] = [
    RuleExample("mul-one") { $0.x * 1.0 },
    RuleExample("mul-one") { 1.0 * $0.i },
    RuleExample("mul-minus-one") { $0.x * -1.0 },
    RuleExample("mul-minus-one") { $0.i * -1.0 },
    RuleExample("mul-zero") { $0.i * 0.0 },
    RuleExample("mul-negated-both") { -$0.x * -$0.y },
    RuleExample("mul-negated-both") { -$0.i * -$0.j },
    RuleExample("mul-abs-self") { g in
      let x = abs(g.x)
      return x * x
    },
    RuleExample("mul-abs-self") { g in
      let i = abs(g.i)
      return i * i
    },
    RuleExample("mul-negated-constant") { -$0.x * 3.7 },
    RuleExample("mul-negated-constant") { 3.0 * -$0.i },
    RuleExample("div-one") { $0.x / 1.0 },
    RuleExample("div-one") { $0.i / 1.0 },
    RuleExample("div-minus-one") { $0.x / -1.0 },
    RuleExample("div-minus-one") { $0.i / -1.0 },
    RuleExample("div-negated-both") { -$0.x / -$0.y },
    RuleExample("div-power-of-two") { $0.x / 8.0 },
    RuleExample("div-power-of-two") { $0.x / -0.25 },
    RuleExample("div-negated-constant") { -$0.x / 3.0 },
  ]

  static let signs: [RuleExample] = [
    RuleExample("neg-neg") { -(-$0.x) },
    RuleExample("neg-neg") { -(-$0.i) },
    RuleExample("neg-mul-constant") { -($0.x * 3.7) },
    RuleExample("neg-mul-constant") { -($0.i * 3.0) },
    RuleExample("abs-abs") { abs(abs($0.x)) },
    RuleExample("abs-abs") { abs(abs($0.i)) },
    RuleExample("abs-neg") { abs(-$0.x) },
    RuleExample("abs-square") { g in
      let x = g.x
      return abs(x * x)
    },
    RuleExample("abs-relu") { abs(relu($0.x)) },
    RuleExample("abs-relu") { abs(relu($0.i)) },
    RuleExample("relu-relu") { relu(relu($0.x)) },
    RuleExample("relu-abs") { relu(abs($0.x)) },
    RuleExample("sign-sign") { sign(sign($0.x)) },
    RuleExample("sign-sign") { sign(sign($0.i)) },
    RuleExample("stop-gradient-twice") { stopGradient(stopGradient($0.x)) },
    RuleExample("stop-gradient") { exp(stopGradient($0.x)) },
    RuleExample("floor-integer") { floor(ceil($0.x)) },
    RuleExample("floor-integer") { floor(sign($0.x)) },
    RuleExample("ceil-integer") { ceil(round($0.x)) },
    RuleExample("ceil-integer") { ceil(ceil($0.x)) },
    RuleExample("round-integer") { round(floor($0.x)) },
    RuleExample("round-integer") { round(round($0.x)) },
  ]

  static let ties: [RuleExample] = [
    RuleExample("maximum-self") { g in
      let x = g.x
      return maximum(x, x)
    },
    RuleExample("minimum-self") { g in
      let x = g.x
      return minimum(x, x)
    },
    RuleExample("maximum-again") { g in
      let y = g.y
      return maximum(maximum(g.x, y), y)
    },
    RuleExample("minimum-again") { g in
      let y = g.y
      return minimum(minimum(g.x, y), y)
    },
    RuleExample("maximum-before") { g in
      let x = g.x
      return maximum(x, maximum(x, g.y))
    },
    RuleExample("minimum-before") { g in
      let x = g.x
      return minimum(x, minimum(x, g.y))
    },
    RuleExample("maximum-zero") { maximum($0.x, 0.0) },
    RuleExample("maximum-zero") { maximum($0.i, 0.0) },
    RuleExample("maximum-infinity") { maximum($0.x, -.infinity) },
    RuleExample("minimum-infinity") { minimum($0.x, .infinity) },
  ]

  static let casts: [RuleExample] = [
    RuleExample("cast-same") { g in
      Tensor(g, g.add(.elementwise(.cast(.f32)), [g.x.value]))
    },
    RuleExample("cast-cast") { $0.x.cast(to: .f64).cast(to: .f32) },
    RuleExample("cast-cast") { $0.x.cast(to: .f64).cast(to: .i32) },
    RuleExample("cast-cast") { $0.i.cast(to: .i64).cast(to: .u8) },
    RuleExample("cast-cast") { $0.i.cast(to: .f64).cast(to: .f32) },
    RuleExample("cast-cast") { $0.i.cast(to: .f64).cast(to: .i64) },
    RuleExample("cast-cast") { $0.p.cast(to: .f32).cast(to: .bool) },
    RuleExample("cast-cast") { $0.p.cast(to: .u8).cast(to: .i64) },
  ]

  static let rounding: [RuleExample] = [
    RuleExample("fast-add-zero") { $0.x + 0.0 },
    RuleExample("fast-sub-self") { g in
      let x = g.x
      return x - x
    },
    RuleExample("fast-mul-zero") { $0.x * 0.0 },
    RuleExample("fast-square") { pow($0.x, 2) },
    RuleExample("fast-square-root") { pow($0.x, 0.5) },
    RuleExample("fast-log-exp") { log(exp($0.x)) },
    RuleExample("fast-div-constant") { $0.x / 3.0 },
    RuleExample("fast-scale-weights") { g in
      g.input("x", [9, 4]).matmul(g.parameter("w", [4, 3])) * g.parameter("s", [3])
    },
    RuleExample("fast-scale-weights") { g in
      let w = g.parameter("w", [3, 4])
      return 0.3 * g.input("x", [9, 4]).matmul(w, transposeRight: true)
    },
    RuleExample("fast-scale-weights") { g in
      let scale = g.parameter("s", [5]).reshape([1, 1, 5])
      return convolve(g.input("x", [2, 9, 2]), g.parameter("w", [3, 2, 5])) * scale
    },
    RuleExample("fast-scale-sum") { g in
      let product = g.input("x", [9, 4]).matmul(g.parameter("w", [4, 3]))
      return (product + g.parameter("b", [3])) * g.parameter("s", [3])
    },
    RuleExample("fast-scale-sum") { g in
      let product = g.input("x", [9, 4]).matmul(g.parameter("w", [4, 3]))
      return 0.3 * (g.parameter("b", [3]) + product)
    },
  ]
}

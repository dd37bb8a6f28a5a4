import DescentGraph
import DescentPasses

extension RuleExample {
  static let logic: [RuleExample] = [
    RuleExample("and-self") { g in
      let p = g.p
      return and(p, p)
    },
    RuleExample("and-true") { and($0.p, $0.six(1, .bool)) },
    RuleExample("and-zero") { and($0.p, $0.six(0, .bool)) },
    RuleExample("and-zero") { and($0.i, $0.six(0, .i32)) },
    RuleExample("and-opposite") { g in
      let i = g.i
      return and(i, not(i))
    },
    RuleExample("and-absorbs") { g in
      let i = g.i
      return and(or(g.j, i), i)
    },
    RuleExample("or-self") { g in
      let i = g.i
      return or(i, i)
    },
    RuleExample("or-true") { or($0.p, $0.six(1, .bool)) },
    RuleExample("or-zero") { or($0.i, $0.six(0, .i32)) },
    RuleExample("or-opposite") { g in
      let p = g.p
      return or(not(p), p)
    },
    RuleExample("or-absorbs") { g in
      let i = g.i
      return or(i, and(i, g.j))
    },
    RuleExample("xor-self") { g in
      let i = g.i
      return xor(i, i)
    },
    RuleExample("xor-zero") { xor($0.i, $0.six(0, .i32)) },
    RuleExample("xor-true") { xor($0.p, $0.six(1, .bool)) },
    RuleExample("not-not") { not(not($0.p)) },
    RuleExample("not-not") { not(not($0.i)) },
    RuleExample("not-equal") { not($0.x .== $0.y) },
    RuleExample("not-not-equal") { not($0.x .!= $0.y) },
    RuleExample("not-less") { not($0.i .< $0.j) },
    RuleExample("not-less-equal") { not($0.i .<= $0.j) },
    RuleExample("not-greater") { not($0.i .> $0.j) },
    RuleExample("not-greater-equal") { not($0.i .>= $0.j) },
  ]

  static let comparisons: [RuleExample] = [
    RuleExample("less-self") { g in
      let x = g.x
      return x .< x
    },
    RuleExample("greater-self") { g in
      let x = g.x
      return x .> x
    },
    RuleExample("equal-self") { g in
      let i = g.i
      return i .== i
    },
    RuleExample("not-equal-self") { g in
      let i = g.i
      return i .!= i
    },
    RuleExample("less-equal-self") { g in
      let i = g.i
      return i .<= i
    },
    RuleExample("greater-equal-self") { g in
      let i = g.i
      return i .>= i
    },
    RuleExample("equal-true") { $0.p .== $0.six(1, .bool) },
    RuleExample("equal-false") { $0.p .== $0.six(0, .bool) },
    RuleExample("not-equal-true") { $0.p .!= $0.six(1, .bool) },
    RuleExample("not-equal-false") { $0.p .!= $0.six(0, .bool) },
  ]

  static let selections: [RuleExample] = [
    RuleExample("select-same") { g in
      let x = g.x
      return select(g.p, x, x)
    },
    RuleExample("select-true") { select($0.six(1, .bool), $0.x, $0.y) },
    RuleExample("select-false") { select($0.six(0, .bool), $0.x, $0.y) },
    RuleExample("select-not") { select(not($0.p), $0.x, $0.y) },
    RuleExample("select-first-again") { g in
      let (p, x, y) = (g.p, g.x, g.y)
      return select(p, select(p, x, y), y + x)
    },
    RuleExample("select-last-again") { g in
      let (p, x, y) = (g.p, g.x, g.y)
      return select(p, x + y, select(p, x, y))
    },
    RuleExample("select-one-zero") { select($0.p, $0.six(1), $0.six(0)) },
    RuleExample("select-one-zero") { select($0.p, $0.six(1, .bool), $0.six(0, .bool)) },
    RuleExample("select-zero-one") { select($0.p, $0.six(0, .bool), $0.six(1, .bool)) },
  ]
}

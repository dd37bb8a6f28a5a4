// exp and what is made of it.
//
// x = n·ln 2 + r with n the nearest integer to x / ln 2, so |r| ≤ ln 2 / 2, and eˣ = 2ⁿ·eʳ. Adding a number
// near 1.5·2²³ rounds to an integer and leaves it in the low bits of the sum. The coefficients were fitted by
// linear programming to the least maximal error relative to the function, over 300 Chebyshev nodes in
// 40 digits; the low ones were rounded to f32 first, and the others fitted again.
//
// `UnaryFunction.ulpBound` states how far each may be off.

extension Expansions {
  /// ln 2 in two parts; the first is so short that its product with n is exact.
  static let ln2 = (high: 0x1.62e4p-1, low: 0x1.7f7d1cp-20)

  /// eˣ for any x; results below 2⁻¹²⁶ are rounded once more, to subnormals.
  static func exponential(_ x: ScalarValue) -> ScalarValue {
    // Beyond these bounds the result is 0 or infinite anyhow.
    let (r, n, _) = reduced(x.atLeast(-104).atMost(89))
    return r.fma(r.polynomial(exponentialTail), r.constant(1)).apply(.scale, n)
  }

  /// eˣ for x from −87 to 88, where 2ⁿ is a number.
  static func exponentialInRange(_ x: ScalarValue) -> ScalarValue {
    let (r, _, steps) = reduced(x, bias: 127)
    return r.fma(r.polynomial(exponentialTail), r.constant(1)) * (steps << 23).bitcast(.f32)
  }

  /// tanh x = m / (m + 2) with m = e²ˣ − 1, for |x|; the sign of x is put back.
  static func hyperbolicTangent(_ x: ScalarValue) -> ScalarValue {
    // From 9.02 on the result is 1.
    let (r, _, steps) = reduced(x.apply(.abs).atMost(10), times: 2, bias: 127)
    let p = (r * r).fma(r.polynomial(exponentialOfTwiceMinusOneTail), r)
    let scale = (steps << 23).bitcast(.f32)
    let m = (scale + scale).fma(p, scale - 1)
    return (m / (m + 2)).withSign(of: x)
  }

  /// 1 / (1 + e⁻ˣ), as eˣ / (eˣ + 1) where x is negative, so that the exponential never overflows.
  ///
  /// The latter form everywhere would take less, but then the result fell where x grows from 1 on.
  static func logistic(_ x: ScalarValue) -> ScalarValue {
    let (r, n, _) = reduced((-x.apply(.abs)).atLeast(-104))
    let e = r.fma(r.polynomial(exponentialTail), r.constant(1)).apply(.scale, n)
    return (x < 0).select(e, e.constant(1)) / (e + 1)
  }

  /// Returns x − n·(ln 2 / factor) for a power of two as factor, n, and an integer whose low bits are n + bias.
  private static func reduced(
    _ x: ScalarValue, times factor: Double = 1, bias: Double = 0
  ) -> (rest: ScalarValue, n: ScalarValue, steps: ScalarValue) {
    let shifter = x.constant(0x1.8p23 + bias)
    let shifted = x.fma(0x1.715476p0 * factor, shifter)
    let n = shifted - shifter
    let rest = n.fma(-ln2.low / factor, n.fma(-ln2.high / factor, x))
    return (rest, n, shifted.bitcast(.i32))
  }

  /// (eʳ − 1) / r.
  private static let exponentialTail = [
    0x1.0p0, 0x1.fffffcp-2, 0x1.555492p-3, 0x1.5558b4p-5, 0x1.12399ap-7, 0x1.6a48d4p-10,
  ]

  /// (e²ʳ − 1 − 2r) / 2r².
  private static let exponentialOfTwiceMinusOneTail = [
    0x1.0p0, 0x1.5554b6p-1, 0x1.5555b2p-2, 0x1.122426p-3, 0x1.6c5e4p-5,
  ]
}

extension ScalarValue {
  /// Returns this value, which has no sign, with the sign of another.
  func withSign(of other: ScalarValue) -> ScalarValue {
    let sign = other.bitcast(.i32) & constant(bits: 0x8000_0000, .i32)
    return (bitcast(.i32) | sign).bitcast(.f32)
  }
}

// x to the power y, as 2^(y·log₂ |x|) with the logarithm and the product in pairs of numbers.

/// An unevaluated sum of two numbers, the second below half a unit of the first.
private struct Pair {
  let high: ScalarValue
  let low: ScalarValue

  /// Creates the exact sum of a number and one that is not greater, plus something small.
  init(_ larger: ScalarValue, plus smaller: ScalarValue, _ tail: ScalarValue) {
    high = larger + smaller
    low = (larger - high) + smaller + tail
  }

  /// Creates the product of two pairs, less the product of their low parts.
  init(_ x: Pair, times y: Pair) {
    high = x.high * y.high
    low = x.high.fma(y.high, -high) + x.high.fma(y.low, x.low * y.high)
  }

  init(_ high: ScalarValue, _ low: ScalarValue) {
    self.high = high
    self.low = low
  }
}

extension Expansions {
  static let pow = ScalarBuilder.program([.f32, .f32]) { power($0[0], $0[1]) }

  private static func power(_ x: ScalarValue, _ y: ScalarValue) -> ScalarValue {
    let base = x.apply(.abs)
    let zero = x.constant(0)
    let one = x.constant(1)
    let infinity = x.constant(Double.infinity)
    let nan = x.constant(Double.nan)

    let logarithm = binaryLogarithm(base)
    let ordinary = (base < Double.infinity).select(logarithm.high, infinity)
    let high = (base == 0).select(-infinity, ordinary)
    let exponent = y * high
    // Beyond ±200 the power is 0 or infinite, and the low part may be no number.
    let isModerate = exponent.apply(.abs) <= 200
    let low = isModerate.select(y.fma(high, -exponent) + y * logarithm.low, zero)
    let power = binaryExponential(exponent.atLeast(-200).atMost(200), low)
    // 1 to the power of an infinity is 1, where the product is no number.
    let magnitude = (base == 1).select(one, power)

    let isInteger = y.apply(.floor) == y
    let half = y * 0.5
    let isOdd = isInteger & half.apply(.notEqual, half.apply(.floor), to: .bool)
    let signed = isOdd.select(magnitude.withSign(of: x), magnitude)
    let isUndefined = (x < zero) & (x.constant(-Double.infinity) < x) & isInteger.apply(.not)
    let isNumber = (x == x) & (y == y)
    let defined = isNumber.select(isUndefined.select(nan, signed), x + y)
    return ((y == 0) | (x == 1)).select(one, defined)
  }

  /// log₂ x for positive x: x = 2ᵉ·m, and log₂ m = s·w(s²) with s = (m − 1) / (m + 1).
  private static func binaryLogarithm(_ x: ScalarValue) -> Pair {
    let (e, m) = split(x)
    let numerator = m - 1
    let denominator = m + 1
    let quotient = numerator / denominator
    // The remainder of the division, and what the rounding of m + 1 lost.
    let lost = m - (denominator - 1)
    let rest = (-quotient).fma(lost, (-quotient).fma(denominator, numerator))
    let s = Pair(quotient, rest / denominator)
    let square = Pair(s, times: s)
    let inner = Pair(
      x.constant(0x1.ec709ep-1), plus: square.high * square.high.polynomial(logarithmTail),
      x.constant(-0x1.e2fe02p-28))
    let product = Pair(square, times: inner)
    let w = Pair(
      x.constant(0x1.715476p1), plus: product.high, product.low + 0x1.4ae0cp-25)
    let mantissa = Pair(s, times: w)
    return Pair(e, plus: mantissa.high, mantissa.low)
  }

  /// 2^(x + low) for |x| ≤ 200.
  private static func binaryExponential(_ x: ScalarValue, _ low: ScalarValue) -> ScalarValue {
    let shifter = x.constant(0x1.8p23)
    let n = (x + shifter) - shifter
    let r = (x - n) + low
    return r.fma(r.polynomial(exponentialTail), r.constant(1)).apply(.scale, n)
  }

  /// (log₂ m / s − c₀ − c₁·s²) / s⁴ in powers of s², where c₀ = 2 / ln 2 and c₁ = c₀ / 3 are pairs; fitted as in
  /// `Expansions+Exponential`, relative to c₀.
  private static let logarithmTail = [0x1.27770ep-1, 0x1.a5bbf2p-2, 0x1.59ef52p-2]

  /// (2ʳ − 1) / r.
  private static let exponentialTail = [
    0x1.62e43p-1, 0x1.ebfbdcp-3, 0x1.c6af7ap-5, 0x1.3b2ddap-7, 0x1.5f0986p-10, 0x1.4173b6p-13,
  ]
}

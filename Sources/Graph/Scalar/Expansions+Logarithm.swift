// The natural logarithm.

extension Expansions {
  /// ln x = e·ln 2 + ln(1 + f), with x = 2ᵉ·(1 + f) and 1 + f from 1/√2 to √2.
  static func naturalLogarithm(_ x: ScalarValue) -> ScalarValue {
    let (e, m) = split(x)
    let f = m - 1
    let square = f * f
    // ln(1 + f) = f + f²·q(f)
    let tail = square.fma(f.polynomial(logarithmTail), e * ln2.low)
    let result = e.fma(ln2.high, f + tail)
    // Infinity and NaN pass as they are.
    let positive = (x < Double.infinity).select(result, x)
    let edge = (x == 0).select(x.constant(-Double.infinity), x.constant(Double.nan))
    return (x <= 0).select(edge, positive)
  }

  /// Returns e and m with x = 2ᵉ·m and m from 1/√2 to √2, for positive x; a subnormal x is scaled first.
  static func split(_ x: ScalarValue) -> (exponent: ScalarValue, mantissa: ScalarValue) {
    let isSmall = x < 0x1p-126
    let scaled = isSmall.select(x * 0x1p23, x).bitcast(.i32)
    let root = x.constant(0x1.6a09e6p-1).bitcast(.i32)
    let above = scaled - root
    let steps = above.apply(.shiftRight, above.constant(23))
    let mantissa = (scaled - (steps << 23)).bitcast(.f32)
    let bias = isSmall.select(x.constant(-23), x.constant(0))
    return (steps.apply(.convert, to: .f32) + bias, mantissa)
  }

  /// (ln(1 + f) − f) / f², fitted as in `Expansions+Exponential`.
  private static let logarithmTail = [
    -0x1.0p-1, 0x1.555554p-2, -0x1.000226p-2, 0x1.99a01ep-3, -0x1.54729p-3, 0x1.22d91p-3,
    -0x1.0d81ep-3, 0x1.055f08p-3, -0x1.38cbfcp-4,
  ]
}

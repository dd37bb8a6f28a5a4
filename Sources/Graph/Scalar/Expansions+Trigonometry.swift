// Sine and cosine.

extension Expansions {
  static let sin = ScalarBuilder.program([.f32]) {
    // The reduction would lose the sign of −0.
    ($0[0] == 0).select($0[0], circular($0[0], quarterTurns: 0))
  }

  static let cos = ScalarBuilder.program([.f32]) { circular($0[0], quarterTurns: 1) }

  /// The sine of x plus some quarter turns.
  ///
  /// x = n·π/2 + r with |r| ≤ π/4 (Cody and Waite, 1980): π/2 is taken in three parts of 24 bits, and a fused
  /// multiply-add subtracts each; the first difference is exact. n is right up to |x| = 2¹⁷; beyond that
  /// nothing is promised but a result from −1 to 1. The sine of an infinity is NaN.
  private static func circular(_ x: ScalarValue, quarterTurns: Double) -> ScalarValue {
    let shifter = x.constant(0x1.8p23)
    let shifted = x.fma(0x1.45f306p-1, shifter)
    let n = shifted - shifter
    let first = n.fma(-0x1.921fb6p0, x)
    let second = n.fma(0x1.777a5cp-25, first)
    let r = n.fma(0x1.ee59dap-50, second).atLeast(-0.8).atMost(0.8)
    let square = r * r
    let sine = (square * r).fma(square.polynomial(sineTail), r)
    let cosine = square.fma(square.polynomial(cosineTail), r.constant(1))
    let turns = shifted.bitcast(.i32)
    let quadrant = quarterTurns == 0 ? turns : turns + quarterTurns
    let isEven = (quadrant & quadrant.constant(1)) == 0
    let sign = (quadrant & quadrant.constant(2)) << 30
    return (isEven.select(sine, cosine).bitcast(.i32) ^ sign).bitcast(.f32)
  }

  /// (sin r − r) / r³ in powers of r², fitted as in `Expansions+Exponential`.
  private static let sineTail = [-0x1.555546p-3, 0x1.110776p-7, -0x1.9952fap-13]

  /// (cos r − 1) / r² in powers of r².
  private static let cosineTail = [-0x1p-1, 0x1.55554ap-5, -0x1.6c0c28p-10, 0x1.99e80cp-16]
}

extension Expansions {
  static let atan = ScalarBuilder.program([.f32]) { arcTangent($0[0]) }

  /// The arc tangent of a = |x| in three ranges: of a itself below tan(π/8), around 1 by (a − 1) / (a + 1) and
  /// π/4, and from tan(3π/8) on by −1 / a and π/2; with the sign of x.
  private static func arcTangent(_ x: ScalarValue) -> ScalarValue {
    let (a, one) = (x.apply(.abs), x.constant(1))
    let isFar = x.constant(0x1.3504f4p1) < a
    let isNear = a <= 0x1.a8279ap-2
    let numerator = isFar.select(-one, isNear.select(a, a - one))
    let denominator = isFar.select(a, isNear.select(one, a + one))
    let quarter = isNear.select(x.constant(0), x.constant(0x1.921fb6p-1))
    let base = isFar.select(x.constant(0x1.921fb6p0), quarter)
    let t = numerator / denominator
    let square = t * t
    let value = (square * t).fma(square.polynomial(arcTail), t) + base
    return value.withSign(of: x)
  }

  /// (atan t − t) / t³ in powers of t² for |t| ≤ tan(π/8), fitted as in `Expansions+Exponential`.
  private static let arcTail = [
    -0x1.55554ap-2, 0x1.999196p-3, -0x1.23b51ep-3, 0x1.b1ebf2p-4, -0x1.f1ec42p-5,
  ]
}

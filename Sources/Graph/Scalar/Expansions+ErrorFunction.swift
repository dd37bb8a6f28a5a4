// The error function.

extension Expansions {
  static let erf = ScalarBuilder.program([.f32]) { errorFunction($0[0]) }

  /// x + x·p(x²) near 0, and 1 − e^(−a·q(a)) with a = |x| from 0.75 on, with the sign of x.
  private static func errorFunction(_ x: ScalarValue) -> ScalarValue {
    let square = x * x
    let near = x.fma(square.polynomial(nearTail), x)
    // From 3.92 on the result is 1.
    let a = x.apply(.abs).atMost(3.95)
    let far = x.constant(1) - exponentialInRange(-a * a.polynomial(farTail))
    let isNear = x.apply(.abs) < 0.75
    return isNear.select(near, far.withSign(of: x))
  }

  /// (erf x − x) / x in powers of x², fitted as in `Expansions+Exponential`.
  private static let nearTail = [
    0x1.06eba8p-3, -0x1.81273ap-2, 0x1.ce2acep-4, -0x1.b7a75cp-6, 0x1.4f188ap-8, -0x1.613e52p-11,
  ]

  /// −ln(1 − erf a) / a.
  private static let farTail = [
    0x1.20e902p0, 0x1.456716p-1, 0x1.b0466ap-4, -0x1.7ae30ap-6, 0x1.b3f418p-9, -0x1.f9fdb6p-13,
    0x1.6dbe22p-19,
  ]
}

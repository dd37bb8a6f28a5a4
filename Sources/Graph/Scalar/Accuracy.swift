extension UnaryFunction {
  /// How far the `f32` result may lie from the exact one, in units of the exact result's last place.
  ///
  /// The bounds are measured over dense sweeps, that of `tanh` over all arguments (2.517 at 0x1.feccf2p-5); those of
  /// `sin` and `cos` hold up to |x| = 2¹⁷.
  /// Nil where the result is exact or correctly rounded.
  package var ulpBound: Double? {
    switch self {
    case .exp: 1
    case .log: 1
    case .sin, .cos: 1.5
    case .atan: 3
    case .tanh: 2.6
    case .sigmoid: 2.5
    case .erf: 1.5
    case .neg, .abs, .sign, .sqrt, .floor, .ceil, .round, .relu, .not, .stopGradient: nil
    }
  }
}

extension BinaryFunction {
  /// How far the `f32` result may lie from the exact one, as `UnaryFunction.ulpBound`.
  package var ulpBound: Double? { self == .pow ? 1 : nil }
}

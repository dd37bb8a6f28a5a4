/// How the elements of a parameter or state begin.
///
/// Random initialisers draw from Philox4x32-10 keyed by (seed, leaf, element), so the same seed gives the
/// same numbers on every machine and at any thread count.
public enum Initializer: Hashable, Sendable, Codable {
  /// All zero.
  case zeros
  /// All one.
  case ones
  /// All the same number.
  case constant(Double)
  /// These elements.
  case values(NDArray)
  /// Evenly between two bounds.
  case uniform(Double, Double)
  /// Gaussian with a mean and a standard deviation.
  case normal(mean: Double, deviation: Double)
  /// Uniform with variance 2 / (fan-in + fan-out) (Glorot and Bengio, 2010).
  case glorotUniform
  /// Gaussian with variance 2 / (fan-in + fan-out) (Glorot and Bengio, 2010).
  case glorotNormal
  /// Uniform with variance 2 / fan-in (He et al., 2015).
  case heUniform
  /// Gaussian with variance 2 / fan-in (He et al., 2015).
  case heNormal
  /// The session's seed, its lower 32 bits first; for two whole numbers.
  case seed
}

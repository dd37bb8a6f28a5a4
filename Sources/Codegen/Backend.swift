/// What executes the kernels of a program.
///
/// All three compute the same bits: the choice is one of speed.
public enum Backend: String, CaseIterable, Hashable, Sendable, Codable {
  // From the slowest to the fastest: each is to be preferred to those before it.

  /// Compiled Swift, which runs everywhere.
  case portable
  /// Machine code with 256-bit vectors and fused multiply-add.
  case avx2
  /// Machine code with 512-bit vectors and masks.
  case avx512

  /// The extensions without which its code stops at an illegal instruction.
  package var requiredFeatures: CPUFeatures {
    switch self {
    case .portable: []
    case .avx2: .avx2Backend
    case .avx512: .avx512Backend
    }
  }

  /// Whether a processor with these extensions can execute its code.
  package func runs(on features: CPUFeatures) -> Bool {
    features.isSuperset(of: requiredFeatures)
  }

  /// Returns the fastest backend that a processor with these extensions can execute.
  package static func best(for features: CPUFeatures) -> Backend {
    allCases.last { $0.runs(on: features) } ?? .portable
  }
}

/// The instruction set extensions a processor offers, or a piece of machine code asks for.
///
/// A plain value: what the running processor has is found out by the runtime.
package struct CPUFeatures: OptionSet, Hashable, Sendable, Codable {
  package let rawValue: UInt32

  package init(rawValue: UInt32) { self.rawValue = rawValue }

  /// 256-bit floating point in three-operand form.
  package static let avx = CPUFeatures(rawValue: 1 << 0)
  /// 256-bit integers and gathers.
  package static let avx2 = CPUFeatures(rawValue: 1 << 1)
  /// Fused multiply-add.
  package static let fma = CPUFeatures(rawValue: 1 << 2)
  /// 512-bit vectors, 32 registers, masks.
  package static let avx512f = CPUFeatures(rawValue: 1 << 3)
  /// 64-bit products and conversions; logic on floats.
  package static let avx512dq = CPUFeatures(rawValue: 1 << 4)
  /// Bytes and words; masks of 32 and 64 bits.
  package static let avx512bw = CPUFeatures(rawValue: 1 << 5)
  /// The AVX-512 instructions on 128 and 256 bits.
  package static let avx512vl = CPUFeatures(rawValue: 1 << 6)
  /// Conversions from and to 16-bit floating point.
  package static let f16c = CPUFeatures(rawValue: 1 << 7)

  /// What the AVX2 backend needs.
  package static let avx2Backend: CPUFeatures = [.avx, .avx2, .fma]
  /// What the AVX-512 backend needs: every extension the instruction table knows.
  package static let avx512Backend: CPUFeatures = [
    .avx2Backend, .avx512f, .avx512dq, .avx512bw, .avx512vl,
  ]
}

extension CPUFeatures: CustomStringConvertible {
  private static let names = [
    "avx", "avx2", "fma", "avx512f", "avx512dq", "avx512bw", "avx512vl", "f16c",
  ]

  /// The names of the extensions as the vendors' manuals spell them, in lower case.
  package var description: String {
    let present = Self.names.indices.filter { rawValue >> $0 & 1 == 1 }
    return present.map { Self.names[$0] }.joined(separator: " ")
  }
}

package import DescentCodegen

extension CPUFeatures {
  /// The extensions this process may use; none where machine code cannot be run.
  package static var detected: CPUFeatures { (try? detection.get()) ?? [] }

  /// The same, or why the processor could not be asked; it is asked once.
  package static let detection = Result { () throws(RuntimeError) in try detect(calls: .system) }

  /// Asks the processor for its extensions.
  ///
  /// - Throws: `RuntimeError` where no machine code can be run, not even the question.
  package static func detect(calls: MappingCalls) throws(RuntimeError) -> CPUFeatures {
    let processor = try CPUID(calls: calls)
    let lastLeaf = processor.leaf(0).eax
    let basic = processor.leaf(1)
    return CPUFeatures(
      basic: basic, extended: lastLeaf >= 7 ? processor.leaf(7) : CPUIDLeaf(),
      savedState: savesState(basic) ? processor.savedState() : 0)
  }

  /// Reads the extensions off the processor's answers 1 and 7 and the state the system saves.
  ///
  /// A register that the system does not save is lost with the next thread that runs, so it counts
  /// as missing, whatever the processor says.
  package init(basic: CPUIDLeaf, extended: CPUIDLeaf, savedState: UInt64) {
    self = []
    guard Self.savesState(basic) else { return }
    guard savedState & Self.vectorState == Self.vectorState else { return }
    let vector: [(CPUFeatures, UInt32, bit: UInt32)] = [
      (.avx, basic.ecx, 28), (.avx2, extended.ebx, 5), (.fma, basic.ecx, 12),
      (.f16c, basic.ecx, 29),
    ]
    for (feature, word, bit) in vector where word >> bit & 1 == 1 { insert(feature) }
    guard savedState & Self.maskState == Self.maskState else { return }
    let wide: [(CPUFeatures, bit: UInt32)] = [
      (.avx512f, 16), (.avx512dq, 17), (.avx512bw, 30), (.avx512vl, 31),
    ]
    for (feature, bit) in wide where extended.ebx >> bit & 1 == 1 { insert(feature) }
  }

  /// Whether the system has enabled XSAVE, without which XGETBV is an illegal instruction.
  private static func savesState(_ basic: CPUIDLeaf) -> Bool { basic.ecx >> 27 & 1 == 1 }

  /// The lower and the upper halves of the 256-bit registers.
  private static var vectorState: UInt64 { 0b110 }
  /// Masks, the upper halves of the 512-bit registers, and the registers 16 to 31.
  private static var maskState: UInt64 { 0b1110_0000 }
}

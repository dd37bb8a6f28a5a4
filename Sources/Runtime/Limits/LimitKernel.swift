import DescentCodegen

/// A loop that does one thing as fast as the processor can, and nothing else.
///
/// It is called like any kernel, but its operands are up to three arrays, then come how often to pass over them and
/// how many bytes each has, a multiple of `LimitKernel.blockBytes`.
package enum LimitKernel: Hashable, Sendable {
  /// Fused multiply-adds between registers; one pass is `fusedPerPass` instructions.
  case multiplyAdd
  /// Loads from the first array, from its beginning to its end or from four parts side by side: memory brings several
  /// streams faster than one, since the processor foresees each by itself.
  case read(isStriped: Bool)
  /// Stores to the first array; streaming ones pass by the caches.
  case write(isStreaming: Bool)
  /// a = b + 3 · c, the arrays being a, b and c in this order.
  case triad(isStreaming: Bool)

  /// What one turn of a loop over memory moves of each array.
  package static let blockBytes = 512
  /// Enough sums that each is ready when its turn comes again: two units, four to five cycles each.
  package static let fusedPerPass = 12

  /// The number of arrays it passes over.
  package var arrayCount: Int {
    switch self {
    case .multiplyAdd: 0
    case .read, .write: 1
    case .triad: 3
    }
  }

  /// Whether the parts of one array are read side by side.
  private var isStriped: Bool { self == .read(isStriped: true) }

  /// Writes the loop for vectors of a number of bits: 128, 256 or 512.
  package func code(vectorBits: Int) -> [UInt8] {
    var assembler = Assembler(features: vectorBits == 512 ? .avx512Backend : .avx2Backend)
    let kind: RegisterClass = [128: .xmm, 256: .ymm, 512: .zmm][vectorBits, default: .xmm]
    let vector = { (number: Int) in Register(kind, number) }
    for number in 0..<14 { assembler.emit(.vxorps, .ymm(number), .ymm(number), .ymm(number)) }
    let three = assembler.constant(Float(3).bitPattern)
    assembler.emit(.vbroadcastss, vector(15), .constant(three))
    assembler.emit(.vmovups, vector(14), vector(15))
    let pass = assembler.makeLabel()
    assembler.align(to: 64)
    assembler.bind(pass)
    if self == .multiplyAdd {
      for number in 0..<Self.fusedPerPass {
        assembler.emit(.vfmadd231ps, vector(number), vector(14), vector(15))
      }
    } else {
      for index in 0..<arrayCount {
        assembler.emit(.mov, .gpr(8 + index), .at(.rdi, 8 * index))
      }
      assembler.emit(.mov, .rax, .rdx)
      if isStriped {
        assembler.emit(.mov, .rcx, .rdx)
        assembler.emit(.shr, .rcx, 2)
        assembler.emit(.lea, .r9, .at(.r8, index: .rcx, scale: 2))
      }
      writeSweep(vector, step: vectorBits / 8, &assembler)
    }
    assembler.emit(.dec, .rsi)
    assembler.emit(.jne, pass)
    assembler.emit(.vzeroupper)
    assembler.emit(.ret)
    return assembler.finish().bytes
  }

  /// Writes one sweep over `rax` bytes of the arrays at `r8`, `r9` and `r10`.
  ///
  /// Parts of a single array are at `r8` and `r9`, and `rcx` bytes behind each.
  private func writeSweep(
    _ vector: (Int) -> Register, step: Int, _ assembler: inout Assembler
  ) {
    let block = assembler.makeLabel()
    assembler.align(to: 64)
    assembler.bind(block)
    for offset in stride(from: 0, to: Self.blockBytes, by: step) {
      let number = offset / step % 8
      let first = Memory.at(.r8, offset)
      switch self {
      case .multiplyAdd: break
      case .read(false): assembler.emit(.vmovups, vector(number), first)
      case .read(true):
        let (part, place) = offset.quotientAndRemainder(dividingBy: Self.blockBytes / 4)
        let base: Register = part < 2 ? .r8 : .r9
        let source: Memory = part % 2 == 0 ? .at(base, place) : .at(base, index: .rcx, place)
        assembler.emit(.vmovups, vector(number), source)
      case .write(let isStreaming):
        assembler.emit(isStreaming ? .vmovntps : .vmovups, first, vector(15))
      case .triad(let isStreaming):
        assembler.emit(.vmovups, vector(number), .at(.r9, offset))
        assembler.emit(.vfmadd231ps, vector(number), vector(15), .at(.r10, offset))
        assembler.emit(isStreaming ? .vmovntps : .vmovups, first, vector(number))
      }
    }
    let (addresses, step) =
      isStriped ? (2, Self.blockBytes / 4) : (arrayCount, Self.blockBytes)
    for index in 0..<addresses { assembler.emit(.add, .gpr(8 + index), step) }
    assembler.emit(.sub, .rax, Self.blockBytes)
    assembler.emit(.jne, block)
  }
}

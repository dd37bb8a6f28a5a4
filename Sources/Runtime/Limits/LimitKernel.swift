import DescentCodegen

/// A loop that does one thing as fast as the processor can, and nothing else.
///
/// It is called like any kernel, but its operands are up to three arrays, then come how often to pass over them and
/// how many bytes each has, a multiple of `LimitKernel.blockBytes`.
package enum LimitKernel: Hashable, Sendable {
  /// Fused multiply-adds between registers; one pass is `fusedPerPass` instructions.
  case multiplyAdd
  /// Loads from the first array.
  case read
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
      writeSweep(vector, step: vectorBits / 8, &assembler)
    }
    assembler.emit(.dec, .rsi)
    assembler.emit(.jne, pass)
    assembler.emit(.vzeroupper)
    assembler.emit(.ret)
    return assembler.finish().bytes
  }

  /// Writes one sweep over `rax` bytes of the arrays at `r8`, `r9` and `r10`.
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
      case .read: assembler.emit(.vmovups, vector(number), first)
      case .write(let isStreaming):
        assembler.emit(isStreaming ? .vmovntps : .vmovups, first, vector(15))
      case .triad(let isStreaming):
        assembler.emit(.vmovups, vector(number), .at(.r9, offset))
        assembler.emit(.vfmadd231ps, vector(number), vector(15), .at(.r10, offset))
        assembler.emit(isStreaming ? .vmovntps : .vmovups, first, vector(number))
      }
    }
    for index in 0..<arrayCount { assembler.emit(.add, .gpr(8 + index), Self.blockBytes) }
    assembler.emit(.sub, .rax, Self.blockBytes)
    assembler.emit(.jne, block)
  }
}

/// Sets the tail register to a number of elements known when the code is written.
struct NativeTail {
  let count: Int
  let isWide: Bool

  /// Writes the code, which overwrites `rcx`; for no elements there is none.
  func write(to assembler: inout Assembler) {
    guard count > 0 else { return }
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if isWide {
      assembler.emit(.mov, .ecx, (1 << count) - 1)
      assembler.emit(.kmovw, tail, .ecx)
    } else {
      var bytes: [UInt8] = []
      for lane in 0..<8 { bytes += [UInt8](repeating: lane < count ? 0xff : 0, count: 4) }
      assembler.emit(.vmovups, tail, .constant(assembler.constant(bytes)))
    }
  }
}

extension NativeTail {
  /// Loads a vector of 32-bit elements; of a partial one those the tail register selects, and zeros.
  static func load(
    _ target: Register, from memory: Memory, isPartial: Bool, _ assembler: inout Assembler
  ) {
    let isWide = target.kind == .zmm
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if !isPartial {
      assembler.emit(.vmovups, target, memory)
    } else if isWide {
      assembler.emit(.vmovups, target, memory, mask: .zeroing(tail))
    } else {
      assembler.emit(.vmaskmovps, target, tail, memory)
    }
  }

  /// Stores a vector of 32-bit elements; of a partial one those the tail register selects.
  static func store(
    _ source: Register, to memory: Memory, isPartial: Bool, _ assembler: inout Assembler
  ) {
    let isWide = source.kind == .zmm
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if !isPartial {
      assembler.emit(.vmovups, memory, source)
    } else if isWide {
      assembler.emit(.vmovups, memory, source, mask: .merging(tail))
    } else {
      assembler.emit(.vmaskmovps, memory, tail, source)
    }
  }
}

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

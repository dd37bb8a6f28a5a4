/// Machine code as it grows: bytes, and the holes to fill when their targets are known.
struct CodeBuffer {
  /// A distance that is not known yet, counted from the end of its instruction.
  struct Fixup {
    enum Target {
      case label(Label)
      case constant(Memory, Constant)
    }
    let target: Target
    /// Where the hole is, and how many bytes wide.
    let offset: Int
    let byteCount: Int
    /// Where the instruction ends.
    let end: Int
  }

  private(set) var bytes: [UInt8] = []
  private(set) var fixups: [Fixup] = []

  /// The number of bytes so far.
  var offset: Int { bytes.count }

  mutating func reserve(byteCount: Int) { bytes.reserveCapacity(byteCount) }

  mutating func append(_ byte: UInt8) { bytes.append(byte) }

  mutating func append(contentsOf more: [UInt8]) { bytes += more }

  /// Appends the low bytes of an integer, lowest first.
  mutating func append(integer: Int64, byteCount: Int) {
    for position in 0..<byteCount {
      bytes.append(UInt8(truncatingIfNeeded: integer >> (8 * Int64(position))))
    }
  }

  /// Appends a hole for the distance to a label, at the end of an instruction.
  mutating func appendDistance(to label: Label, byteCount: Int) {
    let end = offset + byteCount
    fixups.append(
      Fixup(target: .label(label), offset: offset, byteCount: byteCount, end: end))
    append(integer: 0, byteCount: byteCount)
  }

  /// Appends a hole for the distance to a constant, so many bytes before the end of an instruction.
  mutating func appendDistance(to memory: Memory, trailingByteCount: Int) {
    guard case .constant(let constant) = memory.base else { preconditionFailure("not a constant") }
    let end = offset + 4 + trailingByteCount
    fixups.append(
      Fixup(target: .constant(memory, constant), offset: offset, byteCount: 4, end: end))
    append(integer: 0, byteCount: 4)
  }

  /// Fills a hole with the distance to an offset.
  /// - Precondition: The distance fits the hole.
  mutating func fill(_ fixup: Fixup, target: Int) {
    let distance = target - fixup.end
    let limit = 1 << (8 * fixup.byteCount - 1)
    precondition(distance >= -limit && distance < limit, "\(distance) bytes are too far to reach")
    for position in 0..<fixup.byteCount {
      bytes[fixup.offset + position] = UInt8(truncatingIfNeeded: distance >> (8 * position))
    }
  }
}

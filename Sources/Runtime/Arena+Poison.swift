import Glibc

/// The patterns of poison mode, each a quiet NaN both as f32 and as f64.
///
/// So a kernel that reads what it must not spreads NaN; as an index the pattern is out of range.
package enum Poison {
  /// Fills ranges whose value is no longer needed, or not yet written.
  package static var dead: UInt32 { 0x7ff8_dead }
  /// Fills the gaps between buffers, which nobody may write.
  package static var redZone: UInt32 { 0xfff8_feed }
}

extension Arena {
  /// Fills a range of bytes with a pattern, which begins anew at every multiple of four bytes.
  ///
  /// The ends need no alignment: neighbouring ranges continue one another.
  /// - Precondition: The range lies inside the arena.
  package func fill(_ range: Range<Int>, with pattern: UInt32) {
    requireInside(range)
    guard !range.isEmpty else { return }
    let start = base + range.lowerBound
    var filled = min(range.count, 4)
    for index in 0..<filled {
      let byte = Self.byte(of: pattern, at: range.lowerBound + index)
      start.storeBytes(of: byte, toByteOffset: index, as: UInt8.self)
    }
    // Doubling copies are fast in debug builds too; what is copied is a multiple of four long.
    while filled < range.count {
      let next = min(filled, range.count - filled)
      memcpy(start + filled, start, next)
      filled += next
    }
  }

  /// Returns the offset of the first byte that differs from what `fill` wrote there, or nil.
  ///
  /// - Precondition: The range lies inside the arena.
  package func check(_ range: Range<Int>, for pattern: UInt32) -> Int? {
    requireInside(range)
    if let bad = firstMismatch(in: range.prefix(4), pattern) { return bad }
    // A range that begins with the pattern and equals itself four bytes on repeats it throughout.
    let start = base + range.lowerBound
    guard range.count > 4, memcmp(start, start + 4, range.count - 4) != 0 else { return nil }
    return firstMismatch(in: range, pattern)
  }

  private func firstMismatch(in range: Range<Int>, _ pattern: UInt32) -> Int? {
    for offset in range {
      let found = base.load(fromByteOffset: offset, as: UInt8.self)
      if found != Self.byte(of: pattern, at: offset) { return offset }
    }
    return nil
  }

  private static func byte(of pattern: UInt32, at offset: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: pattern >> UInt32(8 * (offset & 3)))
  }

  private func requireInside(_ range: Range<Int>) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= byteCount,
      "a range lies outside of the arena")
  }
}

/// The counter-based generator Philox4x32-10 (Salmon, Moraes, Dror and Shaw, 2011).
///
/// A block of four words is a function of key and counter alone, so any element of any tensor can be drawn at
/// any time, in any order, on any thread.
package struct Philox: Hashable, Sendable {
  /// Four words of a counter or a result.
  package typealias Block = SIMD4<UInt32>

  /// The two key words.
  package let key: SIMD2<UInt32>

  /// Creates a generator from its key words.
  package init(key: SIMD2<UInt32>) {
    self.key = key
  }

  /// Creates a generator whose key is a seed, low word first.
  package init(seed: UInt64) {
    key = [UInt32(truncatingIfNeeded: seed), UInt32(truncatingIfNeeded: seed >> 32)]
  }

  /// Returns four random words for a counter.
  package func callAsFunction(_ counter: Block) -> Block {
    var block = counter
    var roundKey = key
    for round in 0..<10 {
      if round > 0 { roundKey &+= [0x9E37_79B9, 0xBB67_AE85] }
      let first = UInt64(block[0]) * 0xD251_1F53
      let second = UInt64(block[2]) * 0xCD9E_8D57
      block = [
        UInt32(second >> 32) ^ block[1] ^ roundKey[0], UInt32(truncatingIfNeeded: second),
        UInt32(first >> 32) ^ block[3] ^ roundKey[1], UInt32(truncatingIfNeeded: first),
      ]
    }
    return block
  }

  /// Returns the first words of a stream, four from each block: counter words are block (low, high), stream, 0.
  package func words(_ count: Int, stream: UInt32) -> [UInt32] {
    var words: [UInt32] = []
    words.reserveCapacity(count + 3)
    for block in 0..<UInt64((count + 3) / 4) {
      let low = UInt32(truncatingIfNeeded: block)
      let four = self([low, UInt32(block >> 32), stream, 0])
      for position in 0..<4 { words.append(four[position]) }
    }
    words.removeLast(words.count - count)
    return words
  }
}

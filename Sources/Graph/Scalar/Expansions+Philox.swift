// Philox4x32-10 in operations on 32-bit words, as `Philox` states it with 64-bit ones.

extension Expansions {
  /// The four words of a block, each a program of two key words and two counter words.
  static let philox = (0..<4).map { word in
    ScalarBuilder.program([.i32, .i32, .i32, .i32]) { operands in
      let zero = operands[0].constant(0)
      return rounds(key: (operands[0], operands[1]), [operands[2], operands[3], zero, zero])[word]
    }
  }

  private static func rounds(
    key: (ScalarValue, ScalarValue), _ counter: [ScalarValue]
  ) -> [ScalarValue] {
    var (key, block) = (key, counter)
    for round in 0..<10 {
      if round > 0 {
        key.0 = key.0 + key.0.constant(bits: 0x9E37_79B9)
        key.1 = key.1 + key.1.constant(bits: 0xBB67_AE85)
      }
      let first = product(block[0], 0xD251_1F53)
      let second = product(block[2], 0xCD9E_8D57)
      block = [
        second.high ^ block[1] ^ key.0, second.low, first.high ^ block[3] ^ key.1, first.low,
      ]
    }
    return block
  }

  /// Returns the 64 bits of the product of two unsigned words, by products of their halves.
  private static func product(
    _ x: ScalarValue, _ factor: UInt64
  ) -> (high: ScalarValue, low: ScalarValue) {
    func upper(_ value: ScalarValue) -> ScalarValue {
      value.apply(.shiftRightLogical, value.constant(16))
    }
    let half = x.constant(bits: 0xFFFF)
    let (low, high) = (x.constant(bits: factor & 0xFFFF), x.constant(bits: factor >> 16))
    let (a, b) = (x & half, upper(x))
    // No sum exceeds a word: each product is at most (2¹⁶ − 1)².
    let middle = b * low + upper(a * low)
    let other = a * high + (middle & half)
    return (b * high + upper(middle) + upper(other), x * x.constant(bits: factor))
  }
}

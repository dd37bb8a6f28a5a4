/// A prefix code as one table, looked up by the next bits of the stream.
///
/// An entry holds `symbol << 4 | length`, and zero where no code begins with these bits. Deflate
/// sends codes from their top bit down in a stream read from the low bit up, so codes are stored
/// reversed; a code shorter than the index stands at every index that ends with it.
struct HuffmanTable {
  /// The longest code deflate allows.
  static let maximumLength = 15

  /// How many bits index the table.
  let width: Int
  private let entries: [UInt16]

  /// Creates the code with these lengths, or nil where they form no complete prefix code.
  ///
  /// A single code of one bit, and no code at all, are incomplete and yet in use: a block without
  /// copies needs no distances.
  init?(lengths: [UInt8]) {
    var counts = [Int](repeating: 0, count: HuffmanTable.maximumLength + 1)
    for length in lengths { counts[Int(length)] += 1 }
    counts[0] = 0
    let width = counts.lastIndex { $0 > 0 } ?? 0

    var firstCodes = [Int](repeating: 0, count: HuffmanTable.maximumLength + 2)
    var unused = 1
    for length in stride(from: 1, through: width, by: 1) {
      unused = unused * 2 - counts[length]
      guard unused >= 0 else { return nil }
      firstCodes[length + 1] = (firstCodes[length] + counts[length]) * 2
    }
    guard unused == 0 || width <= 1 else { return nil }

    var entries = [UInt16](repeating: 0, count: 1 << width)
    for (symbol, length) in lengths.enumerated() where length > 0 {
      let code = HuffmanTable.reversed(firstCodes[Int(length)], bits: Int(length))
      firstCodes[Int(length)] += 1
      for index in stride(from: code, to: entries.count, by: 1 << Int(length)) {
        entries[index] = UInt16(symbol) << 4 | UInt16(length)
      }
    }
    self.width = width
    self.entries = entries
  }

  /// Accesses the entry for the next bits; higher bits are ignored.
  subscript(bits: UInt64) -> (symbol: Int, length: Int) {
    let entry = Int(entries[Int(bits & UInt64(entries.count - 1))])
    return (entry >> 4, entry & 15)
  }

  private static func reversed(_ code: Int, bits: Int) -> Int {
    var code = code
    var result = 0
    for _ in 0..<bits {
      result = result << 1 | code & 1
      code >>= 1
    }
    return result
  }
}

/// Decompression of a deflate stream (RFC 1951).
struct Inflate {
  /// What has been decompressed.
  private(set) var output: [UInt8] = []
  /// The first byte of the input behind what has been read.
  private(set) var position: Int

  private let input: [UInt8]
  private let limit: Int
  private let used: Int
  private let source: String
  /// Bits read ahead, the next one lowest.
  private var bits: UInt64 = 0
  private var bitCount = 0

  /// Decompresses the stream that starts at a position, within a limit of which some is used.
  init(_ input: [UInt8], at position: Int, limit: Int, used: Int, source: String)
    throws(FormatError)
  {
    self.input = input
    self.position = position
    self.limit = limit
    self.used = used
    self.source = source
    var isLast = false
    while !isLast {
      isLast = try take(1) == 1
      switch try take(2) {
      case 0: try copyStoredBlock()
      case 1: try expandBlock(literals: Inflate.fixedLiterals, distances: Inflate.fixedDistances)
      case 2: try expandDynamicBlock()
      default: throw .inflateBlockType(in: source)
      }
    }
    returnWholeBytes()
  }

  // MARK: Blocks

  private mutating func copyStoredBlock() throws(FormatError) {
    _ = try take(bitCount % 8)
    let length = try take(16)
    let check = try take(16)
    guard length ^ 0xffff == check else {
      throw .inflateStoredLength(length, check, in: source)
    }
    returnWholeBytes()
    guard length <= input.count - position else { throw .gzipTruncated(in: source) }
    try reserve(length)
    output += input[position..<position + length]
    position += length
  }

  private mutating func expandDynamicBlock() throws(FormatError) {
    let literalCount = try take(5) + 257
    let distanceCount = try take(5) + 1
    let lengthCount = try take(4) + 4
    guard literalCount <= 286, distanceCount <= 30 else {
      throw .inflateLengths(literalCount > 286 ? "literal" : "distance", in: source)
    }
    var lengthLengths = [UInt8](repeating: 0, count: 19)
    for symbol in Inflate.lengthOrder.prefix(lengthCount) {
      lengthLengths[symbol] = UInt8(try take(3))
    }
    guard let lengthTable = HuffmanTable(lengths: lengthLengths) else {
      throw .inflateLengths("length", in: source)
    }
    let lengths = try codeLengths(literalCount + distanceCount, by: lengthTable)
    // Without a code for the end of the block there is no way out of it.
    guard lengths[Inflate.endOfBlock] > 0,
      let literals = HuffmanTable(lengths: Array(lengths[..<literalCount]))
    else { throw .inflateLengths("literal", in: source) }
    guard let distances = HuffmanTable(lengths: Array(lengths[literalCount...])) else {
      throw .inflateLengths("distance", in: source)
    }
    try expandBlock(literals: literals, distances: distances)
  }

  /// Returns the code lengths of both alphabets, which are sent as one run-length coded list.
  private mutating func codeLengths(_ count: Int, by table: HuffmanTable) throws(FormatError)
    -> [UInt8]
  {
    var lengths: [UInt8] = []
    while lengths.count < count {
      let symbol = try next(table, "length")
      var value: UInt8 = 0
      var times = 1
      switch symbol {
      case 16:
        guard let last = lengths.last else { throw .inflateRepeat(in: source) }
        value = last
        times = try take(2) + 3
      case 17: times = try take(3) + 3
      case 18: times = try take(7) + 11
      default: value = UInt8(symbol)
      }
      guard times <= count - lengths.count else { throw .inflateRepeat(in: source) }
      lengths += repeatElement(value, count: times)
    }
    return lengths
  }

  private mutating func expandBlock(literals: HuffmanTable, distances: HuffmanTable)
    throws(FormatError)
  {
    while true {
      let symbol = try next(literals, "literal")
      if symbol == Inflate.endOfBlock { return }
      if symbol < Inflate.endOfBlock {
        try reserve(1)
        output.append(UInt8(symbol))
        continue
      }
      let lengthIndex = symbol - 257
      guard lengthIndex < Inflate.lengthBases.count else {
        throw .inflateCode("literal", in: source)
      }
      let length = Inflate.lengthBases[lengthIndex] + (try take(Inflate.lengthExtras[lengthIndex]))
      let distanceIndex = try next(distances, "distance")
      guard distanceIndex < Inflate.distanceBases.count else {
        throw .inflateCode("distance", in: source)
      }
      let extraBits = max(0, distanceIndex / 2 - 1)
      let distance = Inflate.distanceBases[distanceIndex] + (try take(extraBits))
      try copy(length, from: distance)
    }
  }

  /// Repeats bytes from a distance back, which may be shorter than the run itself.
  private mutating func copy(_ length: Int, from distance: Int) throws(FormatError) {
    guard distance <= output.count else {
      throw .inflateDistance(distance, at: output.count, in: source)
    }
    try reserve(length)
    let start = output.count - distance
    for offset in 0..<length { output.append(output[start + offset]) }
  }

  /// Checks that more bytes may be written: a small file can ask for a thousandfold of its size.
  private func reserve(_ count: Int) throws(FormatError) {
    guard count <= limit - used - output.count else { throw .inflateLimit(limit, in: source) }
  }

  // MARK: Bits

  private mutating func refill() {
    while bitCount <= 56 && position < input.count {
      bits |= UInt64(input[position]) << UInt64(bitCount)
      bitCount += 8
      position += 1
    }
  }

  private mutating func take(_ count: Int) throws(FormatError) -> Int {
    if bitCount < count { refill() }
    guard bitCount >= count else { throw .gzipTruncated(in: source) }
    let value = Int(bits & (1 << UInt64(count) - 1))
    bits >>= UInt64(count)
    bitCount -= count
    return value
  }

  private mutating func next(_ table: HuffmanTable, _ alphabet: String) throws(FormatError) -> Int {
    if bitCount < HuffmanTable.maximumLength { refill() }
    let (symbol, length) = table[bits]
    guard length > 0 else {
      throw bitCount < table.width
        ? .gzipTruncated(in: source) : .inflateCode(alphabet, in: source)
    }
    guard length <= bitCount else { throw .gzipTruncated(in: source) }
    bits >>= UInt64(length)
    bitCount -= length
    return symbol
  }

  /// Gives back the whole bytes that were read ahead and drops the rest of the current one.
  private mutating func returnWholeBytes() {
    position -= bitCount / 8
    bits = 0
    bitCount = 0
  }
}

// MARK: Tables

extension Inflate {
  private static let endOfBlock = 256

  private static let lengthBases = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
    163, 195, 227, 258,
  ]
  private static let lengthExtras = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
  ]
  private static let distanceBases = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
    3073, 4097, 6145, 8193, 12289, 16385, 24577,
  ]
  /// The order in which lengths of lengths are sent: the ones most often zero come last.
  private static let lengthOrder = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
  ]

  private static let fixedLiterals = fixedTable(
    [UInt8](repeating: 8, count: 144) + [UInt8](repeating: 9, count: 112)
      + [UInt8](repeating: 7, count: 24) + [UInt8](repeating: 8, count: 8))
  private static let fixedDistances = fixedTable([UInt8](repeating: 5, count: 32))

  private static func fixedTable(_ lengths: [UInt8]) -> HuffmanTable {
    guard let table = HuffmanTable(lengths: lengths) else {
      preconditionFailure("the fixed code lengths of deflate are complete")
    }
    return table
  }
}

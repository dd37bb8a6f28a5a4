/// Walks over the tokens of one line; each method takes what it names or throws what it found instead.
struct GraphTokenCursor {
  private let tokens: [GraphToken]
  private var position = 0

  init(_ tokens: [GraphToken]) {
    self.tokens = tokens
  }

  /// The next token, or nil at the end of the line.
  var next: GraphToken? { position < tokens.count ? tokens[position] : nil }

  /// Takes the next token if it is a symbol.
  mutating func take(_ symbol: Character) -> Bool {
    guard next == .symbol(symbol) else { return false }
    position += 1
    return true
  }

  /// Takes a symbol.
  mutating func expect(_ symbol: Character) throws(GraphError) {
    guard take(symbol) else { throw .expected("\"\(symbol)\"", found: next) }
  }

  /// Takes a word of a fixed spelling.
  mutating func expect(word: String) throws(GraphError) {
    guard next == .word(word) else { throw .expected("\"\(word)\"", found: next) }
    position += 1
  }

  /// Takes the end of the line.
  func expectEnd() throws(GraphError) {
    guard next == nil else { throw .expected("the end of the line", found: next) }
  }

  /// Takes a word.
  mutating func word(_ what: String) throws(GraphError) -> String {
    guard case .word(let word)? = next else { throw .expected(what, found: next) }
    position += 1
    return word
  }

  /// Takes a quoted string.
  mutating func string(_ what: String) throws(GraphError) -> String {
    guard case .string(let string)? = next else { throw .expected(what, found: next) }
    position += 1
    return string
  }

  /// Takes a value such as `%3` and returns its number.
  mutating func value() throws(GraphError) -> Int {
    guard case .value(let digits)? = next else {
      throw .expected("a value such as %3", found: next)
    }
    guard !digits.isEmpty else { throw .expected("a number after %", found: nil) }
    guard let number = Int(digits) else { throw .tooLarge("%\(digits)") }
    position += 1
    return number
  }

  /// Takes an element type and a shape, such as `f32[batch, 4]`.
  mutating func type() throws(GraphError) -> TensorType {
    let what = "a type such as f32[2, 3]"
    guard case .word(let word)? = next, let dataType = DataType(name: word) else {
      throw .expected(what, found: next)
    }
    position += 1
    return TensorType(dataType, Shape(try extents()))
  }

  /// Takes a list of extents, such as `[batch, 4]`.
  mutating func extents() throws(GraphError) -> [Extent] {
    try expect("[")
    var extents: [Extent] = []
    if take("]") { return extents }
    repeat { extents.append(try extent()) } while take(",")
    try expect("]")
    return extents
  }

  /// Takes an extent: `12`, `batch`, `2*batch+1`.
  mutating func extent() throws(GraphError) -> Extent {
    var scale = 1
    if case .number(let text)? = next {
      position += 1
      let number = try Self.integer(text)
      guard take("*") else { return Extent(offset: number) }
      scale = number
    }
    guard next == .word("batch") else { throw .expected("a number or batch", found: next) }
    position += 1
    if take("+") {
      guard case .number(let text)? = next else { throw .expected("a number", found: next) }
      position += 1
      return Extent(scale: scale, offset: try Self.integer(text))
    }
    if case .number(let text)? = next, text.hasPrefix("-") {
      position += 1
      return Extent(scale: scale, offset: try Self.integer(text))
    }
    return Extent(scale: scale, offset: 0)
  }

  /// Takes everything up to the closing bracket of a list that opens here, brackets excluded.
  mutating func bracketed() throws(GraphError) -> ArraySlice<GraphToken> {
    try expect("[")
    let start = position
    // A colon ends the attributes, so a list that is still open there lacks its bracket.
    while let token = next, token != .symbol("]"), token != .symbol(":") { position += 1 }
    let content = tokens[start..<position]
    try expect("]")
    return content
  }

  /// Takes whatever is next.
  mutating func skip() { position += 1 }

  private static func integer(_ text: String) throws(GraphError) -> Int {
    guard text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (48...57).contains($0) }),
      text != "-"
    else { throw .notWhole(text) }
    guard let number = Int(text) else { throw .tooLarge(text) }
    return number
  }
}

/// Reads the elements of constants.
struct ElementParser {
  /// How many elements may still be abbreviated; see `ElementPrinter`.
  private var remaining = ElementPrinter.repeatedElementLimit

  /// Returns the elements between brackets as an array of a type.
  mutating func array(
    _ op: String, _ type: TensorType, _ tokens: ArraySlice<GraphToken>
  ) throws(GraphError) -> NDArray {
    guard !type.shape.isSymbolic else { throw .symbolicElements(op, type) }
    let dimensions = type.shape.dimensions
    guard let count = NDArray.elementCount(dimensions) else { throw .impossibleSize(op, type) }
    let storage: NDArray.Storage
    switch type.dataType {
    case .f32: storage = .f32(try list(op, type, count, tokens, Float.parse))
    case .f64: storage = .f64(try list(op, type, count, tokens, Double.parse))
    case .i32: storage = .i32(try list(op, type, count, tokens, Int32.parse))
    case .i64: storage = .i64(try list(op, type, count, tokens, Int64.parse))
    case .u8: storage = .u8(try list(op, type, count, tokens, UInt8.parse))
    case .bool: storage = .bool(try list(op, type, count, tokens, Bool.parse))
    }
    return NDArray(storage, dimensions: dimensions)
  }

  private mutating func list<Element>(
    _ op: String, _ type: TensorType, _ count: Int, _ tokens: ArraySlice<GraphToken>,
    _ element: (String) throws(GraphError) -> Element
  ) throws(GraphError) -> [Element] {
    if tokens.count == 3, tokens.dropFirst().first == .word("of") {
      return try repeated(op, type, count, tokens, element)
    }
    var elements: [Element] = []
    elements.reserveCapacity(tokens.count / 2 + 1)
    var isElement = true
    for token in tokens {
      if isElement {
        elements.append(try element(try token.spelling(of: "an element")))
      } else if token != .symbol(",") {
        throw .expected("\",\" or \"]\"", found: token)
      }
      isElement.toggle()
    }
    guard !isElement || tokens.isEmpty else { throw .expected("an element", found: .symbol("]")) }
    guard elements.count == count else { throw .elementCount(op, elements.count, type) }
    return elements
  }

  /// Reads `12 of 0.5`.
  private mutating func repeated<Element>(
    _ op: String, _ type: TensorType, _ count: Int, _ tokens: ArraySlice<GraphToken>,
    _ element: (String) throws(GraphError) -> Element
  ) throws(GraphError) -> [Element] {
    let declared = try Int64.parse(try tokens[tokens.startIndex].spelling(of: "a count"))
    let value = try element(try tokens[tokens.endIndex - 1].spelling(of: "an element"))
    guard declared == count else { throw .elementCount(op, Int(declared), type) }
    guard count <= remaining else { throw .tooManyRepeated(op, count) }
    remaining -= count
    return Array(repeating: value, count: count)
  }
}

extension GraphToken {
  /// Returns the text of a word or number.
  fileprivate func spelling(of what: String) throws(GraphError) -> String {
    switch self {
    case .number(let text), .word(let text): return text
    case .value, .string, .symbol: throw .expected(what, found: self)
    }
  }
}

// MARK: - Elements

extension Double {
  /// Creates a number from the name it has where digits do not do.
  init?(special word: String) {
    switch word {
    case "inf": self = .infinity
    case "-inf": self = -.infinity
    case "nan": self = .nan
    default: return nil
    }
  }

  /// Returns the number a text stands for.
  static func parse(_ text: String) throws(GraphError) -> Double {
    if let special = Double(special: text) { return special }
    if text.hasPrefix("0x") {
      guard let bits = UInt64(text.dropFirst(2), radix: 16) else { throw .notNumber(text) }
      return Double(bitPattern: bits)
    }
    guard text.beginsAsNumber, let number = Double(text) else { throw .notNumber(text) }
    guard number.isFinite else { throw .outOfRange(text, .f64) }
    return number
  }
}

extension Float {
  fileprivate static func parse(_ text: String) throws(GraphError) -> Float {
    if let special = Double(special: text) { return Float(special) }
    if text.hasPrefix("0x") {
      guard let bits = UInt32(text.dropFirst(2), radix: 16) else { throw .notNumber(text) }
      return Float(bitPattern: bits)
    }
    guard text.beginsAsNumber, let number = Float(text) else { throw .notNumber(text) }
    guard number.isFinite else { throw .outOfRange(text, .f32) }
    return number
  }
}

extension FixedWidthInteger {
  fileprivate static func parse(_ text: String, _ dataType: DataType) throws(GraphError) -> Self {
    guard let number = Self(text) else {
      // The number is whole but large, or it is not a whole number at all.
      throw Double(text).map { $0 == $0.rounded() } == true
        ? .outOfRange(text, dataType) : .notWhole(text)
    }
    return number
  }
}

extension Int32 {
  fileprivate static func parse(_ text: String) throws(GraphError) -> Int32 {
    try parse(text, .i32)
  }
}

extension Int64 {
  fileprivate static func parse(_ text: String) throws(GraphError) -> Int64 {
    try parse(text, .i64)
  }
}

extension UInt8 {
  fileprivate static func parse(_ text: String) throws(GraphError) -> UInt8 {
    try parse(text, .u8)
  }
}

extension Bool {
  fileprivate static func parse(_ text: String) throws(GraphError) -> Bool {
    guard let value = Bool(text) else { throw .notTruthValue(text) }
    return value
  }
}

extension String {
  /// Whether the text begins as decimal numbers do; the standard library would also read names of infinities.
  fileprivate var beginsAsNumber: Bool {
    let digits = utf8.first == UInt8(ascii: "-") ? utf8.dropFirst() : utf8[...]
    guard let first = digits.first, (48...57).contains(first) else { return false }
    return !digits.dropFirst().starts(with: "x".utf8)
  }
}

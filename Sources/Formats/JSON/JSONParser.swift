/// A recursive parser of JSON that trusts nothing: depth, numbers, keys and UTF-8 are checked.
struct JSONParser {
  /// How many arrays and objects may stand within one another.
  ///
  /// Small enough for the stack of any thread, far more than any file of ours needs.
  private static let maximumDepth = 64

  private let bytes: [UInt8]
  private let name: String
  private var position = 0
  private var depth = 0

  init(_ bytes: [UInt8], name: String) {
    self.bytes = bytes
    self.name = name
  }

  mutating func document() throws(FormatError) -> JSONValue {
    let value = try value()
    skipSpace()
    guard position == bytes.count else { throw failure("text follows the value") }
    return value
  }

  // MARK: Values

  private mutating func value() throws(FormatError) -> JSONValue {
    skipSpace()
    guard let byte = peek else { throw failure("expected a value") }
    switch byte {
    case UInt8(ascii: "{"):
      return .object(try nested { (p) throws(FormatError) in try p.members() })
    case UInt8(ascii: "["):
      return .array(try nested { (p) throws(FormatError) in try p.elements() })
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw failure("expected a value")
    }
  }

  private mutating func nested<Part>(
    _ parse: (inout JSONParser) throws(FormatError) -> Part
  ) throws(FormatError) -> Part {
    guard depth < JSONParser.maximumDepth else {
      throw failure("more than \(JSONParser.maximumDepth) levels")
    }
    depth += 1
    position += 1
    let part = try parse(&self)
    depth -= 1
    return part
  }

  private mutating func elements() throws(FormatError) -> [JSONValue] {
    var elements: [JSONValue] = []
    skipSpace()
    if skip("]") { return elements }
    while true {
      elements.append(try value())
      skipSpace()
      if skip("]") { return elements }
      guard skip(",") else { throw failure("expected \",\" or \"]\"") }
    }
  }

  private mutating func members() throws(FormatError) -> [JSONValue.Member] {
    var members: [JSONValue.Member] = []
    var keys: Set<String> = []
    skipSpace()
    if skip("}") { return members }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw failure("expected a key in quotes") }
      let start = position
      let key = try string()
      guard keys.insert(key).inserted else {
        throw failure("duplicate key \(FormatError.quoted(key))", at: start)
      }
      skipSpace()
      guard skip(":") else { throw failure("expected \":\"") }
      members.append(JSONValue.Member(key, try value()))
      skipSpace()
      if skip("}") { return members }
      guard skip(",") else { throw failure("expected \",\" or \"}\"") }
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(FormatError) -> JSONValue {
    guard bytes[position...].starts(with: word.utf8) else { throw failure("expected a value") }
    position += word.utf8.count
    return value
  }

  // MARK: Numbers

  private mutating func number() throws(FormatError) -> JSONValue {
    let start = position
    let isNegative = skip("-")
    if !skip("0") { try digits() }
    var isWhole = true
    if skip(".") {
      isWhole = false
      try digits()
    }
    if skip("e") || skip("E") {
      isWhole = false
      if !skip("+") { _ = skip("-") }
      try digits()
    }
    let text = String(decoding: bytes[start..<position], as: UTF8.self)
    // Minus zero is a number of its own; an integer would lose its sign.
    if isWhole, let value = Int(text), !(isNegative && value == 0) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      throw failure("a number is out of range", at: start)
    }
    return .number(value)
  }

  private mutating func digits() throws(FormatError) {
    let start = position
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    guard position > start else { throw failure("expected a digit") }
  }

  // MARK: Strings

  private mutating func string() throws(FormatError) -> String {
    position += 1
    let start = position
    var text: [UInt8] = []
    var copied = start
    while true {
      guard let byte = peek else { throw failure("a string is not closed", at: start - 1) }
      guard byte >= 0x20 else { throw failure("a control character in a string") }
      if byte == UInt8(ascii: "\"") { break }
      position += 1
      if byte == UInt8(ascii: "\\") {
        text += bytes[copied..<position - 1]
        text += try escape().utf8
        copied = position
      }
    }
    text += bytes[copied..<position]
    position += 1
    guard let string = String(validating: text, as: UTF8.self) else {
      throw failure("a string is not UTF-8", at: start - 1)
    }
    return string
  }

  /// Returns what an escape stands for; the backslash has been read.
  private mutating func escape() throws(FormatError) -> String {
    let start = position - 1
    guard let byte = peek else { throw failure("a string is not closed") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"):
      return String(UnicodeScalar(byte))
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{c}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw failure("an unknown escape", at: start)
    }
    let unit = try hexUnit()
    if let scalar = UnicodeScalar(unit) { return String(scalar) }
    // Characters beyond 16 bits come as a pair; half of one is no character.
    guard unit < 0xdc00, skip("\\"), skip("u") else {
      throw failure("half a surrogate pair", at: start)
    }
    let low = try hexUnit()
    guard (0xdc00...0xdfff).contains(low),
      let scalar = UnicodeScalar(0x1_0000 + (unit - 0xd800) << 10 + (low - 0xdc00))
    else { throw failure("half a surrogate pair", at: start) }
    return String(scalar)
  }

  private mutating func hexUnit() throws(FormatError) -> UInt32 {
    let digits = bytes[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ UnicodeScalar($0).properties.isASCIIHexDigit }),
      let unit = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw failure("expected four hexadecimal digits") }
    position += 4
    return unit
  }

  // MARK: Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skip(_ character: UnicodeScalar) -> Bool {
    guard peek.map(UInt32.init) == character.value else { return false }
    position += 1
    return true
  }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || (0x09...0x0a).contains(byte) || byte == 0x0d {
      position += 1
    }
  }

  private func failure(_ message: String, at position: Int? = nil) -> FormatError {
    .json(message, at: position ?? self.position, in: name)
  }
}

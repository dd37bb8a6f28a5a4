/// The smallest piece of a line of graph text.
enum GraphToken: Equatable {
  /// `%12`, without the sign.
  case value(String)
  /// A name, `relu`.
  case word(String)
  /// What begins like a number, `-1.5e-08`, `inf` excepted; whether it is one is seen where it is used.
  case number(String)
  /// A quoted string, its escapes resolved.
  case string(String)
  /// One of `=(),[]:*+`.
  case symbol(Character)
}

/// Cuts one line of graph text into tokens; comments and blanks vanish.
struct GraphLexer {
  private let bytes: ArraySlice<UInt8>
  private var position: Int

  init(line: ArraySlice<UInt8>) {
    bytes = line
    position = line.startIndex
  }

  /// Returns all tokens of the line.
  mutating func tokens() throws(GraphError) -> [GraphToken] {
    var tokens: [GraphToken] = []
    while let byte = peek() {
      switch byte {
      case Ascii.space, Ascii.tab, Ascii.carriageReturn:
        position += 1
      case Ascii.slash:
        guard peek(1) == Ascii.slash else { throw .unexpectedCharacter("/") }
        return tokens
      case Ascii.quote:
        tokens.append(.string(try quotedString()))
      case Ascii.percent:
        position += 1
        tokens.append(.value(run { Ascii.isDigit($0) }))
      case _ where Ascii.isDigit(byte) || byte == Ascii.minus:
        tokens.append(.number(number()))
      case _ where Ascii.isLetter(byte):
        tokens.append(.word(run { Ascii.isLetter($0) || Ascii.isDigit($0) }))
      default:
        tokens.append(.symbol(try symbol()))
      }
    }
    return tokens
  }

  private func peek(_ distance: Int = 0) -> UInt8? {
    let index = position + distance
    return index < bytes.endIndex ? bytes[index] : nil
  }

  private mutating func run(while belongs: (UInt8) -> Bool) -> String {
    let start = position
    while let byte = peek(), belongs(byte) { position += 1 }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func number() -> String {
    var previous: UInt8 = 0
    let isHexadecimal = peek() == Ascii.zero && peek(1) == Ascii.x
    return run { byte in
      defer { previous = byte }
      if byte == Ascii.minus || byte == Ascii.plus {
        // A sign begins a number or its exponent; elsewhere it joins the parts of an extent.
        return previous == 0 ? byte == Ascii.minus : previous == Ascii.e && !isHexadecimal
      }
      return Ascii.isDigit(byte) || Ascii.isLetter(byte) || byte == Ascii.point
    }
  }

  private mutating func symbol() throws(GraphError) -> Character {
    let rest = String(decoding: bytes[position...].prefix(4), as: UTF8.self)
    let character = rest.first ?? "?"
    guard "=(),[]:*+".contains(character) else { throw .unexpectedCharacter(character) }
    position += 1
    return character
  }

  // MARK: - Strings

  private mutating func quotedString() throws(GraphError) -> String {
    position += 1
    var content: [UInt8] = []
    while let byte = peek() {
      position += 1
      switch byte {
      case Ascii.quote: return String(decoding: content, as: UTF8.self)
      case Ascii.backslash: content += try escape().utf8
      default: content.append(byte)
      }
    }
    throw .unterminatedString
  }

  private mutating func escape() throws(GraphError) -> String {
    guard let byte = peek() else { throw .unterminatedString }
    position += 1
    switch byte {
    case Ascii.quote: return "\""
    case Ascii.backslash: return "\\"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "u"): return try unicodeEscape()
    default: throw .unknownEscape
    }
  }

  private mutating func unicodeEscape() throws(GraphError) -> String {
    guard peek() == UInt8(ascii: "{") else { throw .unknownEscape }
    position += 1
    let digits = run { Ascii.isDigit($0) || Ascii.isLetter($0) }
    guard peek() == UInt8(ascii: "}"), let code = UInt32(digits, radix: 16),
      let scalar = Unicode.Scalar(code)
    else { throw .unknownEscape }
    position += 1
    return String(Character(scalar))
  }
}

/// The bytes that graph text gives a meaning to.
private enum Ascii {
  static let space = UInt8(ascii: " ")
  static let tab = UInt8(ascii: "\t")
  static let carriageReturn = UInt8(ascii: "\r")
  static let slash = UInt8(ascii: "/")
  static let quote = UInt8(ascii: "\"")
  static let backslash = UInt8(ascii: "\\")
  static let percent = UInt8(ascii: "%")
  static let minus = UInt8(ascii: "-")
  static let plus = UInt8(ascii: "+")
  static let point = UInt8(ascii: ".")
  static let zero = UInt8(ascii: "0")
  static let e = UInt8(ascii: "e")
  static let x = UInt8(ascii: "x")

  static func isDigit(_ byte: UInt8) -> Bool { byte >= zero && byte <= UInt8(ascii: "9") }

  static func isLetter(_ byte: UInt8) -> Bool {
    let lower = byte | 0x20
    return lower >= UInt8(ascii: "a") && lower <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
  }
}

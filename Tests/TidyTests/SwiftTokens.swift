/// Swift source as words and punctuation, without comments and the contents of strings.
///
/// This is far from a parser: just enough that a word in a comment or a message is not taken for code.
struct SwiftTokens {
  struct Token: Equatable {
    /// The line, counted from 1.
    let line: Int
    /// An identifier, keyword or number, or one character of punctuation.
    let text: String
  }

  private(set) var tokens: [Token] = []
  /// The lines on which there is a part of a string.
  private(set) var stringLines: Set<Int> = []
  private let bytes: [UInt8]
  private var position = 0
  private var line = 1

  init(_ source: String) {
    bytes = Array(source.utf8)
    scan(untilParenthesis: false)
  }

  private func byte(_ offset: Int = 0) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  private func isNext(_ text: StaticString) -> Bool {
    let wanted = Array(text.description.utf8)
    return bytes.count - position >= wanted.count
      && wanted.indices.allSatisfy { bytes[position + $0] == wanted[$0] }
  }

  private mutating func advance() {
    if bytes[position] == UInt8(ascii: "\n") { line += 1 }
    position += 1
  }

  /// Scans code to the end, or up to the parenthesis that closes an interpolation.
  private mutating func scan(untilParenthesis: Bool) {
    var depth = 0
    while let next = byte() {
      switch next {
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "/"): skipLine()
      case UInt8(ascii: "/") where byte(1) == UInt8(ascii: "*"): skipBlockComment()
      case UInt8(ascii: "\""): skipString(hashes: 0)
      case UInt8(ascii: "#"): skipRawStringOrMark()
      case UInt8(ascii: "_"), 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x80...: readWord()
      case 0...0x20: advance()
      default:
        if next == UInt8(ascii: "(") { depth += 1 }
        if next == UInt8(ascii: ")") {
          if untilParenthesis && depth == 0 { return }
          depth -= 1
        }
        tokens.append(Token(line: line, text: String(UnicodeScalar(next))))
        advance()
      }
    }
  }

  private mutating func readWord() {
    let start = position
    while let next = byte(), next == UInt8(ascii: "_") || next >= 0x80 || isLetterOrDigit(next) {
      position += 1
    }
    tokens.append(
      Token(line: line, text: String(decoding: bytes[start..<position], as: UTF8.self)))
  }

  private func isLetterOrDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  private mutating func skipLine() {
    while let next = byte(), next != UInt8(ascii: "\n") { position += 1 }
  }

  private mutating func skipBlockComment() {
    var depth = 0
    while byte() != nil {
      if isNext("/*") {
        depth += 1
        position += 2
      } else if isNext("*/") {
        depth -= 1
        position += 2
        if depth == 0 { return }
      } else {
        advance()
      }
    }
  }

  private mutating func skipRawStringOrMark() {
    var hashes = 0
    while byte(hashes) == UInt8(ascii: "#") { hashes += 1 }
    if byte(hashes) == UInt8(ascii: "\"") {
      position += hashes
      skipString(hashes: hashes)
    } else {
      tokens.append(Token(line: line, text: "#"))
      position += 1
    }
  }

  /// Skips a string, but scans the code that is interpolated into it.
  private mutating func skipString(hashes: Int) {
    let quotes = isNext("\"\"\"") ? 3 : 1
    position += quotes
    while let next = byte() {
      stringLines.insert(line)
      if next == UInt8(ascii: "\""), closes(quotes, hashes) {
        position += quotes + hashes
        return
      }
      if next == UInt8(ascii: "\\"), (0..<hashes).allSatisfy({ byte(1 + $0) == UInt8(ascii: "#") })
      {
        position += 1 + hashes
        if byte() == UInt8(ascii: "(") {
          position += 1
          scan(untilParenthesis: true)
        }
        if byte() != nil { advance() }
      } else {
        advance()
      }
    }
  }

  private func closes(_ quotes: Int, _ hashes: Int) -> Bool {
    (0..<quotes).allSatisfy { byte($0) == UInt8(ascii: "\"") }
      && (0..<hashes).allSatisfy { byte(quotes + $0) == UInt8(ascii: "#") }
  }
}

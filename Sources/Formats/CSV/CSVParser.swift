/// Splits text into rows of cells (RFC 4180, with any of the three line ends).
///
/// Empty lines are skipped. A quote counts only as a cell's first character; within quotes, two
/// quotes stand for one, and separators and line ends are text.
struct CSVParser {
  /// The line on which the last row started.
  private(set) var rowLine = 1

  private let bytes: [UInt8]
  private let name: String
  private let separator: UInt8
  private var position = 0
  private var line = 1

  init(_ bytes: [UInt8], name: String, separator: UInt8) {
    self.bytes = bytes
    self.name = name
    self.separator = separator
    if bytes.starts(with: [0xef, 0xbb, 0xbf]) { position = 3 }  // a byte order mark
  }

  /// Skips the rest of the current line.
  mutating func skipLine() {
    while position < bytes.count && !isLineEnd(bytes[position]) { position += 1 }
    skipLineEnd()
  }

  /// Replaces the cells by those of the next row and returns the row's line, or nil at the end.
  mutating func nextRow(into cells: inout [String]) throws(FormatError) -> Int? {
    cells.removeAll(keepingCapacity: true)
    while position < bytes.count && isLineEnd(bytes[position]) { skipLineEnd() }
    guard position < bytes.count else { return nil }
    rowLine = line
    while true {
      cells.append(try nextCell())
      guard position < bytes.count, bytes[position] == separator else { break }
      position += 1
    }
    skipLineEnd()
    return rowLine
  }

  /// Returns a cell and stops at the separator, line end or end of file behind it.
  private mutating func nextCell() throws(FormatError) -> String {
    if position < bytes.count && bytes[position] == CSVParser.quote { return try quotedCell() }
    let start = position
    while position < bytes.count, bytes[position] != separator, !isLineEnd(bytes[position]) {
      position += 1
    }
    return String(decoding: bytes[start..<position], as: UTF8.self)
  }

  private mutating func quotedCell() throws(FormatError) -> String {
    let firstLine = line
    var text: [UInt8] = []
    position += 1
    while true {
      guard position < bytes.count else { throw .openQuote(in: name, line: firstLine) }
      let byte = bytes[position]
      if byte == CSVParser.quote {
        position += 1
        guard position < bytes.count, bytes[position] == CSVParser.quote else { break }
        text.append(byte)
        position += 1
      } else if isLineEnd(byte) {
        let start = position
        skipLineEnd()
        text += bytes[start..<position]
      } else {
        text.append(byte)
        position += 1
      }
    }
    guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position])
    else { throw .afterQuote(in: name, line: line) }
    return String(decoding: text, as: UTF8.self)
  }

  private static let quote = UInt8(ascii: "\"")

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == 0x0a || byte == 0x0d }

  private mutating func skipLineEnd() {
    guard position < bytes.count else { return }
    let isPair =
      bytes[position] == 0x0d && position + 1 < bytes.count && bytes[position + 1] == 0x0a
    position += isPair ? 2 : 1
    line += 1
  }
}

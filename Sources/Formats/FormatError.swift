/// A file that cannot be read or written: which one, where in it, and what is wrong.
public struct FormatError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file's name; empty where the message names the file itself.
  public let source: String
  /// What was found and what was expected.
  public let message: String
  /// The line in a text file, counted from one.
  public let line: Int?

  /// Creates an error.
  package init(_ message: String, in source: String, line: Int? = nil) {
    self.source = source
    self.message = message
    self.line = line
  }

  /// The error as a compiler prints it, such as `faithful.csv:7: column "waiting" has no value`.
  public var description: String {
    if source.isEmpty { return message }
    guard let line else { return "\(source): \(message)" }
    return "\(source):\(line): \(message)"
  }
}

extension FormatError {
  /// Returns text from a file in quotes, cut to a length a terminal can bear.
  static func quoted(_ text: String) -> String {
    var shown = "\""
    for scalar in text.unicodeScalars.prefix(60) {
      shown += scalar.value < 0x20 ? "\\u{\(String(scalar.value, radix: 16))}" : String(scalar)
    }
    return shown + (text.unicodeScalars.count > 60 ? "…\"" : "\"")
  }

  /// Returns dimensions from a file in brackets, cut after the first eight.
  static func list(_ dimensions: [Int]) -> String {
    let shown = dimensions.prefix(8).map(String.init) + (dimensions.count > 8 ? ["…"] : [])
    return "[" + shown.joined(separator: ", ") + "]"
  }

  /// Returns a number as C writes it in base 16, padded with zeros.
  static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

/// What went wrong while a program was loaded or run: what was found, and what was expected.
public struct RuntimeError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, beginning with the part that noticed it.
  public let message: String
  /// How it may be mended.
  public let hint: String?

  package init(_ message: String, hint: String? = nil) {
    self.message = message
    self.hint = hint
  }

  /// The error as a compiler prints it: message, then hint.
  public var description: String {
    guard let hint else { return "error: \(message)" }
    return "error: \(message)\n  hint: \(hint)"
  }
}

// The texts of this module stand together, so that they can be read as one voice.
extension RuntimeError {
  static func outOfMemory(byteCount: Int) -> RuntimeError {
    RuntimeError(
      "arena: the system refused \(byteCount) bytes of memory",
      hint: "a smaller batch needs less")
  }

  static func negativeByteCount(_ byteCount: Int) -> RuntimeError {
    RuntimeError("arena: expected a byte count of at least 0, found \(byteCount)")
  }

  static func threadCount(_ count: Int, limit: Int) -> RuntimeError {
    RuntimeError("thread pool: expected 1 to \(limit) threads, found \(count)")
  }

  static func threadNotStarted(_ index: Int, of count: Int) -> RuntimeError {
    RuntimeError(
      "thread pool: the system refused to start thread \(index + 1) of \(count)",
      hint: "ask for fewer threads, or raise the limit on processes")
  }
}

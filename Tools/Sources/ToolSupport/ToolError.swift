/// A mistake in how a tool is used that no part of the library notices.
public struct ToolError: Error, Hashable, CustomStringConvertible {
  /// What was found and what was expected.
  public let message: String

  /// Creates an error.
  public init(_ message: String) { self.message = message }

  /// The error as the library prints its own.
  public var description: String { "error: \(message)" }
}

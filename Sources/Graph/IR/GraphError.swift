/// One mistake in a graph: what was found, what was expected, and where the user wrote it.
public struct GraphError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What is wrong, beginning with the operation's name.
  public let message: String
  /// How it may be mended.
  public let hint: String?
  /// The place in the user's program.
  public var origin: Origin

  /// Creates an error.
  public init(_ message: String, hint: String? = nil, at origin: Origin = .unknown) {
    self.message = message
    self.hint = hint
    self.origin = origin
  }

  /// The error as a compiler prints it: place, message, layer, hint.
  public var description: String {
    var text = origin.file.isEmpty ? "error: \(message)" : "\(origin.location): error: \(message)"
    if !origin.layer.isEmpty { text += "\n  in layer \(origin.layer)" }
    if let hint { text += "\n  hint: \(hint)" }
    return text
  }
}

/// All mistakes found in one graph, in the order in which they were written.
public struct GraphErrors: Error, Hashable, Sendable, CustomStringConvertible {
  /// The mistakes; never empty when thrown.
  public let errors: [GraphError]

  /// Creates the collection.
  public init(_ errors: [GraphError]) {
    self.errors = errors
  }

  /// The errors, one after the other.
  public var description: String { errors.map(\.description).joined(separator: "\n") }
}

import Foundation
public import Testing

/// Expects a text to equal the literal at the call site.
///
/// With `UPDATE_SNAPSHOTS=1` in the environment, a literal that differs is rewritten in its file instead. One
/// rewriting a file and run is safe, since it moves the lines below; repeat the run for more.
public func expectSnapshot(
  _ text: String, _ expected: String, sourceLocation: SourceLocation = #_sourceLocation
) {
  guard text != expected else { return }
  guard SnapshotSource.isUpdating else {
    Issue.record(
      "the snapshot differs; the text is now\n\(text)", sourceLocation: sourceLocation)
    return
  }
  do {
    let path = sourceLocation.filePath
    let source = try String(contentsOfFile: path, encoding: .utf8)
    let updated = try SnapshotSource.replacingLiteral(
      in: source, after: sourceLocation.line, by: text)
    try updated.write(toFile: path, atomically: true, encoding: .utf8)
  } catch {
    Issue.record("the snapshot could not be updated: \(error)", sourceLocation: sourceLocation)
  }
}

/// Finds and writes multi-line string literals in Swift source.
public enum SnapshotSource {
  /// There is no multi-line literal where one was to be.
  public struct LiteralNotFound: Error {}

  /// Whether this run rewrites snapshots instead of comparing them.
  public static let isUpdating = ProcessInfo.processInfo.environment["UPDATE_SNAPSHOTS"] == "1"

  /// Returns the source with the first multi-line literal at or below a line, counted from 1, replaced.
  public static func replacingLiteral(
    in source: String, after line: Int, by text: String
  ) throws -> String {
    var lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let trimmed = { (line: String) in line.trimmingCharacters(in: .whitespaces) }
    guard
      let open = lines.indices.dropFirst(line - 1).first(where: { lines[$0].hasSuffix("\"\"\"") }),
      let close = lines.indices.dropFirst(open + 1).first(where: {
        trimmed(lines[$0]).hasPrefix("\"\"\"")
      })
    else { throw LiteralNotFound() }
    let indentation = lines[close].prefix { $0 == " " }
    let body = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      line.isEmpty ? "" : indentation + escaped(String(line))
    }
    lines.replaceSubrange(open + 1..<close, with: body)
    return lines.joined(separator: "\n")
  }

  private static func escaped(_ line: String) -> String {
    line.replacingOccurrences(of: "\\", with: "\\\\")
      .replacingOccurrences(of: "\"\"\"", with: "\\\"\"\"")
  }
}

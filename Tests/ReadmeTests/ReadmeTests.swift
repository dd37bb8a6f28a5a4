import Foundation
import Testing

@Suite struct ReadmeTests {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent()
  static let root = folder.deletingLastPathComponent().deletingLastPathComponent()

  @Test func theCodeIsCompiled() throws {
    let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
    let source = try String(
      contentsOf: Self.folder.appending(path: "Snippets.swift"), encoding: .utf8)
    let shown = Self.blocks(readme).map { $0.filter { $0 != "import Descent" } }
    let compiled = Self.snippets(source)
    #expect(shown.count >= 2)
    #expect(shown.map(Self.trimmed) == compiled.map(Self.trimmed))
  }

  @Test func blocksAndSnippetsAreFound() {
    #expect(
      Self.blocks("a\n```swift\nb\nc\n```\n```sh\nd\n```\n```swift\n```") == [["b", "c"], []])
    #expect(
      Self.snippets("x\n    // README\n    a\n\n      b\n    // README\ny") == [["a", "", "  b"]])
    #expect(Self.trimmed(["", "a", "", "b", ""]) == ["a", "", "b"])
  }

  /// Returns the lines of each block of Swift in a document.
  static func blocks(_ document: String) -> [[String]] {
    var blocks: [[String]] = []
    var block: [String]?
    for line in document.components(separatedBy: "\n") {
      if let lines = block {
        if line == "```" { blocks.append(lines) }
        block = line == "```" ? nil : lines + [line]
      } else if line == "```swift" {
        block = []
      } else if line.hasPrefix("```") {
        // Another language's block: its end opens nothing.
        block = nil
      }
    }
    return blocks
  }

  /// Returns the lines between marks, without the marks' own indentation.
  static func snippets(_ source: String) -> [[String]] {
    var snippets: [[String]] = []
    var snippet: [String]?
    for line in source.components(separatedBy: "\n") {
      if line.trimmingCharacters(in: .whitespaces) == "// README" {
        if let snippet { snippets.append(snippet) }
        snippet = []
      } else {
        snippet?.append(line.hasPrefix("    ") ? String(line.dropFirst(4)) : line)
      }
    }
    return snippets
  }

  static func trimmed(_ lines: [String]) -> [String] {
    let start = lines.firstIndex { !$0.isEmpty } ?? 0
    let end = lines.lastIndex { !$0.isEmpty } ?? -1
    return start <= end ? Array(lines[start...end]) : []
  }
}

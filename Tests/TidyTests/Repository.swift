import Foundation

/// A text file of the repository.
struct TextFile {
  /// The path from the repository's root.
  let path: String
  let text: String

  var name: String { path.split(separator: "/").last.map(String.init) ?? path }

  var lines: [Substring] { text.split(separator: "\n", omittingEmptySubsequences: false) }

  func isUnder(_ folder: String) -> Bool { path.hasPrefix(folder + "/") }
}

/// One thing that is not as it should be.
struct Finding: Equatable, CustomStringConvertible {
  let path: String
  let line: Int
  let message: String

  init(_ file: TextFile, line: Int = 1, _ message: String) {
    path = file.path
    self.line = line
    self.message = message
  }

  var description: String { "\(path):\(line): \(message)" }
}

/// The text files of the repository these tests belong to.
enum Repository {
  static let root: URL = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  static let files: [TextFile] = {
    let extensions: Set = ["swift", "md", "graph", "yml", ""]
    let keys: [URLResourceKey] = [.isRegularFileKey]
    guard let walk = FileManager.default.enumerator(at: root, includingPropertiesForKeys: keys)
    else { return [] }
    var files: [TextFile] = []
    for case let url as URL in walk {
      let name = url.lastPathComponent
      if name.hasPrefix(".build") || [".git", ".swiftpm"].contains(name) {
        walk.skipDescendants()
      } else if extensions.contains(url.pathExtension),
        let text = try? String(contentsOf: url, encoding: .utf8)
      {
        files.append(TextFile(path: String(url.path.dropFirst(root.path.count + 1)), text: text))
      }
    }
    return files.sorted { $0.path < $1.path }
  }()

  static let swift: [TextFile] = files.filter { $0.path.hasSuffix(".swift") }
  static let sources: [TextFile] = swift.filter { $0.isUnder("Sources") }
  static let markdown: [TextFile] = files.filter { $0.path.hasSuffix(".md") }
}

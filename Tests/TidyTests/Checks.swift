// What is checked, each as a function from a file to its findings. Words that are looked for are put together
// from halves where this file would else find itself.

/// The rules of the code, applied to files one by one.
enum Checks {
  // MARK: - Swift

  /// Finds words that stand for memory without guards.
  static func unsafeConstructs(_ file: TextFile) -> [Finding] {
    SwiftTokens(file.text).tokens.filter { token in
      token.text.hasPrefix("unsafe") || token.text.hasPrefix("Unsafe")
        || token.text.hasPrefix("withUnsafe") || token.text == "OpaquePointer"
    }.map { Finding(file, line: $0.line, "\($0.text) outside the places that may touch memory") }
  }

  /// Finds imports of modules that are not in a list.
  static func imports(_ file: TextFile, allowed: Set<String>) -> [Finding] {
    importedModules(file).filter { !allowed.contains($0.module) }.map {
      Finding(file, line: $0.line, "imports \($0.module), which does not lie below it")
    }
  }

  static func importedModules(_ file: TextFile) -> [(module: String, line: Int)] {
    let kinds: Set = ["struct", "class", "enum", "protocol", "func", "typealias", "let", "var"]
    let tokens = SwiftTokens(file.text).tokens
    return tokens.indices.filter { tokens[$0].text == "import" }.compactMap { index in
      let name = tokens.dropFirst(index + 1).first { !kinds.contains($0.text) }
      return name.map { ($0.text, tokens[index].line) }
    }
  }

  /// Finds calls that write to standard output.
  static func printing(_ file: TextFile) -> [Finding] {
    let tokens = SwiftTokens(file.text).tokens
    return tokens.indices.dropLast().filter { index in
      ["print", "debugPrint"].contains(tokens[index].text) && tokens[index + 1].text == "("
        && (index == 0 || ![".", "func"].contains(tokens[index - 1].text))
    }.map { Finding(file, line: tokens[$0].line, "\(tokens[$0].text) in the library") }
  }

  /// Finds a module that is imported with its internals, and flags that turn checks off.
  static func backDoors(_ file: TextFile) -> [Finding] {
    let words: Set = ["testable", "unsafeFlags"]
    return SwiftTokens(file.text).tokens.filter { words.contains($0.text) }.map {
      Finding(file, line: $0.line, "\($0.text) is not used here")
    }
  }

  /// Finds lines that are too wide to be read beside another file; texts may be as long as they are.
  static func width(_ file: TextFile, limit: Int = 120) -> [Finding] {
    let wide = file.lines.enumerated().filter { $0.element.utf8.count > limit }
      .map { (line: $0.offset + 1, columns: $0.element.count) }.filter { $0.columns > limit }
    guard !wide.isEmpty else { return [] }
    let texts = SwiftTokens(file.text).stringLines
    return wide.filter { !texts.contains($0.line) }
      .map { Finding(file, line: $0.line, "\($0.columns) columns, more than \(limit)") }
  }

  // MARK: - Any text

  /// Finds notes about work left undone.
  static func leftovers(_ file: TextFile) -> [Finding] {
    find(["TO" + "DO", "FIX" + "ME", "XX" + "X:"], in: file) { "\($0): do it, or leave it out" }
  }

  /// Finds paths that exist on one machine only.
  static func machinePaths(_ file: TextFile) -> [Finding] {
    find(["/ho" + "me/", "/ro" + "ot/", "/wo" + "rk/", "/Us" + "ers/"], in: file) {
      "\($0)… is a path of one machine"
    }
  }

  private static func find(
    _ words: [String], in file: TextFile, message: (String) -> String
  ) -> [Finding] {
    // Most files have none of the words, and the standard library searches bytes fast.
    guard words.contains(where: { file.text.utf8.firstRange(of: $0.utf8) != nil }) else {
      return []
    }
    return file.lines.enumerated().flatMap { index, line in
      words.filter { isWord($0, in: line) }.map { Finding(file, line: index + 1, message($0)) }
    }
  }

  /// Whether a word stands in a line other than as the end of a longer one.
  private static func isWord(_ word: String, in line: Substring) -> Bool {
    line.ranges(of: word).contains { range in
      guard range.lowerBound > line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !before.isLetter && !before.isNumber && before != "." && before != "_"
    }
  }

  /// Finds documents that do not have exactly one title.
  static func title(_ file: TextFile) -> [Finding] {
    var isCode = false
    var titles: [Int] = []
    for (index, line) in file.lines.enumerated() {
      if line.hasPrefix("```") { isCode.toggle() }
      if !isCode, line.hasPrefix("# ") { titles.append(index + 1) }
    }
    guard titles.count != 1 else { return [] }
    return [Finding(file, line: titles.last ?? 1, "\(titles.count) titles, expected one")]
  }

  /// Finds places in the repository that a document names, such as `Sources/Graph`, and that do not exist.
  static func deadPaths(_ file: TextFile, exists: (String) -> Bool) -> [Finding] {
    let folders = ["Sources/", "Tests/", "Tools/", "Examples/", ".ci/"]
    return file.lines.enumerated().flatMap { index, line in
      // Every second part of the line stands between backticks.
      line.split(separator: "`", omittingEmptySubsequences: false).enumerated()
        .filter { $0.offset % 2 == 1 }
        .compactMap { $0.element.split(separator: " ").first.map(String.init) }
        .filter { word in folders.contains { word.hasPrefix($0) } && !exists(word) }
        .map { Finding(file, line: index + 1, "there is no \($0)") }
    }
  }

  // MARK: - The set of files

  /// Returns the families of operations, read off the closed enum's cases such as `case leaf(Leaf)`.
  static func families(_ file: TextFile) -> [String] {
    let tokens = SwiftTokens(file.text).tokens.map(\.text)
    return tokens.indices.dropLast(4).compactMap { index in
      let isCase =
        tokens[index] == "case" && tokens[index + 2] == "(" && tokens[index + 4] == ")"
        && tokens[index + 3].lowercased() == tokens[index + 1].lowercased()
      return isCase ? tokens[index + 3] : nil
    }
  }

  /// Returns the rooms in which a family of operations should have a file and has none.
  static func missingRooms(of family: String, in paths: Set<String>) -> [String] {
    ["Sources/Graph/Ops", "Sources/Passes/Differentiation", "Sources/Codegen/Lowering"].filter {
      !paths.contains("\($0)/\(family).swift")
    }
  }
}

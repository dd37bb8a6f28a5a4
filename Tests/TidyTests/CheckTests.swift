import Testing

/// Each check can fail, and does not fail on what only looks alike.
@Suite struct CheckTests {
  private func lines(_ check: (TextFile) -> [Finding], _ text: String) -> [Int] {
    check(TextFile(path: "Sources/Graph/A.swift", text: text)).map(\.line)
  }

  @Test func findsCodeButNotCommentsAndStrings() {
    let source = ###"""
      let a = "one \(two("three")) four" // five
      /* six /* seven */ eight */ let b = """
        nine
        """
      let c = ##"ten " \#(eleven) "##
      """###
    let words = SwiftTokens(source).tokens.filter { $0.text.first?.isLetter == true }
    #expect(words.map(\.text) == ["let", "a", "two", "let", "b", "let", "c"])
    #expect(words.map(\.line) == [1, 1, 1, 2, 2, 5, 5])
  }

  @Test func unsafeConstructsAreFound() {
    #expect(lines(Checks.unsafeConstructs, "let p: UnsafeRawPointer") == [1])
    #expect(lines(Checks.unsafeConstructs, "\nunsafe f()") == [2])
    #expect(lines(Checks.unsafeConstructs, "a.withUnsafeBytes { _ in }") == [1])
    #expect(lines(Checks.unsafeConstructs, "b = unsafeBitCast(a, to: B.self)") == [1])
    #expect(lines(Checks.unsafeConstructs, "nonisolated(unsafe) var x = 1") == [1])
    #expect(lines(Checks.unsafeConstructs, "// unsafe\nlet text = \"unsafe\"") == [])
  }

  @Test func importsAreFound() {
    let file = TextFile(
      path: "Sources/Graph/A.swift",
      text: """
        // import Comment
        public import DescentGraph
        @_exported public import DescentRuntime
        import struct Foundation.Date
        """)
    #expect(
      Checks.importedModules(file).map(\.module) == [
        "DescentGraph", "DescentRuntime", "Foundation",
      ]
    )
    #expect(Checks.imports(file, allowed: ["DescentGraph", "DescentRuntime"]).map(\.line) == [4])
  }

  @Test func printingIsFound() {
    #expect(lines(Checks.printing, "print(1)") == [1])
    #expect(lines(Checks.printing, "if x { debugPrint(1) }") == [1])
    #expect(lines(Checks.printing, "printer.print(1)\nfunc print() {}\n// print(1)") == [])
  }

  @Test func backDoorsAreFound() {
    #expect(lines(Checks.backDoors, "@testable import A") == [1])
    #expect(lines(Checks.backDoors, ".unsafeFlags([])") == [1])
    #expect(lines(Checks.backDoors, "let testableThings = 1 // @testable") == [])
  }

  @Test func wideLinesAreFound() {
    let wide = String(repeating: "é", count: 121)
    #expect(lines({ Checks.width($0) }, "short\n" + wide) == [2])
    #expect(lines({ Checks.width($0) }, String(wide.dropLast())) == [])
    #expect(lines({ Checks.width($0) }, "a = \"\(wide)\"\n// \(wide)") == [2])
  }

  @Test func leftoversAndMachinePathsAreFound() {
    #expect(lines(Checks.leftovers, "a\n// TO" + "DO: b") == [2])
    #expect(lines(Checks.leftovers, "// fix" + "me, MASTO" + "DON") == [])
    #expect(lines(Checks.machinePaths, "at /ho" + "me/me/x") == [1])
    #expect(lines(Checks.machinePaths, "see net/wo" + "rk/x") == [])
  }

  @Test func titlesAreCounted() {
    #expect(lines(Checks.title, "# One\n## Two\n```sh\n# a comment\n```\n") == [])
    #expect(lines(Checks.title, "# One\n# Two") == [2])
    #expect(lines(Checks.title, "## Two") == [1])
  }

  @Test func deadPathsAreFound() {
    let exists = { (path: String) in path == "Sources/Graph" }
    let text = "see `Sources/Graph`, Sources/No\nand `Sources/Gone x`, `other/Sources`"
    #expect(lines({ Checks.deadPaths($0, exists: exists) }, text) == [2])
  }

  @Test func missingRoomsAreFound() {
    let file = TextFile(path: "Op.swift", text: "enum Op { case leaf(Leaf); case index(Index) }")
    #expect(Checks.families(file) == ["Leaf", "Index"])
    let paths: Set = ["Sources/Graph/Ops/Leaf.swift", "Sources/Codegen/Lowering/Leaf.swift"]
    #expect(Checks.missingRooms(of: "Leaf", in: paths) == ["Sources/Passes/Differentiation"])
  }
}

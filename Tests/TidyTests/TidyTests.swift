import Foundation
import Testing

/// What can be said about the code without judging taste.
@Suite struct TidyTests {
  /// Which modules each module may import: those that lie below it.
  static let below: [String: Set<String>] = [
    "Graph": [],
    "Passes": ["Graph"],
    "Codegen": ["Graph"],
    "Runtime": ["Graph", "Codegen"],
    "Compiler": ["Graph", "Passes", "Codegen", "Runtime"],
    "Formats": ["Graph"],
    "Learning": ["Graph", "Passes", "Runtime", "Compiler", "Formats"],
    "Diagnostics": ["Graph", "Passes", "Codegen", "Runtime", "Compiler", "Formats"],
    "Descent": [
      "Graph", "Passes", "Codegen", "Runtime", "Compiler", "Formats", "Learning", "Diagnostics",
    ],
  ]

  /// The file through which training shows its progress.
  static let terminal = "Sources/Learning/Training/Reporter.swift"

  /// Where pointers may be, and system calls: the runtime, whole files, and the terminal, which must be flushed.
  static func mayTouchMemory(_ file: TextFile) -> Bool {
    file.isUnder("Sources/Runtime")
      || ["Sources/Formats/Files.swift", terminal].contains(file.path)
  }

  /// Files outside those that need the system's library, for its mathematics only.
  static let systemImports: Set = ["Sources/Graph/Ops/Elementwise+Reference.swift"]

  private func expectNone(
    _ files: [TextFile], sourceLocation: SourceLocation = #_sourceLocation,
    _ check: (TextFile) -> [Finding]
  ) {
    #expect(!files.isEmpty, "there is nothing to check", sourceLocation: sourceLocation)
    for finding in files.flatMap(check) {
      Issue.record("\(finding)", sourceLocation: sourceLocation)
    }
  }

  @Test func memoryIsTouchedInTheRuntimeOnly() {
    let guarded = Repository.sources.filter { !Self.mayTouchMemory($0) }
    expectNone(guarded, Checks.unsafeConstructs)
  }

  @Test func importsRunOneWay() {
    for (module, lower) in Self.below {
      let files = Repository.sources.filter { $0.isUnder("Sources/\(module)") }
      expectNone(files) { file in
        var allowed = Set(lower.map { "Descent\($0)" }).union(["Synchronization"])
        if Self.mayTouchMemory(file) || Self.systemImports.contains(file.path) {
          allowed.formUnion(["Glibc", "Musl", "Darwin"])
        }
        return Checks.imports(file, allowed: allowed)
      }
    }
    let known = Set(Self.below.keys.map { "Sources/\($0)" })
    let folders = Repository.sources.map { $0.path.split(separator: "/").prefix(2) }
    #expect(Set(folders.map { $0.joined(separator: "/") }) == known)
  }

  @Test func theLibraryPrintsInOnePlaceOnly() {
    let silent = Repository.sources.filter { $0.path != Self.terminal }
    expectNone(silent, Checks.printing)
  }

  @Test func nobodyTakesTheBackDoor() { expectNone(Repository.swift, Checks.backDoors) }

  @Test func linesFitBesideAnotherFile() { expectNone(Repository.swift) { Checks.width($0) } }

  @Test func nothingIsLeftForLater() { expectNone(Repository.files, Checks.leftovers) }

  @Test func pathsHoldOnEveryMachine() { expectNone(Repository.files, Checks.machinePaths) }

  @Test func documentsHaveOneTitle() { expectNone(Repository.markdown, Checks.title) }

  @Test func documentsNamePlacesThatExist() {
    expectNone(Repository.markdown) { file in
      Checks.deadPaths(file) { path in
        FileManager.default.fileExists(atPath: Repository.root.appending(path: path).path)
      }
    }
  }

  @Test func operationsAreAtHomeInEveryRoom() throws {
    let op = try #require(Repository.sources.first { $0.path == "Sources/Graph/IR/Op.swift" })
    let families = Checks.families(op)
    #expect(families.contains("Elementwise") && families.count >= 6)
    let paths = Set(Repository.files.map(\.path))
    for family in families {
      #expect(Checks.missingRooms(of: family, in: paths) == [])
    }
  }
}

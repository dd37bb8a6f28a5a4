import DescentTestSupport
import Testing

@Suite struct SnapshotTests {
  private let source = [
    "first()", "  expectSnapshot(", "    text,", "    \"\"\"", "    old", "    \"\"\")", "last()",
  ].joined(separator: "\n")

  @Test func theLiteralBelowTheCallIsReplaced() throws {
    let updated = try SnapshotSource.replacingLiteral(
      in: source, after: 2, by: "a\\n\n\nsay \"\"\" twice")
    let body = ["    a\\\\n", "", "    say \\\"\"\" twice"]
    #expect(
      updated.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        == ["first()", "  expectSnapshot(", "    text,", "    \"\"\""] + body
        + ["    \"\"\")", "last()"])
  }

  @Test func withoutALiteralNothingIsWritten() {
    #expect(throws: SnapshotSource.LiteralNotFound.self) {
      try SnapshotSource.replacingLiteral(in: source, after: 7, by: "new")
    }
  }

  // A run that updates would rewrite this file.
  @Test(.disabled(if: SnapshotSource.isUpdating)) func aTextThatDiffersIsAnIssue() {
    withKnownIssue { expectSnapshot("new", "old") }
  }
}

import DescentGraph
import DescentTestSupport
import Foundation
import Testing

/// The files in `Tests/Graphs` are what the models print; `UPDATE_SNAPSHOTS=1` writes them anew.
@Suite struct SampleGraphTests {
  private static let folder = URL(filePath: #filePath)
    .deletingLastPathComponent().appending(path: "../../Graphs").standardized

  private static func file(of graph: Graph) -> URL {
    folder.appending(path: graph.name.replacing(" ", with: "-") + ".graph")
  }

  @Test(arguments: SampleGraphs.all.indices) func theFileIsTheModel(index: Int) throws {
    let graph = SampleGraphs.all[index]
    #expect(graph.errors.isEmpty)
    #expect(graph.verify() == [])
    let file = Self.file(of: graph)
    if SnapshotSource.isUpdating {
      try Data((graph.text(origins: false) + "\n").utf8).write(to: file)
    }
    let text = try String(contentsOf: file, encoding: .utf8)
    let parsed = try Graph(parsing: text, file: file.lastPathComponent)
    #expect(parsed == graph)
    #expect(parsed.text(origins: false) + "\n" == text)
    #expect(try parsed.bound(batch: 3).verify() == [])
  }

  @Test func everyFileHasAModel() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder.path)
    #expect(
      files.filter { $0.hasSuffix(".graph") }.sorted()
        == SampleGraphs.all.map { Self.file(of: $0).lastPathComponent }.sorted())
  }
}

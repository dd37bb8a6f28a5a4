import DescentGraph
import DescentTestSupport
import Foundation
import Testing

/// Writes random training steps as graph text, for tools that judge what is compiled from them.
///
/// Runs only where `DESCENT_WRITE_GRAPHS` names a folder; `DESCENT_WRITE_COUNT` says how many, 200 if it is not set.
@Suite struct WriteGraphs {
  static let environment = ProcessInfo.processInfo.environment

  @Test(.enabled(if: environment["DESCENT_WRITE_GRAPHS"] != nil))
  func trainingStepsAreWritten() throws {
    let folder = URL(filePath: try #require(WriteGraphs.environment["DESCENT_WRITE_GRAPHS"]))
    let count = Int(WriteGraphs.environment["DESCENT_WRITE_COUNT"] ?? "") ?? 200
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    for seed in 0..<count {
      let random = RandomGraph(seed: UInt64(seed), .training)
      let digits = String(seed)
      let number = String(repeating: "0", count: max(0, 5 - digits.count)) + digits
      let file = folder.appending(path: "training-\(number).graph")
      try Data((random.graph.text + "\n").utf8).write(to: file)
    }
  }
}

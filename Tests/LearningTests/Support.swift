import DescentGraph
import Foundation
import Testing

/// The names of the parameters of a graph, in order.
func parameterNames(_ graph: Graph) -> [String] {
  parameters(graph).map(\.name)
}

/// Names and types of the parameters of a graph, in order.
func parameters(_ graph: Graph) -> [(name: String, type: TensorType)] {
  graph.nodes.compactMap { node in
    if case .leaf(.parameter(let name, let type, _)) = node.op { (name, type) } else { nil }
  }
}

/// Expects an error of this exact text.
func expectError<T>(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> T
) {
  do {
    let value = try body()
    Issue.record("no error but \(value)", sourceLocation: sourceLocation)
  } catch {
    #expect("\(error)" == text, sourceLocation: sourceLocation)
  }
}

/// Calls the body with the path of a file of this text, in a folder of its own.
func withFile<T>(_ name: String, _ text: String, _ body: (String) throws -> T) throws -> T {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("descent-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  let file = folder.appendingPathComponent(name)
  if !text.isEmpty { try text.write(to: file, atomically: true, encoding: .utf8) }
  return try body(file.path)
}

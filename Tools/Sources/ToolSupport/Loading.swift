public import Descent
public import Foundation

/// Files as the tools read and write them.
public enum ToolFiles {
  /// Returns the bytes of a file.
  public static func read(_ path: String) throws(ToolError) -> Data {
    do { return try Data(contentsOf: URL(filePath: path)) } catch {
      throw ToolError("cannot read \(path): \(reason(error))")
    }
  }

  /// Writes a file.
  public static func write(_ data: Data, to path: String) throws(ToolError) {
    do { try data.write(to: URL(filePath: path), options: .atomic) } catch {
      throw ToolError("cannot write \(path): \(reason(error))")
    }
  }

  /// Returns the graph that a `.graph` file holds.
  public static func graph(_ path: String) throws -> Graph {
    let text = String(decoding: try read(path), as: UTF8.self)
    return try Graph(parsing: text, file: URL(filePath: path).lastPathComponent)
  }

  private static func reason(_ error: any Error) -> String {
    (error as NSError).localizedFailureReason ?? error.localizedDescription
  }
}

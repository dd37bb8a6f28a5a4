import Foundation

/// Runs what a command does; on an error it prints the error's own text and returns false.
public func succeeds(_ body: () throws -> Void) -> Bool {
  do {
    try body()
    return true
  } catch {
    let text = "\(error)"
    FileHandle.standardError.write(Data((text.contains("error: ") ? text : "error: \(text)").utf8))
    FileHandle.standardError.write(Data("\n".utf8))
    return false
  }
}

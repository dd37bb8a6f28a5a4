import DescentFormats
import Foundation
import Testing

/// Expects an error of this exact text.
func expectError<T>(
  _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
  _ body: () throws(FormatError) -> T
) {
  do throws(FormatError) {
    let value = try body()
    Issue.record("no error but \(value)", sourceLocation: sourceLocation)
  } catch {
    #expect(error.description == text, sourceLocation: sourceLocation)
  }
}

/// Returns the bytes that pairs of hexadecimal digits stand for.
func hex(_ text: String) -> [UInt8] {
  let digits = text.compactMap(\.hexDigitValue).map(UInt8.init)
  return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
}

/// Calls the body with the path of a file that does not exist yet, in a folder of its own.
func withTemporaryFile<T>(_ name: String, _ body: (String) throws -> T) throws -> T {
  let folder = FileManager.default.temporaryDirectory
    .appendingPathComponent("descent-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  return try body(folder.appendingPathComponent(name).path)
}

/// A generator of the same numbers on every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

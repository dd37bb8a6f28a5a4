import DescentRuntime
import Foundation

/// A line of `/proc/self/maps`: a range of addresses and what may be done there.
struct Mapping {
  let range: Range<UInt>
  let permissions: String

  static func all() throws -> [Mapping] {
    // Not by `String(contentsOfFile:)`, which stops after the first page of such a file.
    let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/maps"))
    var data = Data()
    while let part = try file.read(upToCount: 4096), !part.isEmpty { data += part }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      let ends = words[0].split(separator: "-").compactMap { UInt($0, radix: 16) }
      guard ends.count == 2 else { return nil }
      return Mapping(range: ends[0]..<ends[1], permissions: String(words[1]))
    }
  }

  /// The permissions at an address, or nil where nothing is mapped.
  static func permissions(at address: UInt) throws -> String? {
    try all().first { $0.range.contains(address) }?.permissions
  }

  /// Whether memory begins with some bytes; not if it is not mapped, or if others have mapped it again.
  static func hold(_ bytes: [UInt8], at address: UInt) throws -> Bool {
    let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/self/mem"))
    try file.seek(toOffset: UInt64(address))
    let found = try? file.read(upToCount: bytes.count)
    return found == Data(bytes)
  }

  /// The permissions at the beginning of code that is loaded.
  static func permissions(of memory: ExecutableMemory) throws -> String? {
    try withExtendedLifetime(memory) { try permissions(at: memory.address) }
  }

  /// Whether some memory can be written and executed at once.
  static func someIsWritableAndExecutable() throws -> Bool {
    try all().contains { $0.permissions.contains("w") && $0.permissions.contains("x") }
  }
}

/// A thread that looks at all mappings again and again.
final class MappingWatcher: @unchecked Sendable {
  private let condition = NSCondition()
  private var isStopped = false
  private var found: Bool?

  init() {
    Thread { self.watch() }.start()
  }

  private func watch() {
    var found = false
    repeat {
      found = ((try? Mapping.someIsWritableAndExecutable()) ?? true) || found
    } while !condition.withLock { isStopped }
    condition.withLock { self.found = found }
    condition.signal()
  }

  /// Whether some memory could be written and executed at once while this watched.
  func stop() -> Bool? {
    condition.withLock {
      isStopped = true
      while found == nil { condition.wait() }
      return found
    }
  }
}

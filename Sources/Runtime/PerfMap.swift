import Glibc

/// The names of kernels for `perf`, which finds none in code that came from no file.
///
/// With `DESCENT_PERF_MAP=1`, each plan adds its kernels to `/tmp/perf-PID.map`, a line each.
package enum PerfMap {
  /// A named range of code.
  package struct Symbol: Hashable, Sendable {
    package var name: String
    /// Where it begins, from the first byte of the plan's code.
    package var offset: Int
    package var byteCount: Int

    package init(name: String, offset: Int, byteCount: Int) {
      self.name = name
      self.offset = offset
      self.byteCount = byteCount
    }
  }

  /// Tells `perf` what lies where in a plan's code, if the environment asks for it.
  ///
  /// A file that cannot be written costs the names, not the plan.
  package static func add(_ symbols: [Symbol], in memory: ExecutableMemory) {
    guard isRequested, file >= 0 else { return }
    // In a single write, so that plans of several threads do not mix.
    let bytes = Array(text(of: symbols, at: memory.address).utf8)
    _ = write(file, bytes, bytes.count)
  }

  /// Returns a line for each symbol: start and size in hexadecimal digits, and its name.
  package static func text(of symbols: [Symbol], at address: UInt) -> String {
    symbols.map { symbol in
      let start = String(address + UInt(symbol.offset), radix: 16)
      let name = symbol.name.split(whereSeparator: \.isNewline).joined(separator: " ")
      return "\(start) \(String(symbol.byteCount, radix: 16)) \(name)\n"
    }.joined()
  }

  private static let isRequested = getenv("DESCENT_PERF_MAP").map { String(cString: $0) } == "1"

  /// The file of this process, open to its end.
  ///
  /// One that an earlier process of this number left is emptied; a link that somebody else laid there is not followed.
  private static let file: Int32 = open(
    "/tmp/perf-\(getpid()).map",
    O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o644)
}

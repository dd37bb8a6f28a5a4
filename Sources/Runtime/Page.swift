import Glibc

/// The unit in which the system maps memory.
enum Page {
  /// The page size, asked of the system since arm64 kernels differ.
  static let byteCount = max(4096, Int(sysconf(Int32(_SC_PAGESIZE))))

  /// Returns the least multiple of `alignment` that holds so many bytes, and at least one; nil on overflow.
  static func rounded(_ byteCount: Int, to alignment: Int = byteCount) -> Int? {
    let (sum, overflow) = max(byteCount, 1).addingReportingOverflow(alignment - 1)
    return overflow ? nil : sum & ~(alignment - 1)
  }
}

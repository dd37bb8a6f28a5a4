import Glibc

/// One region of zeroed memory, page-aligned, which lives as long as this value.
///
/// Where the buffers of a program lie inside it is the plan's business; a session owns several.
/// Pages get memory when they are first touched. Large regions ask for huge pages, because a
/// product that streams its weights once is bound by address translation as well as by memory.
package struct Arena: ~Copyable {
  /// The first byte; a multiple of the page size, so of every alignment a plan asks for.
  package let base: UnsafeMutableRawPointer
  /// The number of bytes asked for.
  package let byteCount: Int
  /// The number of bytes mapped: whole pages, and never none.
  private let mappedByteCount: Int

  /// Creates a region of zeros.
  ///
  /// - Throws: `RuntimeError` when the system has no such amount of memory.
  package init(byteCount: Int) throws(RuntimeError) {
    guard byteCount >= 0 else { throw .negativeByteCount(byteCount) }
    let usesHugePages = byteCount >= Self.hugePageThreshold
    let alignment = usesHugePages ? Self.hugePageByteCount : Page.byteCount
    guard let mapped = Page.rounded(byteCount, to: alignment),
      let base = Self.map(byteCount: mapped, alignment: alignment)
    else { throw .outOfMemory(byteCount: byteCount) }
    // Only advice: a system without huge pages says no, and nothing is lost.
    if usesHugePages { _ = madvise(base, mapped, Self.adviseHugePages) }
    self.base = base
    self.byteCount = byteCount
    self.mappedByteCount = mapped
  }

  deinit {
    munmap(base, mappedByteCount)
  }
}

// An address is inert; who may read or write behind it, and when, the plan decides and checks.
extension Arena: @unchecked Sendable {}

extension Arena {
  private static var hugePageByteCount: Int { 2 << 20 }
  /// Below this, the memory lost to rounding weighs more than what huge pages save: translations, and lines that small
  /// pages, placed at random, let fall on the same sets of a cache.
  private static var hugePageThreshold: Int { 512 << 10 }
  /// The value of the kernel's MADV_HUGEPAGE, which the C module does not show to Swift.
  private static var adviseHugePages: Int32 { 14 }

  /// Maps fresh pages.
  ///
  /// For huge ones it maps too much and returns both ends to the system.
  private static func map(byteCount: Int, alignment: Int) -> UnsafeMutableRawPointer? {
    let slack = alignment > Page.byteCount ? alignment : 0
    let (total, overflow) = byteCount.addingReportingOverflow(slack)
    guard !overflow else { return nil }
    let start = mmap(nil, total, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let start, start != MAP_FAILED else { return nil }
    guard slack > 0 else { return start }
    let base = start.alignedUp(toMultipleOf: alignment)
    let head = base - start
    if head > 0 { munmap(start, head) }
    if slack > head { munmap(base + byteCount, slack - head) }
    return base
  }
}

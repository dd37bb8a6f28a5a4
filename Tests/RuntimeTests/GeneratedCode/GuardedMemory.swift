import Glibc

/// Memory between pages that cannot be touched, so that a step too far ends the process at once.
final class GuardedMemory {
  static let pageBytes = 4096
  static let capacity = 2048 * pageBytes
  private let base: UnsafeMutableRawPointer
  /// What the memory is filled with where no operand lies.
  private static let filling: UInt8 = 0xa5
  private(set) var start: UnsafeMutableRawPointer
  private(set) var byteCount = 0

  init() {
    let size = GuardedMemory.capacity + 2 * GuardedMemory.pageBytes
    let mapping = mmap(nil, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    guard let mapping, mapping != MAP_FAILED else { fatalError("no memory") }
    base = mapping + GuardedMemory.pageBytes
    precondition(mprotect(base, GuardedMemory.capacity, PROT_READ | PROT_WRITE) == 0)
    start = base
    memset(base, Int32(GuardedMemory.filling), GuardedMemory.capacity)
  }

  deinit {
    munmap(
      base - GuardedMemory.pageBytes, GuardedMemory.capacity + 2 * GuardedMemory.pageBytes)
  }

  /// Places bytes directly behind the first guard, or directly before the second.
  ///
  /// There they begin at a multiple of four bytes, as operands always do, so that up to three may lie between.
  func place(_ bytes: [UInt8], atEnd: Bool) {
    precondition(bytes.count <= GuardedMemory.capacity, "\(bytes.count) bytes")
    memset(start, Int32(GuardedMemory.filling), byteCount)
    byteCount = bytes.count
    start = atEnd ? base + (GuardedMemory.capacity - (byteCount + 3) / 4 * 4) : base
    start.copyMemory(from: bytes, byteCount: byteCount)
  }

  /// The bytes placed, as they are now.
  var bytes: [UInt8] {
    Array(UnsafeRawBufferPointer(start: start, count: byteCount))
  }

  /// Whether no byte around those placed has changed: of the page before, and up to the guard or 256 bytes behind.
  var isIntact: Bool {
    let before = max(base, start - GuardedMemory.pageBytes)
    let after = min(base + GuardedMemory.capacity, start + byteCount + 256)
    return UnsafeRawBufferPointer(start: before, count: start - before).allSatisfy {
      $0 == GuardedMemory.filling
    }
      && UnsafeRawBufferPointer(start: start + byteCount, count: after - start - byteCount)
        .allSatisfy { $0 == GuardedMemory.filling }
  }
}

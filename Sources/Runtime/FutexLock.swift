import Synchronization

/// A lock in one word of memory: one instruction to take when nobody holds it.
struct FutexLock {
  private let word: Futex.Word
  private let spinNanoseconds: UInt64

  private static var free: UInt32 { 0 }
  private static var held: UInt32 { 1 }
  private static var awaited: UInt32 { 2 }

  /// Initialises the memory at an address, and returns the lock that lives there.
  init(at address: UnsafeMutableRawPointer, spinNanoseconds: UInt64) {
    word = address.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    word.initialize(to: Atomic(Self.free))
    self.spinNanoseconds = spinNanoseconds
  }

  func acquire() {
    var spin = SpinWait(nanoseconds: spinNanoseconds)
    repeat {
      if word.pointee.load(ordering: .relaxed) == Self.free, tryAcquire() { return }
    } while spin.again()
    // Whoever slept must assume that others still do, so it takes the lock as an awaited one.
    while word.pointee.exchange(Self.awaited, ordering: .acquiring) != Self.free {
      Futex.wait(word, while: Self.awaited)
    }
  }

  func release() {
    let old = word.pointee.exchange(Self.free, ordering: .releasing)
    if old == Self.awaited { Futex.wake(word, count: 1) }
  }

  private func tryAcquire() -> Bool {
    word.pointee.compareExchange(
      expected: Self.free, desired: Self.held, successOrdering: .acquiring,
      failureOrdering: .relaxed
    ).exchanged
  }
}

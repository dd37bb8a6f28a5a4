import Glibc
import Synchronization

/// The kernel's wait queue for a word of memory: threads sleep while it holds a value.
enum Futex {
  typealias Word = UnsafeMutablePointer<Atomic<UInt32>>
  private typealias SystemCall =
    @convention(c) (Int, UnsafeMutableRawPointer, Int, Int, Int, Int, Int) -> Int

  /// Swift cannot call a variadic function, but it can call one cast to fixed arguments.
  private static let systemCall: SystemCall? = dlsym(nil, "syscall").map {
    unsafeBitCast($0, to: SystemCall.self)
  }

  #if arch(arm64)
    private static var number: Int { 98 }
  #else
    private static var number: Int { 202 }
  #endif
  private static var waitPrivate: Int { 0 | 128 }
  private static var wakePrivate: Int { 1 | 128 }

  /// More threads than can ever sleep on one word.
  static var everyone: Int { Int(Int32.max) }

  /// Looks the system call up, so that later calls find it without a lock.
  static func prepare() {
    _ = systemCall
  }

  /// Sleeps until somebody wakes this word, unless it no longer holds `value`.
  ///
  /// May return early.
  static func wait(_ word: Word, while value: UInt32) {
    guard let systemCall else {
      // Giving up the processor is right too, only slower: all callers loop.
      _ = sched_yield()
      return
    }
    _ = systemCall(number, UnsafeMutableRawPointer(word), waitPrivate, Int(value), 0, 0, 0)
  }

  /// Wakes up to `count` threads that sleep on this word.
  static func wake(_ word: Word, count: Int) {
    _ = systemCall?(number, UnsafeMutableRawPointer(word), wakePrivate, count, 0, 0, 0)
  }
}

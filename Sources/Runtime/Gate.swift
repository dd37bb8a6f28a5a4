import Synchronization

/// A counter of events that threads can wait for, in one word of memory.
///
/// Bit 0 says that somebody sleeps; the other bits count. Since both stand in one word, the
/// thread that opens the gate learns in the same instruction whether it must wake anyone, and a
/// thread about to sleep cannot miss the opening.
struct Gate {
  private let word: Futex.Word
  private let spinNanoseconds: UInt64

  private static var sleeper: UInt32 { 1 }
  private static var step: UInt32 { 2 }

  /// Initialises the memory at an address, and returns the gate that lives there.
  init(at address: UnsafeMutableRawPointer, spinNanoseconds: UInt64) {
    word = address.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    word.initialize(to: Atomic(0))
    self.spinNanoseconds = spinNanoseconds
  }

  /// How often the gate was opened, as a ticket for `wait(past:)`.
  var ticket: UInt32 {
    word.pointee.load(ordering: .relaxed) & ~Self.sleeper
  }

  /// Lets everyone pass who waits; what this thread wrote before, they see after.
  ///
  /// - Precondition: No other thread opens the gate at the same time.
  func open() {
    let old = word.pointee.exchange(ticket &+ Self.step, ordering: .releasing)
    if old & Self.sleeper != 0 { Futex.wake(word, count: Futex.everyone) }
  }

  /// Returns when the gate has been opened since the ticket was drawn.
  func wait(past ticket: UInt32) {
    var spin = SpinWait(nanoseconds: spinNanoseconds)
    repeat {
      if word.pointee.load(ordering: .acquiring) & ~Self.sleeper != ticket { return }
    } while spin.again()
    sleep(past: ticket)
  }

  private func sleep(past ticket: UInt32) {
    let announced = ticket | Self.sleeper
    while true {
      let value = word.pointee.load(ordering: .acquiring)
      guard value & ~Self.sleeper == ticket else { return }
      if value != announced {
        let (isAnnounced, _) = word.pointee.compareExchange(
          expected: value, desired: announced, ordering: .relaxed)
        guard isAnnounced else { continue }
      }
      Futex.wait(word, while: announced)
    }
  }
}

/// A bounded wait: the reply of another thread is usually nearer than a trip through the kernel.
///
/// It must end, because on a busy machine the other thread may not be running at all.
struct SpinWait {
  private var turns: UInt32 = 0
  private var deadline: UInt64 = 0
  private let nanoseconds: UInt64

  /// The turns without a pause, about 0.1 µs, in which most replies of a busy pool arrive.
  private static var eagerTurns: UInt32 { 128 }

  init(nanoseconds: UInt64) {
    self.nanoseconds = nanoseconds
  }

  /// Waits for a moment; returns false when the time is over.
  @inline(__always)
  mutating func again() -> Bool {
    guard nanoseconds > 0 else { return false }
    turns &+= 1
    guard turns > Self.eagerTurns else { return true }
    // Reading the clock is the pause: it drains the pipeline, so that the loop does not fill it
    // with loads at the cost of a thread on the same core. Swift offers no pause instruction.
    turns = Self.eagerTurns
    let now = MonotonicClock.nanoseconds
    if deadline == 0 { deadline = now &+ nanoseconds }
    return now < deadline
  }
}

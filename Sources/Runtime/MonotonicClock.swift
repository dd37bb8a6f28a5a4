import Glibc

/// The clock that profiles and spin loops read: it never jumps and costs about 25 ns.
package enum MonotonicClock {
  /// Nanoseconds since some fixed moment in the past.
  package static var nanoseconds: UInt64 {
    var time = timespec()
    // The call cannot fail with this clock and a valid address.
    _ = clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(truncatingIfNeeded: time.tv_sec) &* 1_000_000_000
      &+ UInt64(truncatingIfNeeded: time.tv_nsec)
  }
}

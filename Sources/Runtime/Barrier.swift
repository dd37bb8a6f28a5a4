import Synchronization

/// The distance between words that different threads write: two cache lines, fetched as a pair.
let lineByteCount = 128

/// A line that a fixed number of threads cross together, again and again.
///
/// What any of them wrote before it, all of them see after it. Waiting allocates nothing.
package struct Barrier {
  private let arrived: Futex.Word
  private let gate: Gate
  private let participantCount: UInt32

  static var byteCount: Int { 2 * lineByteCount }

  /// Initialises the memory at an address, and returns the barrier that lives there.
  init(at address: UnsafeMutableRawPointer, participantCount: Int, spinNanoseconds: UInt64) {
    arrived = address.bindMemory(to: Atomic<UInt32>.self, capacity: 1)
    arrived.initialize(to: Atomic(0))
    gate = Gate(at: address + lineByteCount, spinNanoseconds: spinNanoseconds)
    self.participantCount = UInt32(participantCount)
  }

  /// Returns when every participant has come here, and the last of them has done what is to be done alone.
  ///
  /// - Parameter last: What the participant does that comes last, while all others wait.
  package func wait(last: () -> Void = {}) {
    guard participantCount > 1 else { return last() }
    gate.wait(past: arrive(last: last))
  }

  /// Counts this thread as present without waiting; returns the ticket of this round.
  @discardableResult
  func arrive(last: () -> Void = {}) -> UInt32 {
    // The round cannot end before this thread has arrived, so the ticket is this round's.
    let ticket = gate.ticket
    let (_, count) = arrived.pointee.add(1, ordering: .acquiringAndReleasing)
    if count == participantCount {
      last()
      // Nobody comes again before the gate opens, and opening it publishes the zero.
      arrived.pointee.store(0, ordering: .relaxed)
      gate.open()
    }
    return ticket
  }
}

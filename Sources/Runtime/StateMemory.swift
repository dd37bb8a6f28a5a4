import DescentCodegen
import DescentGraph

/// The memory of parameters and states, shared by the sessions of one family of plans.
final class StateMemory {
  private let arena: Arena
  /// The first byte.
  var base: UnsafeMutableRawPointer { arena.base }
  /// What lies where; plans that share the memory agree on it.
  let layout: [StateSlot]
  /// The seed random numbers are keyed by.
  var seed: UInt64
  /// For each slot another number after each change, so that who has prepared something from it knows.
  private var versions: [UInt64]
  /// What sessions have prepared from it, as long as one of them lives.
  private var prepared: [PreparedReference] = []

  private struct PreparedReference {
    weak var memory: PreparedMemory?
  }

  /// One parameter or state in memory.
  struct StateSlot: Hashable {
    var name: String
    var type: TensorType
    var offset: Int
  }

  init(_ program: Program, seed: UInt64) throws(RuntimeError) {
    arena = try Arena(byteCount: max(64, program.memory.segmentBytes[Segment.state.rawValue]))
    layout = program.stateLayout
    versions = Array(repeating: 0, count: layout.count)
    self.seed = seed
  }

  /// Notes that the content of a slot may have changed.
  func noteChange(of slot: Int) { versions[slot] &+= 1 }

  /// Returns memory for what a program prepares, which it shares with sessions that prepare the same; nil if there is
  /// nothing to prepare.
  ///
  /// - Throws: Where the system refuses memory.
  func preparedMemory(for program: Program) throws(RuntimeError) -> PreparedMemory? {
    guard program.preparationCount > 0 else { return nil }
    prepared.removeAll { $0.memory == nil }
    for reference in prepared {
      if let memory = reference.memory, memory.fits(program) { return memory }
    }
    let memory = try PreparedMemory(program)
    prepared.append(PreparedReference(memory: memory))
    return memory
  }

  /// A number that is another whenever one of some slots has changed.
  func version(of slots: [Int]) -> UInt64 {
    var sum: UInt64 = 0
    // An iterator would allocate where code is not optimized.
    var index = 0
    while index < slots.count {
      sum &+= versions[slots[index]]
      index += 1
    }
    return sum
  }
}

extension Program {
  /// Where each parameter and state lies.
  var stateLayout: [StateMemory.StateSlot] {
    states.map {
      StateMemory.StateSlot(
        name: $0.name, type: $0.type, offset: memory.placements[$0.buffer].offset)
    }
  }
}

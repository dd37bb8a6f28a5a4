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

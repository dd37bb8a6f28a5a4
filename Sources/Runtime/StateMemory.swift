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
  /// Another after each change of a parameter or state, so that who has prepared something from them knows.
  var version: UInt64 = 0

  /// One parameter or state in memory.
  struct StateSlot: Hashable {
    var name: String
    var type: TensorType
    var offset: Int
  }

  init(_ program: Program, seed: UInt64) throws(RuntimeError) {
    arena = try Arena(byteCount: max(64, program.memory.segmentBytes[Segment.state.rawValue]))
    layout = program.stateLayout
    self.seed = seed
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

import DescentCodegen

/// What a preparation leaves to the runs of all sessions that prepare the same from the same state.
///
/// Whether it still follows from the state is a comparison of numbers a run.
final class PreparedMemory {
  private let arena: Arena
  /// What is prepared, and where it lies.
  private let contents: Contents
  /// The slots of the state that the preparation reads, none of which a run changes.
  private let sources: [Int]
  /// The version of the sources from which everything was prepared, or nil.
  private var version: UInt64?
  /// How often the preparation has run to its end.
  private(set) var runCount = 0

  /// What programs agree on that leave the same to their runs.
  private struct Contents: Hashable {
    let kernels: [Kernel]
    let buffers: [Buffer]
    /// Where what is prepared lies; nothing where kernels of the preparation alone touch it.
    let placements: [MemoryPlan.Placement?]

    init(_ program: Program) {
      kernels = Array(program.kernels[..<program.preparationCount])
      let touched = Set(kernels.flatMap { $0.operands.map(\.buffer) }).sorted()
      buffers = touched.map { program.buffers[$0] }
      placements = touched.map {
        let place = program.memory.placements[$0]
        return [.prepared, .state].contains(place.segment) ? place : nil
      }
    }
  }

  /// Creates memory for what a program prepares.
  ///
  /// - Throws: Where the system refuses memory.
  init(_ program: Program) throws(RuntimeError) {
    contents = Contents(program)
    arena = try Arena(byteCount: max(64, MemoryPlan.aligned(program.memory.preparedBytes)))
    let touched = Set(contents.kernels.flatMap { $0.operands.map(\.buffer) })
    sources = program.states.indices.filter { touched.contains(program.states[$0].buffer) }
    if program.isPoisoned { arena.fill(0..<arena.byteCount, with: Poison.dead) }
  }

  /// The first byte.
  var base: UnsafeMutableRawPointer { arena.base }

  /// Whether a program prepares the same.
  func fits(_ program: Program) -> Bool { contents == Contents(program) }

  /// Whether the preparation must run before the next run.
  func isNeeded(for state: StateMemory) -> Bool { version != state.version(of: sources) }

  /// Notes that the preparation begins; one that is cancelled leaves its memory half written.
  func begin() { version = nil }

  /// Notes that the preparation has run to its end.
  func end(on state: StateMemory) {
    version = state.version(of: sources)
    runCount += 1
  }
}

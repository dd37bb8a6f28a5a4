import DescentCodegen

/// Whether what an executable has prepared still follows from the state: one comparison of numbers a run.
struct PreparationState {
  /// Whether there is anything to prepare.
  private let hasKernels: Bool
  /// Whether a run changes the state.
  private let changesState: Bool
  /// The version of the state from which everything was prepared, or nil.
  private var version: UInt64?
  /// How often the preparation has run to its end.
  private(set) var runCount = 0

  init(_ program: Program) {
    hasKernels = program.preparationCount > 0
    changesState = program.states.contains { $0.updated != $0.value }
  }

  /// Whether the preparation must run before the next run.
  func isNeeded(for state: StateMemory) -> Bool { hasKernels && version != state.version }

  /// Notes that the preparation begins; one that is cancelled leaves its memory half written.
  mutating func begin() { version = nil }

  /// Notes that the preparation has run to its end.
  mutating func end(on state: StateMemory) {
    version = state.version
    runCount += 1
  }

  /// Notes a run, and tells all that share the state where it may have changed it.
  mutating func noteRun(on state: StateMemory) {
    guard changesState else { return }
    // What this program changes is not behind what it prepares.
    let isFresh = version == state.version
    state.version &+= 1
    if isFresh { version = state.version }
  }
}

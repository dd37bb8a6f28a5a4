import DescentCodegen

/// Whether what an executable has prepared still follows from the state: a comparison of numbers a run.
struct PreparationState {
  /// Whether there is anything to prepare.
  private let hasKernels: Bool
  /// The slots of the state that the preparation reads, none of which a run changes.
  private let sources: [Int]
  /// The slots that a run changes.
  private let changed: [Int]
  /// The version of the sources from which everything was prepared, or nil.
  private var version: UInt64?
  /// How often the preparation has run to its end.
  private(set) var runCount = 0

  init(_ program: Program) {
    let preparation = program.kernels[..<program.preparationCount]
    hasKernels = !preparation.isEmpty
    let read = Set(preparation.flatMap { $0.operands.map(\.buffer) })
    sources = program.states.indices.filter { read.contains(program.states[$0].buffer) }
    changed = program.states.indices.filter {
      program.states[$0].updated != program.states[$0].value
    }
  }

  /// Whether the preparation must run before the next run.
  func isNeeded(for state: StateMemory) -> Bool {
    hasKernels && version != state.version(of: sources)
  }

  /// Notes that the preparation begins; one that is cancelled leaves its memory half written.
  mutating func begin() { version = nil }

  /// Notes that the preparation has run to its end.
  mutating func end(on state: StateMemory) {
    version = state.version(of: sources)
    runCount += 1
  }

  /// Notes a run, and tells all that share the state what it may have changed.
  func noteRun(on state: StateMemory) {
    var index = 0
    while index < changed.count {
      state.noteChange(of: changed[index])
      index += 1
    }
  }
}

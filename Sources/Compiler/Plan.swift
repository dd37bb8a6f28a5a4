public import DescentCodegen
public import DescentGraph
public import DescentPasses
public import DescentRuntime

/// A compiled computation: immutable, and free to be used from any thread.
public struct Plan: Sendable {
  /// The final graph; the interpreter run on it gives the plan's very bits.
  public let graph: Graph
  /// Which nodes became which kernel.
  public let groups: [FusionGroup]
  /// The kernels and their memory.
  package let program: Program
  /// The program's machine code, or nil where there is none or the system does not let it run.
  private let code: ExecutableMemory?
  /// Every decision of the passes.
  public let journal: Journal
  /// How long each stage of compiling took.
  public let timings: [(stage: String, nanoseconds: Int)]
  /// How long writing each kernel's machine code took, in nanoseconds; empty where there is none.
  public let kernelTimings: [Int]
  /// The graph after each pass, if it was asked for.
  public let snapshots: [(pass: String, graph: Graph)]
  /// What parameters and states begin with, where it was given.
  private let state: State?

  package init(
    fused: FusedGraph, program: Program, journal: Journal,
    timings: [(stage: String, nanoseconds: Int)], kernelTimings: [Int],
    snapshots: [(pass: String, graph: Graph)], state: State?
  ) {
    graph = fused.graph
    groups = fused.groups
    self.program = program
    // Where the system refuses executable memory, portable code computes the same bits.
    code = program.native.flatMap { $0.bytes.isEmpty ? nil : try? ExecutableMemory($0.bytes) }
    if let code, let native = program.native { PerfMap.add(native.symbols(program), in: code) }
    self.journal = journal
    self.timings = timings
    self.kernelTimings = kernelTimings
    self.snapshots = snapshots
    self.state = state
  }

  /// Creates a session with memory of its own.
  ///
  /// - Parameter seed: What random initialisers are keyed by; the same seed gives the same bits everywhere.
  /// - Returns: A session; use it on one thread at a time.
  /// - Throws: Where the system refuses memory or threads.
  public func makeSession(seed: UInt64 = 0) throws(RuntimeError) -> Session {
    // Initialising computes, like compiling.
    try FloatingPointEnvironment.withStandard { () throws(RuntimeError) in
      try Session(program, code: code, seed: seed, state: state)
    }
  }

  /// Creates a session that works on the parameters and states of another plan's.
  ///
  /// What plans prepare from these alike is there once, for all of their sessions.
  ///
  /// - Throws: Where the two plans do not have the same parameters and states.
  public func makeSession(sharing session: Session) throws(RuntimeError) -> Session {
    try Session(program, code: code, sharing: session)
  }

  /// What executes the kernels.
  public var backend: Backend { program.options.backend }
  /// The number of kernels a run executes, without those of the preparation.
  public var kernelCount: Int { program.kernels.count - program.preparationCount }
  /// The number of kernels that run once before a session's first run, and again when a parameter or state they read
  /// has changed since: they compute what follows from parameters and states alone that the plan does not update.
  public var preparationKernelCount: Int { program.preparationCount }
  /// The bytes in which a session keeps from run to run what its preparation has computed; sessions of the plan that
  /// share their state share these too.
  public var preparedBytes: Int { program.memory.preparedBytes }
  /// The bytes of memory for everything that lives within one run.
  public var arenaBytes: Int { program.memory.arenaBytes }
  /// The least bytes any plan of these kernels in this order could use.
  public var arenaLowerBound: Int { program.memory.arenaLowerBound }
  /// The memory plan as plain facts, for checkers: a run with its preparation, as a session's first is.
  public var planDump: PlanDump { program.planDump }
  /// The memory plan of a run that finds everything prepared; that of any run where there is no preparation.
  public var preparedPlanDump: PlanDump { program.preparedPlanDump }
}

extension NativeCode {
  /// What lies where, for profilers.
  fileprivate func symbols(_ program: Program) -> [PerfMap.Symbol] {
    var seen: Set<Int> = []
    return zip(kernels, program.kernels.flatMap(\.pieces)).compactMap { native, kernel in
      // Kernels that do the same share their code, which profilers know by the first one's name.
      guard let native, seen.insert(native.offset).inserted else { return nil }
      return PerfMap.Symbol(name: kernel.name, offset: native.offset, byteCount: native.byteCount)
    }
  }
}

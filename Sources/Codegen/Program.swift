package import DescentGraph

/// A compiled computation as plain data: kernels, code, constants, and where every byte lies.
///
/// A program holds no pointers and no closures; compiling the same graph twice gives equal programs.
package struct Program: Hashable, Sendable, Codable {
  /// The graph's name.
  package var name: String
  /// The kernels in the order in which they run.
  package var kernels: [Kernel]
  /// How many of them, the first, are the preparation: they compute what is the same in every run, and run once, and
  /// again when a parameter or state that they read has changed.
  package var preparationCount: Int
  /// For each kernel, whether it begins when those before it have ended on all threads; else it runs beside them.
  package var startsWave: [Bool]
  /// The portable backend's code of each piece of each kernel: some for each of its programs.
  package var code: [[PortableCode]]
  /// The memory the kernels work on.
  package var buffers: [Buffer]
  /// Where it lies.
  package var memory: MemoryPlan
  /// The named tensors at the boundary.
  package var inputs: [Port]
  package var outputs: [Port]
  package var states: [StatePort]
  /// What an index out of range is reported as.
  package var faults: [Fault]
  /// The machine code of those kernels that have some.
  package var native: NativeCode?
  /// How the program was made.
  package var options: Options
  /// The first kernel that changes state; a run with a fault ends before it.
  package var commitKernel: Int

  /// The number of threads the work is divided among.
  package var threadCount: Int { options.threads }
  /// Whether dead memory is filled with NaN and red zones are checked.
  package var isPoisoned: Bool { options.poison }
}

extension Program {
  /// How a program is made from kernels.
  package struct Options: Hashable, Sendable, Codable {
    /// The number of threads.
    package var threads: Int
    /// Work below which another thread does not pay, in scalar operations.
    package var minimumWorkPerThread: Int
    /// Whether dead memory is filled with NaN and red zones are checked.
    package var poison: Bool
    /// What executes the kernels.
    package var backend: Backend
    /// What the processor keeps close at hand.
    package var caches: CacheSizes
    /// From how many bytes on a right factor that is the same in every run is packed.
    package var minimumPackedBytes: Int
    /// Whether kernels may change places to need less memory.
    package var orders: Bool
    /// Whether small loops join other kernels.
    package var bundles: Bool
    /// From how many bytes on rows sum columns for a kernel that would read them once more.
    package var minimumTappedBytes: Int
    /// From how many bytes on what kernels hand each other is handed over strip by strip.
    package var minimumStripBytes: Int
    /// Whether kernels that do not depend on each other run side by side.
    package var waves: Bool

    /// Creates options.
    package init(
      threads: Int, minimumWorkPerThread: Int, poison: Bool, backend: Backend, caches: CacheSizes,
      minimumPackedBytes: Int = .max, orders: Bool = true, bundles: Bool = true,
      minimumTappedBytes: Int = .max, minimumStripBytes: Int = .max, waves: Bool = true
    ) {
      self.threads = threads
      self.minimumWorkPerThread = minimumWorkPerThread
      self.poison = poison
      self.backend = backend
      self.caches = caches
      self.minimumPackedBytes = minimumPackedBytes
      self.orders = orders
      self.bundles = bundles
      self.minimumTappedBytes = minimumTappedBytes
      self.minimumStripBytes = minimumStripBytes
      self.waves = waves
    }
  }

  /// Compiles a divided graph: lower, plan memory, check the plan, encode.
  ///
  /// - Precondition: The graph is bound, verified, without objective, and free of `f64`.
  package init(compiling fused: FusedGraph, options: Options, times: inout CodegenTimes) {
    let lowered = times.time("lower") {
      var lowering = Lowering(fused)
      return lowering.run(options)
    }
    let (memory, startsWave) = times.time("plan memory") { lowered.planned(for: options) }
    let code = times.time("translate") { lowered.kernels.flatMap(\.pieces).map(\.portableCode) }
    var kernelTimes = CodegenTimes()
    let native = times.time("encode") {
      options.backend == .portable
        ? nil
        : NativeCode(
          lowered.kernels, streamed: memory.streamedOperands(of: lowered.kernels),
          features: options.backend.requiredFeatures, threads: options.threads,
          minimumWork: options.minimumWorkPerThread, caches: options.caches, times: &kernelTimes)
    }
    times.adopt(kernelsOf: kernelTimes)
    self.init(
      name: fused.graph.name, kernels: lowered.kernels,
      preparationCount: lowered.preparationCount, startsWave: startsWave, code: code,
      buffers: lowered.buffers, memory: memory, inputs: lowered.inputs, outputs: lowered.outputs,
      states: lowered.states,
      faults: lowered.faults, native: native, options: options,
      commitKernel: lowered.firstStateWrite)
    let violations = times.time("check plan") {
      planDump.check()
        + (preparationCount > 0 ? preparedPlanDump.check() + preparationViolations : [])
        + stripViolations
    }
    precondition(
      violations.isEmpty, "the memory plan of \(name) is wrong: \(violations.prefix(5))")
  }

  /// Returns, for each part of each kernel, the units of its grid that each thread runs; one entry where one runs all.
  ///
  /// - Parameter isNative: Whether parts that have machine code run it; its grids are its own.
  /// - Returns: For each kernel, a list of runs of units for each part.
  package func slices(isNative: Bool) -> [[[Range<Int>]]] {
    var piece = 0
    var slices: [[[Range<Int>]]] = []
    var wave: [(kernel: Int, grids: [TileGrid])] = []
    /// Divides the work of a whole wave.
    func finishWave() {
      var all = TileGrid.slices(of: wave.flatMap(\.grids), options)[...]
      for (kernel, grids) in wave {
        slices[kernel] = Array(all.prefix(grids.count)) + slices[kernel]
        all = all.dropFirst(grids.count)
      }
      wave = []
    }
    for (index, kernel) in kernels.enumerated() {
      let grids = kernel.parts.map { part -> TileGrid in
        defer { piece += part.pieces.count }
        if case .strips = part.body { return part.grid }
        return (isNative ? native?.kernels[piece]?.grid : nil) ?? part.grid
      }
      if startsWave[index] { finishWave() }
      let shared = grids.dropLast(kernel.tails.count)
      wave.append((index, Array(shared)))
      slices.append(grids[shared.endIndex...].map { [0..<$0.units] })
    }
    finishWave()
    return slices
  }
}

extension LoweredGraph {
  /// Returns the memory plan, and before which kernels threads meet: kernels share waves unless that costs memory.
  func planned(for options: Program.Options) -> (memory: MemoryPlan, startsWave: [Bool]) {
    let single = MemoryPlan(
      planning: self, startsWave: singleWaves, redZones: options.poison)
    guard options.threads > 1, options.waves, !options.poison else { return (single, singleWaves) }
    let waves = sharedWaves
    guard waves.contains(false) else { return (single, singleWaves) }
    let shared = MemoryPlan(planning: self, startsWave: waves)
    let isSmall = shared.arenaBytes <= single.arenaBytes + single.arenaBytes / 64
    return isSmall ? (shared, waves) : (single, singleWaves)
  }

  /// The position of the first kernel that writes a state, or the number of kernels.
  fileprivate var firstStateWrite: Int {
    kernels.firstIndex(where: writesState) ?? kernels.count
  }
}

extension TileGrid {
  /// Returns which units of each grid each thread runs: equal runs, as many as all the work together pays for.
  ///
  /// What has fewer units than there are threads goes to those with the least to do.
  fileprivate static func slices(
    of grids: [TileGrid], _ options: Program.Options
  ) -> [[Range<Int>]] {
    let work = grids.reduce(0) { $0.addingClamped($1.work) }
    let worth = work / max(options.minimumWorkPerThread, 1)
    let most = grids.reduce(0) { grids.count == 1 ? $1.units : $0 + $1.units }
    let threads = max(1, min(options.threads, most, worth))
    var loads = [Int](repeating: 0, count: threads)
    return grids.map { grid in
      let runs = max(1, min(threads, grid.units))
      let order = loads.indices.sorted { (loads[$0], $0) < (loads[$1], $1) }.prefix(runs).sorted()
      var slices = [Range<Int>](repeating: 0..<0, count: threads)
      for (run, thread) in order.enumerated() {
        slices[thread] = run * grid.units / runs..<(run + 1) * grid.units / runs
        loads[thread] = loads[thread].addingClamped(grid.work / runs)
      }
      return slices
    }
  }

  /// All the work, or the greatest number if it is more.
  var work: Int {
    let work = units.multipliedReportingOverflow(by: workPerUnit)
    return work.overflow ? .max : work.partialValue
  }
}

extension Int {
  /// Returns a sum of numbers that are not negative, or the greatest number if it is more.
  func addingClamped(_ other: Int) -> Int {
    let sum = addingReportingOverflow(other)
    return sum.overflow ? .max : sum.partialValue
  }
}

import DescentCodegen
public import DescentGraph
import DescentPasses
import DescentRuntime

extension Graph {
  /// Compiles the graph into a plan for exactly its shapes.
  ///
  /// - Parameters:
  ///   - batch: What `.batch` stands for; needed where the graph uses it.
  ///   - outputs: The outputs to compute; nil means all. Inputs that only others need are dropped.
  ///   - state: Contents for parameters and states; those it lacks are initialised by each session.
  ///   - options: How to compile.
  /// - Returns: An immutable plan.
  /// - Throws: All mistakes in the graph and in the arguments.
  public func compile(
    batch: Int? = nil, outputs: [String]? = nil, state: State? = nil,
    options: CompileOptions = CompileOptions()
  ) throws(GraphErrors) -> Plan {
    // Folding constants computes, and must give the same bits whatever the caller's modes.
    try FloatingPointEnvironment.withStandard { () throws(GraphErrors) in
      var compilation = Compilation(options: options)
      return try compilation.run(self, batch: batch, outputs: outputs, state: state)
    }
  }
}

/// One run through the stages: bind, optimize, fuse, lower and plan.
private struct Compilation {
  let options: CompileOptions
  /// The passes that are left out for the budget's sake.
  var leftOut: Set<String> = []
  var timings: [(stage: String, nanoseconds: Int)] = []

  mutating func run(
    _ source: Graph, batch: Int?, outputs: [String]?, state: State?
  ) throws(GraphErrors) -> Plan {
    let threads = try threadCount()
    let backend = try chosenBackend()
    var graph = try source.validated()
    if let outputs, graph.objective == nil { graph = try graph.selecting(outputs) }
    graph = try bind(graph, batch)
    let prepares = !options.disabled.contains("prepare")
    let pipeline = Pipeline.list(
      fast: options.fast, minimumRecomputedBytes: options.minimumRecomputedBytes,
      prepares: prepares)
    var passOptions = Pipeline.Options()
    passOptions.disabled = options.disabled.subtracting([
      "fuse", "prepare", "pack", "taps", "strips", "order", "bundle", "waves",
    ])
    passOptions.stop = options.stopAfter.map { .pass($0) }
    passOptions.keepsSnapshots = options.keepsSnapshots
    var result = try pipeline.run(graph, passOptions)
    timings += result.timings.map { ($0.pass, $0.nanoseconds) }
    if let outputs { result.graph = try result.graph.selecting(outputs) }
    try result.graph.checkCompilable(state)
    let fuses = !options.disabled.contains("fuse")
    let programOptions = Program.Options(
      threads: threads, minimumWorkPerThread: options.minimumWorkPerThread,
      poison: options.poison, backend: backend, caches: options.caches ?? .detected,
      minimumPackedBytes:
        prepares && !options.disabled.contains("pack") ? options.minimumPackedBytes : .max,
      orders: !options.disabled.contains("order"),
      bundles: !options.disabled.contains("bundle"),
      minimumTappedBytes: options.disabled.contains("taps") ? .max : options.minimumTappedBytes,
      minimumStripBytes: options.disabled.contains("strips") ? .max : options.minimumStripBytes,
      waves: !options.disabled.contains("waves"))
    if let bytes = options.memoryBudget {
      let budget = MemoryBudget(
        byteCount: bytes, fuses: fuses, prepares: prepares, options: programOptions)
      let start = MonotonicClock.nanoseconds
      do {
        result.graph = try budget.fitted(result.graph, &result.journal)
        if !leftOut.isEmpty {
          let passes = leftOut.sorted().joined(separator: ", ")
          result.journal.note("leave out", "\(passes): a run would take more than \(bytes) B")
        }
      } catch {
        guard var other = leavingOut(Pipeline.fewerMultiplications, after: result.journal) else {
          throw error
        }
        return try other.run(source, batch: batch, outputs: outputs, state: state)
      }
      timings.append(("budget", Int(MonotonicClock.nanoseconds - start)))
    }
    let fused = time("fuse") {
      FusedGraph(
        fusing: result.graph, isEnabled: fuses, prepares: prepares, journal: &result.journal)
    }
    var times = CodegenTimes()
    let program = Program(compiling: fused, options: programOptions, times: &times)
    timings += times.stages
    return Plan(
      fused: fused, program: program, journal: result.journal, timings: timings,
      kernelTimings: times.kernels, snapshots: result.snapshots, state: state)
  }

  /// The same compilation without those of some passes that have changed the graph, or nil if none has.
  private func leavingOut(_ passes: Set<String>, after journal: Journal) -> Compilation? {
    let passes = passes.intersection(journal.entries.map(\.pass))
    guard !passes.isEmpty else { return nil }
    var options = options
    options.disabled.formUnion(passes)
    return Compilation(options: options, leftOut: leftOut.union(passes), timings: timings)
  }

  private mutating func bind(_ graph: Graph, _ batch: Int?) throws(GraphErrors) -> Graph {
    if let batch { return try graph.bound(batch: batch) }
    guard !graph.needsBatchSize else {
      throw GraphErrors([
        GraphError(
          "compile: graph \"\(graph.name)\" depends on the batch size",
          hint: "give it with compile(batch:)")
      ])
    }
    return try graph.bound(batch: 1)
  }

  private func threadCount() throws(GraphErrors) -> Int {
    let threads = options.threads ?? ThreadPool.defaultThreadCount
    guard threads >= 1 else {
      throw GraphErrors([
        GraphError("compile: the number of threads is \(threads), not at least 1")
      ])
    }
    return threads
  }

  private func chosenBackend() throws(GraphErrors) -> Backend {
    do {
      guard let backend = options.backend else { return try Backend.chosen() }
      // Where the processor cannot even be asked, portable code runs all the same.
      guard backend != .portable else { return .portable }
      return try backend.checked(on: CPUFeatures.detection.get())
    } catch {
      throw GraphErrors([GraphError(error.message, hint: error.hint)])
    }
  }

  private mutating func time<T>(_ stage: String, _ body: () -> T) -> T {
    let start = MonotonicClock.nanoseconds
    let result = body()
    timings.append((stage, Int(MonotonicClock.nanoseconds - start)))
    return result
  }
}

extension Graph {
  /// Whether any type or attribute waits for the batch size.
  fileprivate var needsBatchSize: Bool {
    nodes.contains { node in
      if case .leaf(.size(let extents, _)) = node.op { return extents.contains { $0.isSymbolic } }
      return node.type.shape.isSymbolic
    }
  }

  /// Throws where there is something the code generator does not do, or a state that does not fit.
  fileprivate func checkCompilable(_ state: State?) throws(GraphErrors) {
    var errors: [GraphError] = []
    if let objective {
      errors.append(
        GraphError("compile: \"\(objective.output)\" is still to be minimised; run all passes"))
    }
    for node in nodes where node.type.dataType == .f64 {
      errors.append(
        GraphError(
          "compile: \(node.op.name) has type \(node.type), and f64 runs in the interpreter only",
          hint: "cast to f32", at: node.origin))
      break
    }
    for node in nodes {
      guard let state, case .leaf(let leaf) = node.op, leaf.initializer != nil,
        let name = leaf.leafName, let array = state[name], array.type != leaf.type
      else { continue }
      errors.append(
        GraphError(
          "compile: \(leaf.name) \"\(name)\" is \(leaf.type), but the given state has \(array.type)",
          at: node.origin))
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
  }
}

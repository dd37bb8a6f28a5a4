package import DescentCodegen
public import DescentGraph

/// One running instance of a plan: it owns the memory.
///
/// A session is used by one thread at a time. Any number of sessions may run the same program side by side. Sessions
/// of one family, made by sharing, work on the same parameters and states and take turns.
@dynamicCallable
public final class Session {
  private let executable: Executable
  private let pool: ThreadPool?
  private var program: Program { executable.program }

  /// Creates a session with fresh or given state.
  ///
  /// - Parameters:
  ///   - program: What to run.
  ///   - code: The program's machine code where it can be executed; nil leaves everything to portable code.
  ///   - seed: What random initialisers are keyed by.
  ///   - state: Contents for parameters and states; those it lacks are initialised.
  /// - Throws: Where the system refuses memory or threads, or the state does not fit.
  package init(
    _ program: Program, code: ExecutableMemory?, seed: UInt64, state: State?
  ) throws(RuntimeError) {
    pool = try Session.makePool(program, code)
    let memory = try StateMemory(program, seed: state?.seed ?? seed)
    executable = try Executable(program, code: code, state: memory, pool: pool)
    for port in program.states {
      let array =
        state?[port.name]
        ?? port.initializer.makeArray(
          type: port.type, seed: seed, stream: Initializer.stream(for: port.name),
          evaluator: RandomNumbers.inBlocks)
      try write(array, to: port.buffer, port.type, "state \"\(port.name)\"")
    }
  }

  /// Creates a session of another plan that works on the parameters and states of an existing one.
  ///
  /// - Throws: Where the plans do not have the same parameters and states.
  package init(
    _ program: Program, code: ExecutableMemory?, sharing other: Session
  ) throws(RuntimeError) {
    guard program.stateLayout == other.executable.state.layout else {
      throw .differentStates(program.name, other.program.name)
    }
    let fits = (other.pool?.threadCount ?? 1) >= program.threadCount
    pool = fits ? other.pool : try Session.makePool(program, code)
    executable = try Executable(program, code: code, state: other.executable.state, pool: pool)
  }

  private static func makePool(
    _ program: Program, _ code: ExecutableMemory?
  ) throws(RuntimeError) -> ThreadPool? {
    let slices = program.slices(isNative: code != nil)
    guard slices.joined().contains(where: { $0.count > 1 }) else { return nil }
    return try ThreadPool(threadCount: program.threadCount)
  }
}

// MARK: - Running

extension Session {
  /// The names and types of the inputs, in the order in which they were declared.
  public var inputTypes: [(name: String, type: TensorType)] {
    program.inputs.map { ($0.name, $0.type) }
  }

  /// The names and types of the outputs, in the order in which they were declared.
  public var outputTypes: [(name: String, type: TensorType)] {
    program.outputs.map { ($0.name, $0.type) }
  }

  /// Runs once with inputs given by name, `session(x: …, y: …)`.
  public func dynamicallyCall(
    withKeywordArguments inputs: KeyValuePairs<String, NDArray>
  ) throws(RuntimeError) -> Results {
    try write(inputs.map { ($0.key, $0.value) })
    try run()
    return results
  }

  /// Runs once with inputs given by name.
  public func run(_ inputs: [String: NDArray]) throws(RuntimeError) -> Results {
    try write(inputs.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
    try run()
    return results
  }

  /// Runs once with the inputs as they lie in memory; allocates nothing unless it throws.
  ///
  /// - Throws: An index out of range, before any state has changed; or that the run was cancelled.
  public func run() throws(RuntimeError) {
    if let fault = executable.run() { throw describe(program.faults[fault]) }
    if executable.wasCancelled { throw .cancelled }
  }

  /// How often what follows from parameters and states alone has been computed, by this session or another that shares
  /// it: once at most for each of their changes.
  package var preparationRunCount: Int { executable.preparationRunCount }

  /// How long a kernel took.
  public struct KernelTime: Hashable, Sendable {
    /// The name of the kernel.
    public let name: String
    /// Its arithmetic, counting a fused multiply-add as two.
    public let flops: Int
    /// The least time of all runs.
    public let nanoseconds: Int
  }

  /// Runs some times and returns how long each kernel took at least.
  ///
  /// A kernel's time is that from its beginning to the next one's on the calling thread, so where threads meet it holds
  /// the wait for the others. Taking the time adds some 25 ns to each. What a run does to the state, these do too. The
  /// kernels that prepare what follows from parameters alone are not part of a run, and have no times.
  ///
  /// - Parameter runs: How many times, at least once.
  /// - Returns: One time a kernel, in the order in which they run.
  /// - Throws: What `run` throws.
  public func kernelTimes(runs: Int = 10) throws(RuntimeError) -> [KernelTime] {
    let first = program.preparationCount
    var least = [Int](repeating: .max, count: program.kernels.count - first)
    var times = [UInt64](repeating: 0, count: program.kernels.count + 1)
    for _ in 0..<max(1, runs) {
      if let fault = executable.run(timing: &times) { throw describe(program.faults[fault]) }
      if executable.wasCancelled { throw .cancelled }
      for index in least.indices {
        least[index] = min(least[index], Int(times[first + index + 1] - times[first + index]))
      }
    }
    return zip(program.kernels[first...], least).map {
      KernelTime(name: $0.name, flops: $0.flops, nanoseconds: $1)
    }
  }

  /// Makes one run throw `RuntimeError.cancelled`, and change nothing.
  ///
  /// That is the run under way on another thread, which ends before its next kernel. Where there is none, or it has
  /// begun to change state and goes on to its end, it is the next one. So a loop of runs ends, whenever it is told to.
  /// Told again before it has ended, it still ends once.
  ///
  /// - Returns: A function that may be called from any thread while the session lives.
  public var canceller: @Sendable () -> Void {
    let executable = UncheckedReference(executable)
    return { executable.object.cancel() }
  }

  /// The outputs of the last run, copied.
  public var results: Results {
    Results(
      entries: program.outputs.map {
        ($0.name, NDArray(bytes: executable.address(of: $0.buffer), type: $0.type))
      })
  }

  private func write(_ inputs: [(String, NDArray)]) throws(RuntimeError) {
    for (name, _) in inputs where !program.inputs.contains(where: { $0.name == name }) {
      throw .unknown("input", name, known: program.inputs.map(\.name))
    }
    for port in program.inputs {
      guard let array = inputs.first(where: { $0.0 == port.name })?.1 else {
        throw .missingInput(port.name)
      }
      try write(array, to: port.buffer, port.type, "input \"\(port.name)\"")
    }
  }

  private func write(
    _ array: NDArray, to buffer: BufferID, _ type: TensorType, _ what: String
  ) throws(RuntimeError) {
    // Axes of extent 1 may be left out or added: the elements are the same in the same order.
    let isSame =
      array.dataType == type.dataType
      && array.dimensions.filter { $0 != 1 } == type.shape.dimensions.filter { $0 != 1 }
    guard isSame else { throw .wrongType(what, array.type, expected: type) }
    array.copyBytes(to: executable.address(of: buffer))
  }

  private func describe(_ fault: Fault) -> RuntimeError {
    guard let name = fault.input, let port = program.inputs.first(where: { $0.name == name })
    else { return .indexOutOfRange(fault, position: nil) }
    let array = NDArray(bytes: executable.address(of: port.buffer), type: port.type)
    let whole = ScalarInstruction(.convert, array.dataType, to: .i64)
    let indices = array.bits.map { Int(Int64(bitPattern: whole.evaluate($0))) }
    let position = indices.firstIndex { !(0..<fault.bound).contains($0) }
    return .indexOutOfRange(fault, position: position.map { ($0, indices[$0]) })
  }
}

/// A reference that is sent to another thread, where only what is atomic is touched.
private struct UncheckedReference: @unchecked Sendable {
  let object: Executable
  init(_ object: Executable) { self.object = object }
}

// MARK: - Memory

/// A type whose values lie in a session's memory as they are.
public protocol SessionElement: BitwiseCopyable {
  /// The element type it stands for.
  static var dataType: DataType { get }
}

extension Float: SessionElement {
  /// `f32`.
  public static var dataType: DataType { .f32 }
}

extension Int32: SessionElement {
  /// `i32`.
  public static var dataType: DataType { .i32 }
}

extension Int64: SessionElement {
  /// `i64`.
  public static var dataType: DataType { .i64 }
}

extension UInt8: SessionElement {
  /// `u8`.
  public static var dataType: DataType { .u8 }
}

extension Session {
  /// Lets a body write an input where it lies, without a copy.
  public func withInput<Element: SessionElement>(
    _ name: String, of type: Element.Type = Element.self,
    _ body: (inout MutableSpan<Element>) -> Void
  ) throws(RuntimeError) {
    let port = try port(name, in: program.inputs, "input", Element.dataType)
    let elements = UnsafeMutableBufferPointer(
      start: executable.address(of: port.buffer).assumingMemoryBound(to: Element.self),
      count: port.type.shape.count)
    var span = elements.mutableSpan
    body(&span)
  }

  /// Lets a body read an output where it lies, without a copy.
  public func withOutput<Element: SessionElement, Result>(
    _ name: String, of type: Element.Type = Element.self, _ body: (Span<Element>) -> Result
  ) throws(RuntimeError) -> Result {
    let port = try port(name, in: program.outputs, "output", Element.dataType)
    let elements = UnsafeMutableBufferPointer(
      start: executable.address(of: port.buffer).assumingMemoryBound(to: Element.self),
      count: port.type.shape.count)
    return body(elements.span)
  }

  /// Lets a body read and write a parameter or state where it lies, such as the learning rate.
  ///
  /// What sessions have prepared from it they prepare again, whether the body has written or not; what they have
  /// prepared from others stays.
  public func withState<Element: SessionElement, Result>(
    _ name: String, of type: Element.Type = Element.self,
    _ body: (inout MutableSpan<Element>) -> Result
  ) throws(RuntimeError) -> Result {
    guard let slot = program.states.firstIndex(where: { $0.name == name }) else {
      throw .unknown("state", name, known: program.states.map(\.name))
    }
    let port = program.states[slot]
    guard port.type.dataType == Element.dataType else {
      throw .wrongElement("state \"\(name)\"", port.type, Element.dataType)
    }
    let elements = UnsafeMutableBufferPointer(
      start: executable.address(of: port.buffer).assumingMemoryBound(to: Element.self),
      count: port.type.shape.count)
    // The body may run sessions of the same state.
    executable.state.noteChange(of: slot)
    defer { executable.state.noteChange(of: slot) }
    var span = elements.mutableSpan
    return body(&span)
  }

  private func port(
    _ name: String, in ports: [Port], _ kind: String, _ dataType: DataType
  ) throws(RuntimeError) -> Port {
    guard let port = ports.first(where: { $0.name == name }) else {
      throw .unknown(kind, name, known: ports.map(\.name))
    }
    guard port.type.dataType == dataType else {
      throw .wrongElement("\(kind) \"\(name)\"", port.type, dataType)
    }
    return port
  }

  /// A copy of everything the session remembers between runs.
  public var state: State {
    State(
      program.states.map {
        State.Entry($0.name, NDArray(bytes: executable.address(of: $0.buffer), type: $0.type))
      }, seed: executable.state.seed)
  }

  /// Replaces what the session remembers; entries the plan does not have are passed over.
  ///
  /// - Throws: Where an entry is missing or has another type; then nothing has changed.
  public func load(_ state: State) throws(RuntimeError) {
    for port in program.states {
      guard let array = state[port.name] else { throw .missingState(port.name) }
      guard array.type == port.type else {
        throw .wrongType("state \"\(port.name)\"", array.type, expected: port.type)
      }
    }
    for (slot, port) in program.states.enumerated() {
      state[port.name]?.copyBytes(to: executable.address(of: port.buffer))
      executable.state.noteChange(of: slot)
    }
    executable.state.seed = state.seed
  }
}

/// The outputs of one run.
@dynamicMemberLookup
public struct Results: Sendable {
  /// The outputs in the order in which they were declared.
  public let entries: [(name: String, array: NDArray)]

  /// Accesses the output of a name, or nil.
  public subscript(name: String) -> NDArray? { entries.first { $0.name == name }?.array }

  /// Accesses the output of a name, `try results.loss`.
  ///
  /// - Throws: Where there is no such output; the error names those there are.
  public subscript(dynamicMember name: String) -> NDArray {
    get throws(RuntimeError) {
      guard let array = self[name] else {
        throw .unknown("output", name, known: entries.map(\.name))
      }
      return array
    }
  }
}

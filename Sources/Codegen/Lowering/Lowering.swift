package import DescentGraph

/// The linear list of kernels a graph becomes, over buffers that have no place yet.
package struct LoweredGraph: Hashable, Sendable {
  /// The kernels in the order in which they run.
  package var kernels: [Kernel] = []
  /// How many of them, the first, compute what is the same in every run.
  package var preparationCount = 0
  /// The memory they work on.
  package var buffers: [Buffer] = []
  /// The buffer of each named input.
  package var inputs: [Port] = []
  /// The buffer of each named output.
  package var outputs: [Port] = []
  /// The buffer of each parameter and state, with its beginning.
  package var states: [StatePort] = []
  /// What an index out of range is reported as.
  package var faults: [Fault] = []
}

/// One piece of memory that holds values.
package struct Buffer: Hashable, Sendable, Codable {
  /// Why the buffer exists, which decides its segment.
  package enum Role: Hashable, Sendable, Codable {
    /// Elements known at compile time.
    case constant(NDArray)
    /// A parameter or state: survives from run to run.
    case state
    /// Written by the caller before a run.
    case input
    /// Read by the caller after a run.
    case output
    /// Lives from the kernel that writes it to the last that reads it.
    case temporary
    /// Written by the preparation, and kept from run to run.
    case prepared
  }

  /// Why the buffer exists.
  package var role: Role
  /// The size in bytes.
  package var byteCount: Int
  /// The value it was made for.
  package var value: Value
}

/// A named tensor at the boundary of a program.
package struct Port: Hashable, Sendable, Codable {
  package var name: String
  package var type: TensorType
  package var buffer: BufferID
  package var value: Value
}

/// A named tensor that persists between runs.
package struct StatePort: Hashable, Sendable, Codable {
  package var name: String
  package var type: TensorType
  package var buffer: BufferID
  /// The value before a run.
  package var value: Value
  /// The value after a run.
  package var updated: Value
  /// How a fresh session fills it.
  package var initializer: Initializer
  /// Whether training changes it, as opposed to the plan's own bookkeeping.
  package var isParameter: Bool
}

/// What to say when an index is out of range.
package struct Fault: Hashable, Sendable, Codable {
  /// The operation's name.
  package var operation: String
  /// The number of places an index may name.
  package var bound: Int
  /// The input the indices come from unchanged, if they do.
  package var input: String?
  /// The line the user wrote, such as `main.swift:5`.
  package var location: String
  /// The layer it is in, or an empty string.
  package var layer: String
}

/// Lowers a divided graph, group by group.
struct Lowering {
  let graph: Graph
  let groups: [FusionGroup]
  var result = LoweredGraph()
  /// The buffer that holds each value, or nil.
  private var buffers: [BufferID?]

  init(_ fused: FusedGraph) {
    graph = fused.graph
    groups = fused.groups
    buffers = Array(repeating: nil, count: fused.graph.nodes.count)
  }

  /// Returns the kernels of all groups, over buffers without places.
  mutating func run(_ options: Program.Options) -> LoweredGraph {
    declareLeaves()
    let outputs = Dictionary(
      graph.outputs.map { (storage(of: $0.value), $0.name) },
      uniquingKeysWith: { first, _ in first })
    lower(groups.filter(\.isPrepared), outputs)
    var preparation = result.kernels
    result.kernels = []
    copyLeafOutputs()
    lower(groups.filter { !$0.isPrepared }, outputs)
    bindOutputs()
    applyUpdates()
    deferStateWrites()
    if options.minimumPackedBytes < .max {
      result.packWeights(&preparation, minimumBytes: options.minimumPackedBytes)
    }
    let graph = graph
    result.prepend(preparation) { part in
      part.attachTaps(
        graph, minimumBytes: options.minimumTappedBytes, threads: options.threads)
      if options.minimumStripBytes < .max {
        part.formStrips(minimumBytes: options.minimumStripBytes, threads: options.threads)
      }
      if options.orders { part.orderForMemory() }
      if options.bundles {
        part.attachTails()
        part.bundleLoops()
      }
    }
    return result
  }

  /// Adds the kernels of some groups; what is an output of the graph goes into memory of its own.
  private mutating func lower(_ groups: [FusionGroup], _ outputs: [Value: String]) {
    for group in groups {
      for output in group.outputs {
        let role: Buffer.Role = outputs[output] == nil ? .temporary : .output
        buffers[Int(output.index)] = makeBuffer(role, output)
      }
      result.kernels.append(kernel(for: group))
    }
  }

  /// Returns the value whose memory a value is, following reshapes.
  func storage(of value: Value) -> Value {
    var value = value
    while graph[value].op.isView { value = graph[value].operands[0] }
    return value
  }

  /// Returns the buffer that holds a value, making one for a constant at its first use.
  mutating func buffer(of value: Value) -> BufferID {
    let value = storage(of: value)
    if let buffer = buffers[Int(value.index)] { return buffer }
    guard case .leaf(.constant(let array)) = graph[value].op else {
      preconditionFailure("\(value) is read before any kernel writes it")
    }
    let buffer = makeBuffer(.constant(array), value)
    buffers[Int(value.index)] = buffer
    return buffer
  }

  /// Whether a value has memory that kernels can read.
  func isStored(_ value: Value) -> Bool {
    buffers[Int(storage(of: value).index)] != nil
  }

  /// Registers what to say when an index is out of range, and returns its number.
  mutating func makeFault(_ value: Value, indices: Value, bound: Int) -> Int {
    let node = graph[value]
    result.faults.append(
      Fault(
        operation: node.op.name, bound: bound, input: inputName(behind: indices),
        location: node.origin.location, layer: node.origin.layer))
    return result.faults.count - 1
  }

  private mutating func makeBuffer(_ role: Buffer.Role, _ value: Value) -> BufferID {
    result.buffers.append(
      Buffer(role: role, byteCount: graph[value].type.byteCount, value: value))
    return result.buffers.count - 1
  }

  private mutating func kernel(for group: FusionGroup) -> Kernel {
    // The builder works on this very lowering; arrays that two held would be copied at every change.
    var builder = KernelBuilder(lowering: self, group: group)
    (result, buffers) = (LoweredGraph(), [])
    let kernel = builder.build()
    swap(&self, &builder.lowering)
    return kernel
  }

  /// Returns the input that holds a value's elements as the caller wrote them, if one does.
  private func inputName(behind value: Value) -> String? {
    var value = value
    while true {
      switch graph[value].op {
      case .movement(.reshape), .elementwise(.cast): value = graph[value].operands[0]
      case .leaf(.input(let name, _)): return name
      default: return nil
      }
    }
  }
}

// MARK: - Leaves, outputs and updates

extension Lowering {
  private mutating func declareLeaves() {
    for value in graph.values {
      guard case .leaf(let leaf) = graph[value].op else { continue }
      switch leaf {
      case .input(let name, let type):
        let buffer = makeBuffer(.input, value)
        buffers[Int(value.index)] = buffer
        result.inputs.append(Port(name: name, type: type, buffer: buffer, value: value))
      case .parameter(let name, let type, let initializer),
        .state(let name, let type, let initializer):
        let buffer = makeBuffer(.state, value)
        buffers[Int(value.index)] = buffer
        let isParameter = if case .parameter = leaf { true } else { false }
        result.states.append(
          StatePort(
            name: name, type: type, buffer: buffer, value: value, updated: value,
            initializer: initializer, isParameter: isParameter))
      case .constant, .iota, .size: break
      }
    }
  }

  /// Copies outputs that are leaves before anything can overwrite them.
  private mutating func copyLeafOutputs() {
    for output in graph.outputs {
      let source = storage(of: output.value)
      guard case .leaf(let leaf) = graph[source].op else { continue }
      if case .iota = leaf { continue }
      let buffer = makeBuffer(.output, output.value)
      result.kernels.append(copy(source, from: self.buffer(of: source), to: buffer))
      bind(output, to: buffer, source)
    }
  }

  private mutating func bindOutputs() {
    for output in graph.outputs where !result.outputs.contains(where: { $0.name == output.name }) {
      let source = storage(of: output.value)
      bind(output, to: buffer(of: source), source)
    }
    let order = graph.outputs.map(\.name)
    result.outputs.sort { order.firstIndex(of: $0.name)! < order.firstIndex(of: $1.name)! }
  }

  private mutating func bind(_ output: Graph.Output, to buffer: BufferID, _ value: Value) {
    result.outputs.append(
      Port(
        name: output.name, type: graph[output.value].type, buffer: buffer, value: value))
  }

  private func copy(_ value: Value, from source: BufferID, to target: BufferID) -> Kernel {
    let byteCount = graph[value].type.byteCount
    let operand = { (buffer: BufferID, access: Kernel.AccessKind) in
      Kernel.Operand(buffer: buffer, value: value, bytes: 0..<byteCount, access: access)
    }
    return Kernel(
      name: "copy", body: .copy(byteCount: byteCount),
      operands: [operand(source, .read), operand(target, .write)],
      grid: TileGrid(units: 1, workPerUnit: byteCount), inPlace: [], nodes: [value], flops: 0)
  }

  /// Lets kernels write new states in place where that is safe, and copies the others at the end.
  private mutating func applyUpdates() {
    var copies: [Kernel] = []
    var early: [Kernel] = []
    let ports = Dictionary(
      uniqueKeysWithValues: result.states.indices.map { (result.states[$0].value, $0) })
    var users = kernelsByBuffer
    for update in graph.updates {
      let source = storage(of: update.value)
      guard let port = ports[update.leaf], source != update.leaf else { continue }
      result.states[port].updated = source
      let state = result.states[port].buffer
      if let producer = directProducer(of: source, into: state, users) {
        redirect(source, to: state, producer, &users)
        continue
      }
      if case .leaf(let leaf) = graph[source].op, leaf.initializer != nil {
        // The source may itself be overwritten first, so it is set aside before anything changes.
        let aside = makeBuffer(.temporary, source)
        early.append(copy(source, from: buffer(of: source), to: aside))
        copies.append(copy(source, from: aside, to: state))
      } else {
        copies.append(copy(source, from: buffer(of: source), to: state))
      }
    }
    result.kernels = early + result.kernels + copies
  }

  /// The kernels that touch each buffer, in order.
  private var kernelsByBuffer: [[Int]] {
    var users = [[Int]](repeating: [], count: result.buffers.count)
    for (index, kernel) in result.kernels.enumerated() {
      for operand in kernel.operands where users[operand.buffer].last != index {
        users[operand.buffer].append(index)
      }
    }
    return users
  }

  /// Returns the kernel that may write a new state straight into its place, if there is one.
  private func directProducer(
    of source: Value, into state: BufferID, _ users: [[Int]]
  ) -> Int? {
    guard let buffer = buffers[Int(source.index)], result.buffers[buffer].role == .temporary,
      let producer = users[buffer].first(where: { index in
        result.kernels[index].operands.contains { $0.buffer == buffer && $0.access != .read }
      }),
      !users[state].contains(where: { $0 > producer })
    else { return nil }
    let kernel = result.kernels[producer]
    // What checks an index may not change a state while it does.
    guard !kernel.mayFault else { return nil }
    for (position, operand) in kernel.operands.enumerated() where operand.buffer == state {
      let isPaired = kernel.inPlace.contains {
        $0.read == position && kernel.operands[$0.written].buffer == buffer
      }
      guard isPaired else { return nil }
    }
    return producer
  }

  private mutating func redirect(
    _ source: Value, to state: BufferID, _ producer: Int, _ users: inout [[Int]]
  ) {
    guard let old = buffers[Int(source.index)] else { return }
    buffers[Int(source.index)] = state
    // Nothing behind the producer touches the state, so the kernels stay in order.
    let later = users[old].filter { $0 != users[state].last }
    users[state] += later
    for index in users[old] where index >= producer {
      for position in result.kernels[index].operands.indices
      where result.kernels[index].operands[position].buffer == old {
        result.kernels[index].operands[position].buffer = state
      }
    }
    users[old] = []
    // The old buffer keeps its number but holds nothing.
    result.buffers[old].byteCount = 0
  }

  /// Moves kernels that write state behind the last kernel that may report a fault.
  ///
  /// So a run that meets an index out of range ends before it has changed anything.
  private mutating func deferStateWrites() {
    guard let lastCheck = result.kernels.lastIndex(where: \.mayFault) else { return }
    var late: [Kernel] = []
    var early: [Kernel] = []
    var moved: Set<BufferID> = []
    for (index, kernel) in result.kernels.enumerated() {
      let writesState = result.writesState(kernel)
      let follows = kernel.operands.contains { moved.contains($0.buffer) }
      if index <= lastCheck, !kernel.mayFault, writesState || follows {
        late.append(kernel)
        moved.formUnion(kernel.operands.lazy.filter { $0.access != .read }.map(\.buffer))
      } else if index <= lastCheck {
        early.append(kernel)
      } else {
        late.append(kernel)
      }
    }
    // A faulting kernel that needs a moved result keeps the old order; its fault is then reported late.
    guard !early.contains(where: { $0.operands.contains { moved.contains($0.buffer) } }) else {
      return
    }
    result.kernels = early + late
  }
}

extension LoweredGraph {
  /// Whether a kernel changes a parameter or state.
  func writesState(_ kernel: Kernel) -> Bool {
    kernel.operands.contains { $0.access == .write && buffers[$0.buffer].role == .state }
  }
}

extension Kernel {
  /// Whether the kernel checks indices.
  package var mayFault: Bool {
    if case .scatter = body { return true }
    return programs.contains { program in
      program.instructions.contains { if case .check = $0 { true } else { false } }
    }
  }
}

/// The only way to make a graph: checks every node's type, interns equal nodes, and gathers mistakes.
///
/// Building never traps. A mistake is recorded with its origin and yields a placeholder; what is built from a
/// placeholder is a placeholder too, so that one mistake is reported once.
public final class GraphBuilder {
  /// The name of the graph under construction.
  public let name: String
  package private(set) var nodes: [Node] = []
  package private(set) var outputs: [Graph.Output] = []
  package private(set) var updates: [Graph.Update] = []
  package private(set) var errors: [GraphError] = []
  /// The origin that nodes are given; named operations set it, operators inherit it.
  package var origin: Origin = .unknown
  /// The names of the layers being built, outermost first.
  package var layers: [String] = []
  /// The modules being called, outermost first.
  package var frames: [LayerFrame] = []
  /// Whether layers that behave otherwise while training do so.
  package var isTraining = false
  /// How many calls have drawn random numbers; each has a number of its own.
  package var randomCalls = 0

  /// Whether a node that is there already is found again instead of added.
  private let interning: Bool
  private var interned: [Node: Value] = [:]
  private var leafNames: Set<String> = []
  private var outputNames: Set<String> = []
  private var updatedLeaves: Set<Value> = []

  /// Creates an empty builder.
  public init(name: String) {
    self.name = name
    interning = true
  }

  /// Creates an empty builder that may keep equal nodes apart, as copies that save memory must be.
  package init(name: String, interning: Bool, expecting nodeCount: Int = 0) {
    self.name = name
    self.interning = interning
    nodes.reserveCapacity(nodeCount)
    if interning { interned.reserveCapacity(nodeCount) }
  }

  /// Creates a builder that continues a graph; the graph's values keep their numbers.
  package init(continuing graph: Graph) {
    name = graph.name
    interning = true
    nodes = graph.nodes
    outputs = graph.outputs
    updates = graph.updates
    errors = graph.errors
    outputNames = Set(outputs.map(\.name))
    updatedLeaves = Set(updates.map(\.leaf))
    // Gradients and updates are about as many again.
    interned.reserveCapacity(2 * nodes.count)
    for (index, node) in nodes.enumerated() {
      _ = interned.value(for: node, inserting: Value(index))
      if case .leaf(let leaf) = node.op, let name = leaf.leafName { leafNames.insert(name) }
    }
  }

  /// Returns the finished graph.
  package func build(objective: Objective? = nil) -> Graph {
    Graph(
      name: name, nodes: nodes, outputs: outputs, updates: updates, objective: objective,
      errors: errors)
  }

  /// Returns the type of a value.
  package func type(of value: Value) -> TensorType { nodes[Int(value.index)].type }

  /// Returns the leaf of a name, if there is one.
  package func leaf(_ name: String) -> Value? {
    guard leafNames.contains(name) else { return nil }
    return nodes.firstIndex { node in
      if case .leaf(let leaf) = node.op { leaf.leafName == name } else { false }
    }.map { Value($0) }
  }

  /// Adds a node, or returns the equal one that is there already.
  ///
  /// - Throws: What is wrong with the operands, without an origin.
  package func insert(
    _ op: Op, _ operands: [Value] = [], origin: Origin
  ) throws(GraphError) -> Value {
    try claimName(op)
    let type = try op.resultType(of: operands.map { self.type(of: $0) })
    return place(op, operands, type, origin)
  }

  /// Adds a node whose type is known, as a copy's is that stands for a node of another graph.
  ///
  /// - Throws: That the name of the leaf is taken.
  package func insert(
    _ op: Op, _ operands: [Value], knownType type: TensorType, origin: Origin
  ) throws(GraphError) -> Value {
    try claimName(op)
    return place(op, operands, type, origin)
  }

  private func claimName(_ op: Op) throws(GraphError) {
    guard case .leaf(let leaf) = op, let name = leaf.leafName, !leafNames.insert(name).inserted
    else { return }
    throw GraphError(
      "\(leaf.name): the name \"\(name)\" is taken", hint: "give each leaf its own name")
  }

  private func place(
    _ op: Op, _ operands: [Value], _ type: TensorType, _ origin: Origin
  ) -> Value {
    let node = Node(op: op, operands: operands, type: type, origin: origin)
    let value = Value(nodes.count)
    if interning {
      let known = interned.value(for: node, inserting: value)
      guard known == value else { return known }
    }
    nodes.append(node)
    return value
  }

  /// Adds a node for the user: a mistake is recorded and yields nil.
  package func add(_ op: Op, _ operands: [Value?]) -> Value? {
    var present: [Value] = []
    for operand in operands {
      guard let operand else { return nil }
      present.append(operand)
    }
    do {
      return try insert(op, present, origin: currentOrigin)
    } catch {
      record(error)
      return nil
    }
  }

  /// Records a mistake at the current origin.
  package func record(_ error: GraphError) {
    var error = error
    if error.origin == .unknown { error.origin = currentOrigin }
    errors.append(error)
  }

  /// Declares a named result.
  package func output(_ name: String, _ value: Value?) {
    guard !outputNames.contains(name) else {
      record(GraphError("output: the name \"\(name)\" is taken"))
      return
    }
    guard let value else { return }
    outputNames.insert(name)
    outputs.append(Graph.Output(name: name, value: value))
  }

  /// Declares what a parameter or state becomes at the end of a run.
  package func update(_ leaf: Value?, to value: Value?) {
    guard let leaf, let value else { return }
    guard case .leaf(let kind) = nodes[Int(leaf.index)].op, kind.initializer != nil else {
      record(GraphError("update: only a parameter or state can be updated"))
      return
    }
    guard type(of: leaf) == type(of: value) else {
      record(
        GraphError(
          "update: \"\(kind.leafName ?? "")\" is \(type(of: leaf)), not \(type(of: value))"))
      return
    }
    guard updatedLeaves.insert(leaf).inserted else {
      record(GraphError("update: \"\(kind.leafName ?? "")\" is updated twice"))
      return
    }
    updates.append(Graph.Update(leaf: leaf, value: value))
  }

  private var currentOrigin: Origin {
    var origin = origin
    if !layers.isEmpty { origin.layer = layers.joined(separator: ".") }
    return origin
  }
}

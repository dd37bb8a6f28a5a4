/// A computation: nodes in topological order, what leaves it, and what it does to its state.
///
/// A graph is an immutable value over flat arrays. It is made by a `GraphBuilder`, printed by `text`, and
/// changed only by passes that return a new graph. Equality ignores origins.
public struct Graph: Sendable {
  /// The name dumps show.
  public let name: String
  /// The nodes; operands come before their users.
  public let nodes: [Node]
  /// The named results, in the order in which they were declared.
  public let outputs: [Output]
  /// What each state or parameter becomes at the end of a run.
  public let updates: [Update]
  /// What training is to minimise, until the differentiation pass has replaced it by updates.
  public let objective: Objective?
  /// The mistakes made while building; a graph with any is refused by `compile`.
  public let errors: [GraphError]

  /// A named result.
  public struct Output: Hashable, Sendable {
    /// The name a session returns it under.
    public let name: String
    /// The value.
    public let value: Value

    package init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// A new content for a parameter or state.
  public struct Update: Hashable, Sendable {
    /// The leaf that is overwritten.
    public let leaf: Value
    /// What it becomes.
    public let value: Value

    package init(leaf: Value, value: Value) {
      self.leaf = leaf
      self.value = value
    }
  }

  package init(
    name: String, nodes: [Node], outputs: [Output], updates: [Update] = [],
    objective: Objective? = nil, errors: [GraphError] = []
  ) {
    self.name = name
    self.nodes = nodes
    self.outputs = outputs
    self.updates = updates
    self.objective = objective
    self.errors = errors
  }
}

extension Graph {
  /// Accesses the node that computes a value.
  ///
  /// Inlinable, so that who asks for one property need not copy the node.
  @inlinable public subscript(value: Value) -> Node { nodes[Int(value.index)] }

  /// Every value, in order.
  public var values: some RandomAccessCollection<Value> { nodes.indices.lazy.map { Value($0) } }

  /// The value of a named output, if there is one.
  public func output(_ name: String) -> Value? { outputs.first { $0.name == name }?.value }

  /// The value of the input, parameter or state of a name, if there is one.
  public func leaf(_ name: String) -> Value? {
    values.first { value in
      if case .leaf(let leaf) = self[value].op { leaf.leafName == name } else { false }
    }
  }

  /// Whether any type still waits for the batch size.
  public var isSymbolic: Bool { nodes.contains { $0.type.shape.isSymbolic } }

  /// Returns a graph with the same nodes and another objective.
  package func with(objective: Objective?) -> Graph {
    Graph(
      name: name, nodes: nodes, outputs: outputs, updates: updates, objective: objective,
      errors: errors)
  }

  /// Throws all mistakes made while building, if there are any.
  public func validated() throws(GraphErrors) -> Graph {
    guard errors.isEmpty else { throw GraphErrors(errors) }
    return self
  }
}

extension Graph: Hashable {
  /// Whether everything but the origins agrees.
  public static func == (left: Graph, right: Graph) -> Bool {
    left.name == right.name && left.nodes == right.nodes && left.outputs == right.outputs
      && left.updates == right.updates && left.objective == right.objective
      && left.errors == right.errors
  }

  /// Feeds everything but the origins to a hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(name)
    hasher.combine(nodes)
    hasher.combine(outputs)
    hasher.combine(updates)
  }
}

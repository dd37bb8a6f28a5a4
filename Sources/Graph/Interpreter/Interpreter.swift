/// Evaluates a graph node by node with the operations' reference functions: slow, obvious, the oracle.
///
/// Compiled plans give the same bits. What the interpreter says is what a graph means.
public struct Interpreter: Sendable {
  /// Whether the results hold the value of every node.
  public let keepsValues: Bool

  /// Creates an interpreter.
  ///
  /// - Parameter keepsValues: Whether values are kept after their last use, for the results' `values`.
  public init(keepsValues: Bool = false) {
    self.keepsValues = keepsValues
  }

  /// What one run of a graph gives.
  public struct Result: Hashable, Sendable {
    /// A named result.
    public struct Output: Hashable, Sendable {
      /// The name it was declared under.
      public let name: String
      /// Its elements.
      public let array: NDArray
    }

    /// The named results, in the order of the graph's outputs.
    public let outputs: [Output]
    /// Every parameter and state after the run.
    public let state: [String: NDArray]
    /// The value of every node; empty unless the interpreter keeps them.
    public let values: [NDArray]

    /// Returns the output of a name, if there is one.
    public subscript(name: String) -> NDArray? { outputs.first { $0.name == name }?.array }
  }

  /// Runs a graph once.
  ///
  /// - Parameters:
  ///   - graph: A graph without `.batch` and without objective.
  ///   - inputs: The elements of every input.
  ///   - state: The elements of every parameter and state before the run.
  /// - Returns: The outputs, and the state with all updates applied.
  /// - Throws: Everything wrong with the graph, inputs and state; or every index that is out of range.
  public func run(
    _ graph: Graph, inputs: [String: NDArray] = [:], state: [String: NDArray] = [:]
  ) throws(GraphErrors) -> Result {
    try check(graph, inputs, state)
    let supplied = inputs.merging(state) { input, _ in input }
    let lastUses = graph.lastUses
    var values = [NDArray?](repeating: nil, count: graph.nodes.count)
    var faults: [GraphError] = []
    for (position, node) in graph.nodes.enumerated() {
      let operands = node.operands.compactMap { values[Int($0.index)] }
      if case .index(let index) = node.op, let fault = index.firstFault(operands) {
        faults.append(.outOfRange(index.name, fault, at: node.origin))
      }
      values[position] =
        if case .leaf(let leaf) = node.op, let name = leaf.leafName {
          supplied[name]
        } else {
          node.op.definition.reference(operands, result: node.type)
        }
      guard !keepsValues else { continue }
      for operand in node.operands where lastUses[Int(operand.index)] == position {
        values[Int(operand.index)] = nil
      }
    }
    guard faults.isEmpty else { throw GraphErrors(faults) }
    return result(graph, values, state)
  }

  private func result(
    _ graph: Graph, _ values: [NDArray?], _ before: [String: NDArray]
  ) -> Result {
    func array(_ value: Value) -> NDArray {
      guard let array = values[Int(value.index)] else {
        preconditionFailure("\(value) was dropped before its last use")
      }
      return array
    }
    var after: [String: NDArray] = [:]
    for leaf in graph.persistentLeaves {
      if let name = leaf.leafName { after[name] = before[name] }
    }
    for update in graph.updates {
      if case .leaf(let leaf) = graph[update.leaf].op, let name = leaf.leafName {
        after[name] = array(update.value)
      }
    }
    return Result(
      outputs: graph.outputs.map { Result.Output(name: $0.name, array: array($0.value)) },
      state: after, values: keepsValues ? values.compactMap { $0 } : [])
  }
}

extension Graph {
  /// The parameters and states, in order.
  package var persistentLeaves: [Leaf] {
    nodes.compactMap { node in
      if case .leaf(let leaf) = node.op, leaf.initializer != nil { leaf } else { nil }
    }
  }

  /// The position of the last node that reads each value, or the number of nodes for what leaves the graph.
  fileprivate var lastUses: [Int] {
    var uses = [Int](repeating: -1, count: nodes.count)
    for (position, node) in nodes.enumerated() {
      for operand in node.operands { uses[Int(operand.index)] = position }
    }
    for output in outputs { uses[Int(output.value.index)] = nodes.count }
    for update in updates { uses[Int(update.value.index)] = nodes.count }
    return uses
  }
}

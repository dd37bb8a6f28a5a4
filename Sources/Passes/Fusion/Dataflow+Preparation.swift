import DescentGraph

// What follows from parameters alone has the same value in each run, as long as the plan does not update them: a kernel
// that computes it runs once, and again when somebody else has changed a parameter or state. That costs memory, for the
// value is kept from run to run. So a value much larger than the leaves it follows from, such as a bias repeated for
// each example, is computed anew. So is what follows from single numbers, such as a learning rate: they are set by
// hand, and cost a register.

extension Dataflow {
  /// How many times as large as the leaves it follows from a value may be that is kept: bytes become numbers.
  private static let mostGrowth = 4
  /// How many nodes behind a value are looked at to find several such leaves.
  private static let mostNodes = 64

  /// Returns, for each node, whether a kernel computes it once rather than in each run.
  func preparedNodes() -> [Bool] {
    var isPrepared = [Bool](repeating: false, count: graph.nodes.count)
    /// Whether the node is the same in each run and its readers may rely on that, and whether a parameter or state of
    /// several numbers is behind it.
    var (isFixed, followsFromState) = (isPrepared, isPrepared)
    /// The size of the largest leaf behind the node.
    var leafBytes = [Int](repeating: 0, count: graph.nodes.count)
    let updated = Set(graph.updates.lazy.filter { $0.leaf != $0.value }.map(\.leaf))
    for value in graph.values {
      let (index, node) = (Int(value.index), graph[value])
      if case .leaf(let leaf) = node.op {
        followsFromState[index] = leaf.initializer != nil && node.type.shape.count > 1
        leafBytes[index] = node.op.isInlineLeaf ? 0 : node.type.byteCount
        // A leaf that is computed is one whose places are wanted in memory.
        isFixed[index] = !isComputed[index] && !leaf.isInput && !updated.contains(value)
        continue
      }
      isFixed[index] = mayBePrepared(value) && node.operands.allSatisfy { isFixed[Int($0.index)] }
      guard isFixed[index] else { continue }
      followsFromState[index] = node.operands.contains { followsFromState[Int($0.index)] }
      leafBytes[index] = node.operands.map { leafBytes[Int($0.index)] }.max() ?? 0
      guard isComputed[index] else { continue }
      isPrepared[index] =
        followsFromState[index] && !isResult[index]
        && (node.type.byteCount <= Dataflow.mostGrowth * leafBytes[index]
          || isSmallBesideLeaves(value))
      isFixed[index] = isPrepared[index]
    }
    return isPrepared
  }

  /// Whether a node's operation gives the same result for the same operands, and cannot fail.
  private func mayBePrepared(_ value: Value) -> Bool {
    switch graph[value].op {
    case .index: false
    case .elementwise, .reduction, .movement, .contraction, .convolution, .winograd, .leaf:
      !graph[value].op.isRandom
    }
  }

  /// Whether a value is not much larger than the leaves it follows from together, as far as these are found nearby.
  private func isSmallBesideLeaves(_ value: Value) -> Bool {
    let byteCount = graph[value].type.byteCount
    var found = 0
    var (seen, pending): (Set<Value>, [Value]) = ([value], [value])
    while let next = pending.popLast(), seen.count <= Dataflow.mostNodes {
      for operand in graph[next].operands where seen.insert(operand).inserted {
        guard graph[operand].op.isLeaf else {
          pending.append(operand)
          continue
        }
        if !graph[operand].op.isInlineLeaf { found += graph[operand].type.byteCount }
        if found * Dataflow.mostGrowth >= byteCount { return true }
      }
    }
    return false
  }
}

extension Leaf {
  /// Whether the caller writes it before each run.
  fileprivate var isInput: Bool { if case .input = self { true } else { false } }
}

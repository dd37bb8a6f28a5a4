import DescentGraph

// What follows from parameters alone is the same in each run, as long as the plan does not update them (`FixedValues`):
// a kernel that computes it runs once, and again when somebody else has changed a parameter or state. That costs
// memory, for the value is kept from run to run. So a value much larger than the leaves it follows from, such as a bias
// repeated for each example, is computed anew. So is what follows from single numbers, such as a learning rate: they
// are set by hand, and cost a register.

extension Dataflow {
  /// How many times as large as the leaves it follows from a value may be that is kept: bytes become numbers.
  private static let mostGrowth = 4
  /// How many nodes behind a value are looked at to find several such leaves.
  private static let mostNodes = 64

  /// Returns, for each node, whether a kernel computes it once rather than in each run.
  func preparedNodes() -> [Bool] {
    let fixed = graph.fixedValues
    var isPrepared = [Bool](repeating: false, count: graph.nodes.count)
    /// Whether the node is the same in each run and a preparation finds or makes it, and whether a parameter or state
    /// of several numbers is behind it.
    var (isAtHand, followsFromState) = (isPrepared, isPrepared)
    /// The size of the largest leaf behind the node.
    var leafBytes = [Int](repeating: 0, count: graph.nodes.count)
    for value in graph.values where fixed[value] {
      let (index, node) = (Int(value.index), graph[value])
      if case .leaf(let leaf) = node.op {
        followsFromState[index] = leaf.initializer != nil && node.type.shape.count > 1
        leafBytes[index] = node.op.isInlineLeaf ? 0 : node.type.byteCount
        // A leaf that is computed is one whose places are wanted in memory.
        isAtHand[index] = !isComputed[index]
        continue
      }
      isAtHand[index] = node.operands.allSatisfy { isAtHand[Int($0.index)] }
      guard isAtHand[index] else { continue }
      followsFromState[index] = node.operands.contains { followsFromState[Int($0.index)] }
      leafBytes[index] = node.operands.map { leafBytes[Int($0.index)] }.max() ?? 0
      guard isComputed[index] else { continue }
      isPrepared[index] =
        followsFromState[index] && !isResult[index]
        && (node.type.byteCount <= Dataflow.mostGrowth * leafBytes[index]
          || isSmallBesideLeaves(value))
      isAtHand[index] = isPrepared[index]
    }
    return isPrepared
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

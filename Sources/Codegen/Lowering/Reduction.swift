import DescentGraph

extension KernelBuilder {
  /// Lets the elements of a reduction's operand meet in a local.
  mutating func accumulate(_ op: Reduction, _ value: Value) -> LoopKernel.Accumulation {
    let element = read(graph[value].operands[0], IndexMap(identityOfRank: domain.count))
    return LoopKernel.Accumulation(
      kind: op.kind, register: element, operand: makeLocal(value, isLine: false))
  }
}

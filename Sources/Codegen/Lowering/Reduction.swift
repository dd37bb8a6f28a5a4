import DescentGraph

extension KernelBuilder {
  /// Builds the kernel of a reduction with its prologue.
  mutating func buildReduction() -> Kernel {
    let node = graph[group.root]
    guard case .reduction(let reduction) = node.op else {
      preconditionFailure("\(group.root) is not a reduction")
    }
    _ = emitMembers()
    let operand = graph[node.operands[0]]
    let element = read(node.operands[0], IndexMap(identityOfRank: domain.count))
    let target = self.operand(group.root, .write)
    let view = reduction.view(of: operand.type.shape)
    let collapsed = program.collapsing(domain)
    let body = ReductionKernel(
      kind: reduction.kind, domain: collapsed.domain, outer: view.outer, extent: view.extent,
      inner: view.inner, prologue: collapsed.program, element: element,
      dataType: operand.type.dataType, target: target)
    let isRow = group.kind == .row
    // A unit of columns is a few cache lines wide, so that threads do not share one.
    let units = isRow ? view.outer : view.outer * ((view.inner + 63) / 64)
    let work = view.outer * view.extent * view.inner * (program.instructions.count + 1)
    return kernel(
      isRow ? .row(body) : .column(body),
      grid: TileGrid(units: units, workPerUnit: work / max(units, 1)))
  }
}

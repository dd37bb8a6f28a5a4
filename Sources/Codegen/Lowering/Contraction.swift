import DescentGraph

extension KernelBuilder {
  /// Builds the kernel of a contraction with its epilogue.
  mutating func buildContraction() -> Kernel {
    guard let core = group.core, case .contraction(let contraction) = graph[core].op else {
      preconditionFailure("\(group.root) has no contraction at its core")
    }
    let (left, right) = (graph[core].operands[0], graph[core].operands[1])
    let extents = contraction.extents(graph[left].type.shape, graph[right].type.shape)
    let factors = graph.factors(of: core).map { factor in
      ContractionKernel.Factor(operand: operand(factor.source, .read), layout: factor.layout)
    }
    for factor in factors { noteRead(factor.operand, isIdentity: false) }
    registers[core] = program.append(.core(graph[core].type.dataType))
    for value in group.nodes where value != core { define(value) }
    let stores = group.outputs.map { value in
      guard let register = registers[value] else {
        preconditionFailure("\(value) is stored, but not computed")
      }
      return LoopKernel.Store(register: register, operand: operand(value, .write))
    }
    let pairs = stores.flatMap { inPlacePairs(target: $0.operand) }
    let collapsed = program.collapsing(domain)
    let rows = (extents.m + ContractionKernel.rowsPerUnit - 1) / ContractionKernel.rowsPerUnit
    return kernel(
      .contraction(
        ContractionKernel(
          extents: extents, chunks: contraction.chunks, left: factors[0], right: factors[1],
          domain: collapsed.domain, epilogue: collapsed.program, stores: stores)),
      grid: TileGrid(
        units: extents.batch * rows,
        workPerUnit: ContractionKernel.rowsPerUnit * extents.n * (2 * extents.k + 1)),
      inPlace: pairs)
  }
}

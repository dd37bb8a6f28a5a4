import DescentGraph

extension KernelBuilder {
  /// Builds the kernel of a contraction or convolution with its epilogue.
  mutating func buildContraction() -> Kernel {
    guard let core = group.core else { preconditionFailure("\(group.root) has no core") }
    let shapes = graph[core].operands.map { graph[$0].type.shape }
    switch graph[core].op {
    case .contraction(let op):
      return buildProduct(core, op.extents(shapes[0], shapes[1]), chunk: op.chunk)
    case .convolution(let op): return build(op, core, shapes)
    default: preconditionFailure("\(core) is no contraction")
    }
  }

  /// Builds the kernel of a product whose factors are read where they lie.
  mutating func buildProduct(
    _ core: Value, _ extents: Contraction.Extents, chunk: Int, margins: WindowMargins? = nil
  ) -> Kernel {
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
    let contraction = ContractionKernel(
      extents: extents, chunk: chunk, left: factors[0], right: factors[1], margins: margins,
      domain: collapsed.domain, epilogue: collapsed.program, stores: stores)
    return kernel(.contraction(contraction), grid: contraction.portableGrid, inPlace: pairs)
  }
}

extension ContractionKernel {
  /// The division of the portable backend's work.
  var portableGrid: TileGrid {
    let rows = (extents.m + ContractionKernel.rowsPerUnit - 1) / ContractionKernel.rowsPerUnit
    return TileGrid(
      units: extents.batch * rows,
      workPerUnit: ContractionKernel.rowsPerUnit * extents.n * (2 * extents.k + 1))
  }
}

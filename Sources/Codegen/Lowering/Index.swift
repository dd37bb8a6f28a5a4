import DescentGraph

extension KernelBuilder {
  /// Emits a gather or one-hot node that is a member.
  mutating func emit(_ op: Index, _ value: Value) -> VectorProgram.Register {
    let node = graph[value]
    switch op {
    case .gather(let axis): return emitGather(value, node, axis)
    case .oneHot(let depth, let dataType):
      var map = frame
      let last = map.axes.removeLast()
      let indexType = graph[node.operands[0]].type.dataType
      let index = checked(value, node.operands[0], map, bound: depth)
      let place = program.append(
        .place(Access(offset: last.offset, strides: last.coefficients), indexType))
      let hit = program.append(
        .scalar(ScalarInstruction(.equal, indexType, to: .bool, index, place)))
      guard dataType != .bool else { return hit }
      return program.append(.scalar(ScalarInstruction(.convert, .bool, to: dataType, hit)))
    case .scatterAdd, .argSort: preconditionFailure("\(op.name) is a core")
    }
  }

  private mutating func emitGather(
    _ value: Value, _ node: Node, _ axis: Int
  ) -> VectorProgram.Register {
    let source = graph[node.operands[0]].type
    let indexRank = graph[node.operands[1]].type.shape.rank
    var indexMap = frame
    indexMap.axes = Array(frame.axes[axis..<axis + indexRank])
    let index = checked(
      value, node.operands[1], indexMap, bound: source.shape.dimensions[axis])
    var map = frame
    map.axes.replaceSubrange(axis..<axis + indexRank, with: [IndexMap.Axis.none(domain.count)])
    let operand = self.operand(node.operands[0], .read)
    noteRead(operand, isIdentity: false)
    return program.append(
      .gather(
        operand: operand, map.access(dimensions: source.shape.dimensions), index: index,
        stride: source.shape.strides[axis], source.dataType))
  }

  private mutating func checked(
    _ value: Value, _ indices: Value, _ map: IndexMap, bound: Int
  ) -> VectorProgram.Register {
    let fault = lowering.makeFault(value, indices: indices, bound: bound)
    return program.append(.check(index: read(indices, map), bound: bound, fault: fault))
  }

  /// Builds the kernel of a scatter.
  mutating func buildScatter() -> Kernel {
    let node = graph[group.root]
    guard case .index(.scatterAdd(let axis)) = node.op else {
      preconditionFailure("\(group.root) is not a scatter")
    }
    let dimensions = node.type.shape.dimensions
    let indices = graph[node.operands[1]].type
    let scatter = ScatterKernel(
      dataType: node.type.dataType, indexType: indices.dataType,
      outer: dimensions[..<axis].reduce(1, *), rows: dimensions[axis],
      inner: dimensions[(axis + 1)...].reduce(1, *), count: indices.shape.count,
      fault: lowering.makeFault(group.root, indices: node.operands[1], bound: dimensions[axis]),
      base: operand(node.operands[0], .read), indices: operand(node.operands[1], .read),
      updates: operand(node.operands[2], .read), target: operand(group.root, .write))
    for operand in [scatter.indices, scatter.updates] { noteRead(operand, isIdentity: false) }
    return kernel(
      .scatter(scatter),
      grid: TileGrid(units: 1, workPerUnit: graph[node.operands[2]].type.shape.count),
      inPlace: inPlacePairs(target: scatter.target))
  }

  /// Builds the kernel of a sort.
  mutating func buildSort() -> Kernel {
    let node = graph[group.root]
    guard case .index(.argSort(let axis, let isDescending)) = node.op else {
      preconditionFailure("\(group.root) is not a sort")
    }
    let source = graph[node.operands[0]].type
    let dimensions = source.shape.dimensions
    let sort = SortKernel(
      dataType: source.dataType, isDescending: isDescending,
      outer: dimensions[..<axis].reduce(1, *), extent: dimensions[axis],
      inner: dimensions[(axis + 1)...].reduce(1, *), source: operand(node.operands[0], .read),
      target: operand(group.root, .write))
    noteRead(sort.source, isIdentity: false)
    return kernel(
      .sort(sort),
      grid: TileGrid(
        units: sort.outer * sort.inner, workPerUnit: sort.extent * SortKernel.workPerElement))
  }
}

import DescentGraph

extension IndexMap {
  /// Turns a map into a movement's result into one into its operand.
  mutating func compose(_ movement: Movement, operand shape: Shape) {
    let dimensions = shape.dimensions
    switch movement {
    case .broadcast(let result):
      let missing = result.rank - shape.rank
      axes = dimensions.indices.map { axis in
        dimensions[axis] == 1
          ? Axis.none(domainRank)
          : axes[axis + missing]
      }
    case .transpose(let permutation):
      var moved = axes
      for (position, axis) in permutation.enumerated() { moved[axis] = axes[position] }
      axes = moved
    case .slice(let starts, _, let strides):
      for axis in axes.indices {
        scale(axis, by: strides[axis], adding: starts[axis].fixed ?? 0)
      }
    case .reverse(let reversed):
      for axis in reversed { scale(axis, by: -1, adding: dimensions[axis] - 1) }
    case .window(let axis, _, let stride, let dilation):
      let element = axes.remove(at: axis + 1)
      scale(axis, by: stride, adding: element.offset * dilation)
      axes[axis].coefficients = zip(axes[axis].coefficients, element.coefficients).map {
        $0 + $1 * dilation
      }
    case .reshape, .pad, .concatenate:
      preconditionFailure("\(movement.name) is not one affine place")
    }
  }

  /// Turns a map into a reshape's result into one into its operand, where only axes of extent 1 come or go.
  mutating func composeReshape(of dimensions: [Int], to operand: [Int]) {
    var kept = zip(axes, dimensions).filter { $0.1 != 1 }[...]
    axes = operand.map { extent in
      guard extent != 1 else { return Axis.none(domainRank) }
      guard let axis = kept.popFirst(), axis.1 == extent else {
        preconditionFailure("a reshape of \(dimensions) to \(operand) is not one affine place")
      }
      return axis.0
    }
  }

  private mutating func scale(_ axis: Int, by factor: Int, adding offset: Int) {
    axes[axis].offset = axes[axis].offset * factor + offset
    axes[axis].coefficients = axes[axis].coefficients.map { $0 * factor }
  }
}

extension KernelBuilder {
  /// Emits a movement node that is a member: read at other places, padded or joined.
  mutating func emit(_ op: Movement, _ node: Node) -> VectorProgram.Register {
    switch op {
    case .broadcast, .transpose, .slice, .reverse, .window:
      var map = frame
      map.compose(op, operand: graph[node.operands[0]].type.shape)
      return read(node.operands[0], map)
    case .pad(let low, _, let interior, let value):
      let dimensions = graph[node.operands[0]].type.shape.dimensions
      let type = node.type.dataType
      let fill = program.constant(
        bits: NDArray(repeating: value, type, dimensions: []).bits(at: 0), type)
      var map = frame
      for axis in dimensions.indices where dimensions[axis] != node.type.shape.dimensions[axis] {
        let (low, step) = (low[axis].fixed ?? 0, interior[axis] + 1)
        if let domainAxis = domainAxis(axis) {
          map.guards.append(
            Access.Guard(axis: domainAxis, low: low, step: step, count: dimensions[axis]))
        } else if low <= 0, -low % step == 0, -low / step < dimensions[axis] {
          // The only place along an axis of extent 1 has an element of its own.
          map.axes[axis].offset = -low / step
        } else {
          return fill
        }
      }
      return guarded(node.operands[0], map, otherwise: fill, type)
    case .concatenate(let axis):
      return emitConcatenation(node, axis)
    case .reshape:
      preconditionFailure("a reshape is a view and belongs to no kernel")
    }
  }

  private mutating func emitConcatenation(_ node: Node, _ axis: Int) -> VectorProgram.Register {
    let type = node.type.dataType
    let whole = node.type.shape.dimensions[axis]
    var end = whole
    var result: VectorProgram.Register?
    for operand in node.operands.reversed() {
      let extent = graph[operand].type.shape.dimensions[axis]
      end -= extent
      guard extent > 0 else { continue }
      var map = frame
      // An axis of extent 1 has the element of one operand, which is the whole.
      if extent != whole, let domainAxis = domainAxis(axis) {
        map.guards = [Access.Guard(axis: domainAxis, low: end, step: 1, count: extent)]
      }
      result = guarded(operand, map, otherwise: result, type)
    }
    // Every operand is empty, and so is the domain: any constant will do.
    return result ?? program.constant(bits: 0, type)
  }

  /// Builds a kernel that copies each operand of a concatenation to its place, where that is worth a loop for each.
  ///
  /// A loop over the whole looks at all operands at each place, which with many of them takes far longer than copying.
  /// So where each operand is one run of bytes of the result, and there is nothing else to compute, each gets its own.
  mutating func buildJoin() -> Kernel? {
    guard group.nodes.count == 1, case .movement(.concatenate(let axis)) = graph[group.nodes[0]].op
    else { return nil }
    let parts = graph[group.nodes[0]].operands.filter { graph[$0].type.byteCount > 0 }
    guard parts.count > KernelBuilder.mostGuardedParts, domain[..<axis].allSatisfy({ $0 == 1 })
    else { return nil }
    let target = lowering.storage(of: group.nodes[0])
    let buffer = lowering.buffer(of: target)
    var loops: [LoopKernel] = []
    var end = 0
    for operand in parts {
      let type = graph[operand].type
      program = VectorProgram()
      let register = read(operand, IndexMap(identityOfRank: domain.count))
      operands.append(
        Kernel.Operand(
          buffer: buffer, value: target, bytes: end..<end + type.byteCount, access: .write))
      end += type.byteCount
      var loop = LoopKernel(
        map: program, over: type.shape.dimensions,
        stores: [LoopKernel.Store(register: register, operand: operands.count - 1)])
      loop.collapse()
      loops.append(loop)
    }
    let work = loops.reduce(0) { $0 + $1.portableGrid.units * $1.portableGrid.workPerUnit }
    return kernel(.bundle(loops), grid: TileGrid(units: 1, workPerUnit: work))
  }

  /// The most operands that a loop over the whole of a concatenation looks at.
  private static let mostGuardedParts = 4

  /// Reads an operand where a map's guards hold, and takes another register elsewhere.
  private mutating func guarded(
    _ operand: Value, _ map: IndexMap, otherwise: VectorProgram.Register?, _ type: DataType
  ) -> VectorProgram.Register {
    let register = read(operand, map)
    guard !map.guards.isEmpty, let otherwise else { return register }
    return select(program.append(.exists(map.guards)), register, otherwise, type)
  }

  /// Returns the axis of the domain that a member's axis is, or nil for one of extent 1 that is none.
  private func domainAxis(_ axis: Int) -> Int? {
    frame.axes[axis].coefficients.firstIndex(of: 1)
  }
}

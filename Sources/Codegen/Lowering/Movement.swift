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
          ? Axis(offset: 0, coefficients: [Int](repeating: 0, count: domainRank))
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
    case .reshape, .pad, .concatenate:
      preconditionFailure("\(movement.name) is not one affine place")
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
    let identity = IndexMap(identityOfRank: domain.count)
    switch op {
    case .broadcast, .transpose, .slice, .reverse:
      var map = identity
      map.compose(op, operand: graph[node.operands[0]].type.shape)
      return read(node.operands[0], map)
    case .pad(let low, _, let interior, let value):
      let dimensions = graph[node.operands[0]].type.shape.dimensions
      let guards = dimensions.indices.compactMap { axis -> Access.Guard? in
        let guarded = Access.Guard(
          axis: axis, low: low[axis].fixed ?? 0, step: interior[axis] + 1, count: dimensions[axis])
        return dimensions[axis] == domain[axis] ? nil : guarded
      }
      let type = node.type.dataType
      let fill = program.constant(
        bits: NDArray(repeating: value, type, dimensions: []).bits(at: 0), type)
      return guarded(node.operands[0], guards, otherwise: fill, type)
    case .concatenate(let axis):
      return emitConcatenation(node, axis)
    case .reshape:
      preconditionFailure("a reshape is a view and belongs to no kernel")
    }
  }

  private mutating func emitConcatenation(_ node: Node, _ axis: Int) -> VectorProgram.Register {
    let type = node.type.dataType
    var end = domain[axis]
    var result: VectorProgram.Register?
    for operand in node.operands.reversed() {
      let extent = graph[operand].type.shape.dimensions[axis]
      end -= extent
      guard extent > 0 else { continue }
      let guards =
        extent == domain[axis] ? [] : [Access.Guard(axis: axis, low: end, step: 1, count: extent)]
      result = guarded(operand, guards, otherwise: result, type)
    }
    // Every operand is empty, and so is the domain: any constant will do.
    return result ?? program.constant(bits: 0, type)
  }

  /// Reads an operand where guards hold, and takes another register elsewhere.
  private mutating func guarded(
    _ operand: Value, _ guards: [Access.Guard], otherwise: VectorProgram.Register?, _ type: DataType
  ) -> VectorProgram.Register {
    var map = IndexMap(identityOfRank: domain.count)
    map.guards = guards
    let register = read(operand, map)
    guard !guards.isEmpty, let otherwise else { return register }
    return select(program.append(.exists(guards)), register, otherwise, type)
  }
}

import DescentGraph

extension KernelBuilder {
  /// Builds the kernel of one of Winograd's maps with its epilogue.
  ///
  /// A place of the loop is a tile: the program reads its elements, computes the map's, and for each of these, in a
  /// frame of its own, the members behind it.
  mutating func buildTiles() -> Kernel {
    guard let core = group.core, case .winograd(let op) = graph[core].op else {
      preconditionFailure("\(group.root) has no core")
    }
    let tile = readTile(op, of: graph[core].operands[0])
    let results = op.applied(
      to: tile,
      multiply: { factor, value in
        factor == -1
          ? append(.neg, value) : append(.mul, constant(factor), value)
      },
      multiplyAdd: { factor, value, sum in
        switch factor {
        case 1: append(.add, sum, value)
        case -1: append(.sub, sum, value)
        default: append(.fma, constant(factor), value, sum)
        }
      })
    var stores: [LoopKernel.Store] = []
    /// What is stored before all is read that its own frame reads: nothing else may lie there.
    var early: Set<Value> = []
    for (position, register) in results.joined().enumerated() {
      (place, registers) = (frame(of: op, position), [core: register])
      readOperands()
      let known = program.instructions.count
      for value in group.nodes where value != core { define(value) }
      for value in group.outputs {
        guard let register = registers[value] else {
          preconditionFailure("\(value) is stored, but not computed")
        }
        if register < known { early.insert(value) }
        stores.append(
          LoopKernel.Store(
            register: register, operand: operand(value, .write),
            access: place.access(dimensions: graph[value].type.shape.dimensions)))
      }
    }
    let targets = group.outputs.filter { !early.contains($0) }.map { operand($0, .write) }
    let pairs = targets.flatMap { inPlacePairs(target: $0) }
    var loop = LoopKernel(map: program, over: domain, stores: stores)
    loop.collapse()
    return kernel(.loop(loop), grid: loop.portableGrid, inPlace: pairs)
  }

  /// Reads what the members behind the map take from memory, before any of them is stored: a result may lie where an
  /// operand was.
  private mutating func readOperands() {
    frame = place
    for value in group.nodes where value != group.core {
      for operand in graph[value].operands where !isMember(behind: operand) {
        _ = read(operand, place)
      }
    }
  }

  /// Whether an operand is a member, or one behind movement.
  private func isMember(behind operand: Value) -> Bool { members.contains(source(of: operand)) }

  /// Returns what movement made a value from.
  private func source(of value: Value) -> Value {
    var value = value
    while !members.contains(value), case .movement = graph[value].op {
      value = graph[value].operands[0]
    }
    return value
  }

  /// Reads the elements of the tile that a place of the loop is.
  private mutating func readTile(_ op: Winograd, of operand: Value) -> [[VectorProgram.Register]] {
    let identity = IndexMap(identityOfRank: domain.count)
    let extent = op.transform.makesPlanes ? op.extent : op.planesPerAxis
    let shape = graph[operand].type.shape.dimensions
    // Memory reads as zeros outside of it; elements that are formed are the same everywhere.
    let isFormed = graph[source(of: operand)].op.isInlineLeaf
    return (0..<extent).map { i in
      (0..<extent).map { j in
        var map = identity
        if op.transform.makesPlanes {
          for (axis, offset, line) in [
            (op.axis, i - op.low[0], shape[op.axis]),
            (op.axis + 1, j - op.low[1], shape[op.axis + 1]),
          ] { map.reach(axis, stride: op.stride, offset: offset, within: line, of: domain[axis]) }
        } else {
          let plane = IndexMap.Axis(
            offset: i * extent + j, coefficients: [Int](repeating: 0, count: domain.count))
          map.axes.insert(plane, at: 0)
        }
        guard isFormed, !map.guards.isEmpty else { return read(operand, map) }
        return select(
          program.append(.exists(map.guards)), read(operand, map), constant(0), .f32)
      }
    }
  }

  /// Where the element at a position of the map's result lies, seen from a tile.
  private func frame(of op: Winograd, _ position: Int) -> IndexMap {
    var map = IndexMap(identityOfRank: domain.count)
    if op.transform.makesPlanes {
      let plane = IndexMap.Axis(
        offset: position, coefficients: [Int](repeating: 0, count: domain.count))
      map.axes.insert(plane, at: 0)
    } else {
      for (axis, offset) in [
        (op.axis, position / op.extent), (op.axis + 1, position % op.extent),
      ] {
        map.axes[axis].offset = offset
        map.axes[axis].coefficients[axis] = op.stride
      }
    }
    return map
  }

  private mutating func constant(_ number: Double) -> VectorProgram.Register {
    program.constant(bits: UInt64(Float(number).bitPattern), .f32)
  }

  private mutating func append(
    _ op: ScalarOp, _ a: VectorProgram.Register, _ b: VectorProgram.Register = -1,
    _ c: VectorProgram.Register = -1
  ) -> VectorProgram.Register {
    program.append(.scalar(ScalarInstruction(op, .f32, to: .f32, a, b, c)))
  }
}

extension IndexMap {
  /// Makes an axis reach over tiles: places along it find every so many elements, from an offset on, and nothing where
  /// these would lie outside of a line.
  fileprivate mutating func reach(
    _ axis: Int, stride: Int, offset: Int, within line: Int, of places: Int
  ) {
    // The first place that finds something, and the place behind the last.
    let first = max(0, (stride - 1 - offset) / stride)
    let end = offset < line ? min(places, (line - 1 - offset) / stride + 1) : 0
    axes[axis].coefficients[axis] = stride
    axes[axis].offset = offset
    guard first > 0 || end < places else { return }
    axes[axis].offset += first * stride
    guards.append(Access.Guard(axis: axis, low: first, step: 1, count: max(0, end - first)))
  }
}

extension FusionGroup {
  /// Returns the extents of the loop over tiles, of a group that has them.
  func tileDomain(in graph: Graph) -> [Int]? {
    guard kind == .tiles, let core, case .winograd(let op) = graph[core].op else { return nil }
    let planes = op.transform.makesPlanes ? core : graph[core].operands[0]
    return Array(graph[planes].type.shape.dimensions.dropFirst())
  }
}

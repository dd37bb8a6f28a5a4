import DescentGraph

/// Builds one kernel from one fusion group.
///
/// How each op family is emitted stands in the file of its name beside this one; how loops are divided into stages
/// in `KernelBuilder+Stages.swift`.
struct KernelBuilder {
  var lowering: Lowering
  let group: FusionGroup
  /// The members, the core among them.
  let members: Set<Value>
  /// The shape of the kernel's domain.
  let domain: [Int]
  /// The axes of the domain along which elements meet.
  let reduced: Range<Int>
  /// The program under construction.
  var program = VectorProgram()
  var operands: [Kernel.Operand] = []
  var locals: [LoopKernel.Local] = []
  /// The local that holds a member, once it has one.
  var localOf: [Value: Int] = [:]
  /// The local that holds the extremum of a line whose index a member is, once a sweep has found it.
  var extremumOf: [Value: Int] = [:]
  /// How operands have been read so far.
  var reads: [Read] = []
  /// The stage under construction, and whether it is a sweep.
  var stage = (index: 0, isSweep: true)
  /// Where a place of the domain lies in a member of the domain's shape: another for each element of a tile.
  var place: IndexMap
  /// Where the member under construction lies, seen from a place of the domain.
  var frame: IndexMap
  /// The members in registers of this program.
  var registers: [Value: VectorProgram.Register] = [:]

  /// One way in which an operand is read.
  struct Read {
    var operand: Int
    var stage: Int
    var isSweep: Bool
    /// Whether each place reads its own element.
    var isIdentity: Bool
  }

  init(lowering: Lowering, group: FusionGroup) {
    self.lowering = lowering
    self.group = group
    members = Set(group.nodes)
    domain = group.tileDomain(in: lowering.graph) ?? group.domain(in: lowering.graph).dimensions
    place = IndexMap(identityOfRank: domain.count)
    frame = place
    let reduction = group.nodes.lazy.compactMap { value -> Reduction? in
      if case .reduction(let reduction) = lowering.graph[value].op { reduction } else { nil }
    }.first
    let axes = reduction?.axes ?? []
    reduced = (axes.first ?? domain.count)..<(axes.last.map { $0 + 1 } ?? domain.count)
  }

  var graph: Graph { lowering.graph }

  mutating func build() -> Kernel {
    switch group.kind {
    case .map, .row, .column: buildJoin() ?? buildLoop()
    case .contraction: buildContraction()
    case .tiles: buildTiles()
    case .scatter: buildScatter()
    case .sort: buildSort()
    }
  }

  /// Emits a member at its place and keeps it in a register.
  mutating func define(_ value: Value) {
    frame = place(of: value)
    registers[value] =
      switch graph[value].op {
      case .leaf(let leaf): emit(leaf, graph[value], frame)
      case .elementwise(let op): emit(op, graph[value])
      case .movement(let op): emit(op, graph[value])
      case .index(let op): emit(op, value)
      case .reduction, .contraction, .convolution, .winograd:
        preconditionFailure("\(value) is not a member that lives in a register")
      }
  }

  /// Returns which element of a member a place of the domain computes.
  ///
  /// A member of the domain's shape is computed at its own place; another is of the shape without the reduced axes,
  /// with axes of extent 1 anywhere.
  private func place(of value: Value) -> IndexMap {
    let dimensions = graph[value].type.shape.dimensions
    if group.kind == .tiles || dimensions == domain { return place }
    var kept = domain.indices.filter { !reduced.contains($0) && domain[$0] != 1 }[...]
    var map = place
    map.axes = dimensions.map { extent in
      guard extent != 1, let axis = kept.popFirst() else { return IndexMap.Axis.none(domain.count) }
      precondition(domain[axis] == extent, "\(value) has no place in the domain \(domain)")
      return place.axes[axis]
    }
    return map
  }

  /// Returns a register that holds an element of a value.
  ///
  /// Members are in registers or locals already; inline leaves are formed; movement is composed into the address.
  mutating func read(_ value: Value, _ map: IndexMap) -> VectorProgram.Register {
    var (value, map) = (value, map)
    while true {
      if let register = registers[value] { return register }
      if members.contains(value) { return load(member: value) }
      let node = graph[value]
      if node.op.isInlineLeaf, case .leaf(let leaf) = node.op {
        return emit(leaf, node, map)
      }
      guard case .movement(let movement) = node.op else { break }
      let operand = graph[node.operands[0]].type.shape
      if node.op.isView {
        guard members.contains(lowering.storage(of: value)) else { break }
        map.composeReshape(of: node.type.shape.dimensions, to: operand.dimensions)
      } else {
        if lowering.isStored(value) || !node.op.isAffineRead { break }
        map.compose(movement, operand: operand)
      }
      value = node.operands[0]
    }
    return load(value, map)
  }

  private mutating func load(_ value: Value, _ map: IndexMap) -> VectorProgram.Register {
    let type = graph[value].type
    let access = map.access(dimensions: type.shape.dimensions)
    let operand = self.operand(value, .read)
    noteRead(operand, isIdentity: isOwn(access))
    return program.append(.load(operand: operand, access, type.dataType))
  }

  /// Whether an access finds the element at a place's own position in a value of the domain's shape.
  private func isOwn(_ access: Access) -> Bool {
    group.kind == .tiles
      ? access == place.access(dimensions: group.domain(in: graph).dimensions)
      : access.isIdentity(over: stageDomain)
  }

  /// Reads a member that an earlier stage left in a local.
  private mutating func load(member value: Value) -> VectorProgram.Register {
    guard let local = localOf[value] else {
      preconditionFailure("\(value) is read before its stage")
    }
    return load(local: local)
  }

  /// Reads a local at the place of the domain.
  mutating func load(local: Int) -> VectorProgram.Register {
    let access = locals[local].isLine ? lineAccess : self.access { !reduced.contains($0) }
    return program.append(.load(operand: -1 - local, access, locals[local].dataType))
  }

  /// How far along its line a place is.
  var lineAccess: Access { access { reduced.contains($0) } }

  /// Numbers places along some axes in row-major order.
  private func access(along isCounted: (Int) -> Bool) -> Access {
    var strides = [Int](repeating: 0, count: domain.count)
    var stride = 1
    for axis in domain.indices.reversed() where isCounted(axis) {
      strides[axis] = stride
      stride *= domain[axis]
    }
    return Access(offset: 0, strides: strides)
  }

  /// The domain of the stage under construction.
  private var stageDomain: [Int] {
    guard !stage.isSweep else { return domain }
    return domain.indices.map { reduced.contains($0) ? 1 : domain[$0] }
  }

  /// Notes how an operand is read.
  mutating func noteRead(_ operand: Int, isIdentity: Bool) {
    reads.append(
      Read(
        operand: operand, stage: stage.index, isSweep: stage.isSweep, isIdentity: isIdentity))
  }

  /// Returns the position of an operand, adding it at its first use.
  mutating func operand(_ value: Value, _ access: Kernel.AccessKind) -> Int {
    let storage = lowering.storage(of: value)
    let buffer = lowering.buffer(of: storage)
    if let known = operands.firstIndex(where: { $0.buffer == buffer && $0.access == access }) {
      return known
    }
    operands.append(
      Kernel.Operand(
        buffer: buffer, value: storage, bytes: 0..<graph[storage].type.byteCount, access: access))
    return operands.count - 1
  }

  /// Returns the read operands that a target written in this stage may take the place of: those of which every
  /// place has read its own element, and no other, when it writes.
  func inPlacePairs(target: Int) -> [Kernel.InPlace] {
    operands.indices.compactMap { position in
      guard operands[position].access == .read,
        reads.allSatisfy({
          $0.operand != position
            || ($0.isIdentity && $0.isSweep == stage.isSweep && $0.stage <= stage.index)
        }),
        operands[position].bytes == operands[target].bytes,
        graph[operands[position].value].type.dataType.byteCount
          == graph[operands[target].value].type.dataType.byteCount
      else { return nil }
      return Kernel.InPlace(read: position, written: target)
    }
  }

  /// Returns the kernel with everything the classes have in common.
  func kernel(_ body: Kernel.Body, grid: TileGrid, inPlace: [Kernel.InPlace] = []) -> Kernel {
    Kernel(
      name: graph.kernelName(of: group.nodes), body: body, operands: operands, grid: grid,
      inPlace: inPlace, nodes: group.nodes, flops: graph.flops(of: group.nodes))
  }
}

extension Graph {
  /// Returns the name of a kernel that computes some nodes.
  func kernelName(of nodes: [Value]) -> String {
    let shown = nodes.prefix(6).map { self[$0].op.name }.joined(separator: "+")
    return nodes.count > 6 ? "\(shown)+…" : shown
  }

  /// Returns the arithmetic of some nodes.
  func flops(of nodes: [Value]) -> Int {
    nodes.reduce(0) { sum, value in
      let node = self[value]
      return sum
        + node.op.definition.cost(
          of: node.operands.map { self[$0].type }, result: node.type
        ).flops
    }
  }
}

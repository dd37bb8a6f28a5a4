import DescentGraph

/// Builds one kernel from one fusion group.
///
/// How each op family is emitted stands in the file of its name beside this one.
struct KernelBuilder {
  var lowering: Lowering
  let group: FusionGroup
  /// The shape of the kernel's domain.
  let domain: [Int]
  var program = VectorProgram()
  var operands: [Kernel.Operand] = []
  /// Operands that are read otherwise than element for element.
  var readElsewhere: Set<Int> = []
  private var registers: [Value: VectorProgram.Register] = [:]

  init(lowering: Lowering, group: FusionGroup) {
    self.lowering = lowering
    self.group = group
    domain = group.domain(in: lowering.graph).dimensions
  }

  var graph: Graph { lowering.graph }

  mutating func build() -> Kernel {
    let kernel =
      switch group.kind {
      case .map: buildMap()
      case .row, .column: buildReduction()
      case .contraction: buildContraction()
      case .scatter: buildScatter()
      }
    return kernel
  }

  /// Emits every member but the core, in graph order, and returns the register of the last.
  mutating func emitMembers() -> VectorProgram.Register? {
    var last: VectorProgram.Register?
    for value in group.nodes where value != group.core && !graph[value].op.isReduction {
      let register = emit(value)
      registers[value] = register
      last = register
    }
    return last
  }

  /// Makes a member's value known without emitting it.
  mutating func define(_ value: Value, as register: VectorProgram.Register) {
    registers[value] = register
  }

  private mutating func emit(_ value: Value) -> VectorProgram.Register {
    let identity = IndexMap(identityOfRank: domain.count)
    switch graph[value].op {
    case .leaf(let leaf): return emit(leaf, graph[value], identity)
    case .elementwise(let op): return emit(op, graph[value])
    case .movement(let op): return emit(op, graph[value])
    case .index(let op): return emit(op, value)
    case .reduction, .contraction:
      preconditionFailure("\(value) is a core, not a member that lives in a register")
    }
  }

  /// Returns a register that holds an element of a value.
  ///
  /// Members are in registers already; inline leaves are formed; movement is composed into the address.
  mutating func read(_ value: Value, _ map: IndexMap) -> VectorProgram.Register {
    if let register = registers[value] { return register }
    var (value, map) = (value, map)
    while true {
      let node = graph[value]
      if node.op.isInlineLeaf, case .leaf(let leaf) = node.op {
        return emit(leaf, node, map)
      }
      if lowering.isStored(value) && value != group.root { break }
      guard case .movement(let movement) = node.op, node.op.isAffineRead else { break }
      value = node.operands[0]
      map.compose(movement, operand: graph[value].type.shape)
    }
    return load(value, map)
  }

  private mutating func load(_ value: Value, _ map: IndexMap) -> VectorProgram.Register {
    let type = graph[value].type
    let access = map.access(dimensions: type.shape.dimensions)
    let operand = self.operand(value, .read)
    if !access.isIdentity(over: domain) { readElsewhere.insert(operand) }
    let load = VectorProgram.Instruction.load(operand: operand, access, type.dataType)
    return program.append(load)
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

  /// Returns the read operands that the target may take the place of.
  func inPlacePairs(target: Int) -> [Kernel.InPlace] {
    operands.indices.compactMap { position in
      guard operands[position].access == .read, !readElsewhere.contains(position),
        operands[position].bytes == operands[target].bytes,
        graph[operands[position].value].type.dataType.byteCount
          == graph[operands[target].value].type.dataType.byteCount
      else { return nil }
      return Kernel.InPlace(read: position, written: target)
    }
  }

  /// Returns the kernel with everything the classes have in common.
  func kernel(_ body: Kernel.Body, grid: TileGrid, inPlace: [Kernel.InPlace] = []) -> Kernel {
    let names = group.nodes.map { graph[$0].op.name }
    let shown = names.prefix(6).joined(separator: "+")
    let flops = group.nodes.reduce(0) { sum, value in
      let node = graph[value]
      return sum
        + node.op.definition.cost(
          of: node.operands.map { graph[$0].type }, result: node.type
        ).flops
    }
    return Kernel(
      name: names.count > 6 ? "\(shown)+…" : shown, body: body, operands: operands, grid: grid,
      inPlace: inPlace, nodes: group.nodes, flops: flops)
  }

  /// The number of elements a unit of an elementwise grid covers.
  static let unit = 256

  private mutating func buildMap() -> Kernel {
    guard let result = emitMembers() else { preconditionFailure("a map without members") }
    let target = operand(group.root, .write)
    let pairs = inPlacePairs(target: target)
    let count = domain.reduce(1, *)
    let collapsed = program.collapsing(domain)
    return kernel(
      .map(
        MapKernel(
          domain: collapsed.domain, program: collapsed.program, result: result, target: target)),
      grid: TileGrid(
        units: (count + Self.unit - 1) / Self.unit,
        workPerUnit: Self.unit * collapsed.program.instructions.count),
      inPlace: pairs)
  }
}

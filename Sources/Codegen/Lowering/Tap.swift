import DescentGraph

/// A kernel of rows that does in one of its sweeps what a kernel of columns over the same places does in its only one.
struct Tap {
  let column: TappedColumn
  /// The place of the kernel of rows in the order.
  let index: Int
  /// The kernel of rows with the tap, but for its loop.
  private var row: Kernel
  private var loop: LoopKernel
  /// What remains of the kernel of columns, but for its loop.
  private var rest: Kernel
  private var combination: LoopKernel
  /// The buffers that the kernel of rows reads for the tap's sake.
  private(set) var movedReads: Set<BufferID> = []
  /// The sweep along rows that has the tap.
  private let sweep: Int
  /// The registers of what accumulates.
  private var registers: [VectorProgram.Register] = []
  /// How many of them have memory.
  private var partialCount = 0

  /// The bytes of a thread's partial results that leave room for the rows in the first-level cache.
  private static let mostGatheredBytes = 1 << 14
  /// The most taps of a sweep, and the most of taps and accumulations, for which AVX2 has registers.
  private static let (mostTaps, mostMeetings) = (3, 6)

  /// Returns a kernel of rows with the column's sweep in the last of its own in which it has what that reads, or nil.
  static func placing(_ column: TappedColumn, in kernel: Kernel, at index: Int) -> Tap? {
    guard case .loop(let loop) = kernel.body, loop.domain == column.loop.domain,
      loop.reduced == 1..<2
    else { return nil }
    return loop.stages.indices.reversed().lazy.filter { loop.stages[$0].isSweep }
      .compactMap { Tap(of: column, in: kernel, loop, at: index, sweep: $0) }.first
  }

  private init?(
    of column: TappedColumn, in kernel: Kernel, _ loop: LoopKernel, at index: Int, sweep: Int
  ) {
    (self.column, self.index, self.loop, self.sweep) = (column, index, loop, sweep)
    (row, rest, combination) = (kernel, column.kernel, column.loop)
    let count = loop.stages.reduce(column.sweep.accumulations.count) { $0 + $1.taps.count }
    let taps = loop.stages[sweep].taps.count + column.sweep.accumulations.count
    guard 4 * count * loop.domain[1] <= Tap.mostGatheredBytes, taps <= Tap.mostTaps,
      taps + loop.stages[sweep].accumulations.count <= Tap.mostMeetings
    else { return nil }
    var program = VectorProgram()
    let own = program.append(contentsOf: loop.stages[sweep].program)
    self.loop.stages[sweep].mapRegisters { own[Int($0)] }
    self.loop.stages[sweep].program = program
    var known: [VectorProgram.Register: VectorProgram.Register] = [:]
    for (number, step) in column.sweep.program.instructions.enumerated() {
      guard case .load(let operand, let access, let type) = step else { continue }
      switch source(of: column.kernel.operands[operand], access, type) {
      case .register(let register): known[VectorProgram.Register(number)] = register
      case .load(let operand, let access):
        known[VectorProgram.Register(number)] = program.append(
          .load(operand: operand, access, type))
      case nil: return nil
      }
    }
    let all = program.append(contentsOf: column.sweep.program, given: known)
    self.loop.stages[sweep].program = program
    registers = column.sweep.accumulations.map { all[Int($0.register)] }
    combination.domain[0] = column.chunks
    combination.rowsPerChunk = 1
    combination.stages[column.sweepNumber].program = VectorProgram()
  }

  /// The kernel of rows, and the one that combines what it leaves.
  var kernels: (row: Kernel, rest: Kernel) {
    var (row, rest) = (row, rest)
    (row.body, row.grid) = (.loop(loop), loop.portableGrid)
    (rest.body, rest.grid) = (.loop(combination), combination.portableGrid)
    return (row, rest.withoutIdleOperands)
  }
}

// MARK: - What the sweep reads

extension Tap {
  /// Where the sweep along rows finds something.
  private enum Source {
    case register(VectorProgram.Register)
    case load(operand: Int, Access)
  }

  /// Returns where the sweep finds what the column loads, or nil where that is not in the cache or not yet known.
  private mutating func source(
    of operand: Kernel.Operand, _ access: Access, _ type: DataType
  ) -> Source? {
    let isTiny = operand.bytes.count * 16 <= column.elementCount * 4
    let known = row.operands.indices.filter { row.operands[$0].buffer == operand.buffer }
    guard let position = known.first(where: { row.operands[$0].value == operand.value }) else {
      guard isTiny, known.isEmpty else { return nil }
      movedReads.insert(operand.buffer)
      row.operands.append(operand)
      return .load(operand: row.operands.count - 1, access)
    }
    if row.operands[position].access == .write { return source(written: position, access, type) }
    guard isTiny || loads(position, access), mayReadLate(position, access) else { return nil }
    movedReads.insert(operand.buffer)
    return .load(operand: position, access)
  }

  /// Whether a sweep along the row reads an operand's elements at the very same places.
  private func loads(_ position: Int, _ access: Access) -> Bool {
    loop.stages.contains { stage in
      stage.isSweep
        && stage.program.instructions.contains { step in
          if case .load(operand: position, access, _) = step { true } else { false }
        }
    }
  }

  /// Whether what may take an operand's place takes it in this sweep or later.
  private func mayReadLate(_ position: Int, _ access: Access) -> Bool {
    row.inPlace.allSatisfy { pair in
      pair.read != position
        || access.isIdentity(over: loop.domain)
          && loop.stages[sweep...].contains { stage in
            stage.stores.contains { $0.operand == pair.written }
          }
    }
  }

  /// Returns where the sweep finds what the row itself stores.
  private mutating func source(
    written position: Int, _ access: Access, _ type: DataType
  ) -> Source? {
    let writer = loop.stages[...sweep].firstIndex { stage in
      stage.stores.contains { $0.operand == position }
    }
    guard let writer,
      let store = loop.stages[writer].stores.first(where: { $0.operand == position }),
      loop.stages[writer].program.types[Int(store.register)] == type
    else { return nil }
    if writer == sweep {
      return access.isIdentity(over: loop.domain) ? .register(store.register) : nil
    }
    guard !loop.stages[writer].isSweep, access == Access(offset: 0, strides: [1, 0]) else {
      return nil
    }
    return .load(operand: local(for: store, in: writer, type), access)
  }

  /// Returns the number of a local that holds what a stage between sweeps stores.
  private mutating func local(
    for store: LoopKernel.Store, in stage: Int, _ type: DataType
  ) -> Int {
    let known = loop.stages[stage].stores.first {
      $0.register == store.register && $0.operand < 0
    }
    if let known { return known.operand }
    loop.locals.append(LoopKernel.Local(dataType: type, isLine: false))
    let number = -loop.locals.count
    loop.stages[stage].stores.append(
      LoopKernel.Store(register: store.register, operand: number))
    return number
  }
}

// MARK: - What the tap leaves

extension Tap {
  /// Lets the next of the column's accumulations gather in an operand of the kernel of rows.
  mutating func addPartial(_ operand: Kernel.Operand) {
    let number = partialCount
    partialCount += 1
    row.operands.append(operand)
    let accumulation = column.sweep.accumulations[number]
    loop.stages[sweep].taps.append(
      LoopKernel.Accumulation(
        kind: accumulation.kind, register: registers[number], operand: row.operands.count - 1))
    rest.operands.append(operand)
    rest.operands[rest.operands.count - 1].access = .read
    let access = Access(offset: 0, strides: [loop.domain[1], 1])
    combination.stages[column.sweepNumber].accumulations[number].register =
      combination.stages[column.sweepNumber].program.append(
        .load(operand: rest.operands.count - 1, access, column.type(of: accumulation)))
  }

  /// Counts what is computed element by element, and its arithmetic, to the kernel of rows.
  mutating func moveNodes(_ graph: Graph) {
    let isElement = { (value: Value) in
      !graph[value].op.isReduction && graph[value].type.shape.count == column.elementCount
    }
    let moved = rest.nodes.filter(isElement)
    rest.nodes.removeAll(where: isElement)
    row.nodes += moved
    row.name += registers.count == 1 ? " with 1 tap" : " with \(registers.count) taps"
    rest.name = graph.kernelName(of: rest.nodes)
    let combined = column.chunks * loop.domain[1] * registers.count
    let flops = graph.flops(of: rest.nodes.filter { !graph[$0].op.isReduction }) + combined
    row.flops += rest.flops - flops
    rest.flops = flops
  }
}

extension LoopKernel.Stage {
  /// Gives the registers that leave the program other numbers.
  fileprivate mutating func mapRegisters(
    _ number: (VectorProgram.Register) -> VectorProgram.Register
  ) {
    for index in stores.indices { stores[index].register = number(stores[index].register) }
    for index in accumulations.indices {
      accumulations[index].register = number(accumulations[index].register)
    }
    for index in taps.indices { taps[index].register = number(taps[index].register) }
  }
}

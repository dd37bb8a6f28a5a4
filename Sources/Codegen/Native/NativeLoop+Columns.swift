import DescentGraph

// Sweeps over columns. A block of neighbouring columns has its accumulators in memory that stays in the L1 cache; rows
// are visited a few at a time, so that an accumulator is loaded once for all of them. Rows meet in chunks, and chunks
// as a tree, which is walked depth first so that few blocks of accumulators are alive.

/// The order in which the chunks of a column are visited.
struct ChunkOrder {
  /// One chunk: where its accumulators lie, and how many blocks are combined behind it.
  struct Visit {
    var chunk: Int
    var level: Int
    var merges: Int
  }

  private(set) var visits: [Visit] = []
  /// The number of blocks of accumulators alive at once.
  private(set) var levels = 1

  init(_ chunks: Int) { visit(0, 1, chunks, level: 0) }

  /// Visits a chunk with those it meets at distances of `step` and more; as deep as the logarithm of the number.
  private mutating func visit(_ index: Int, _ step: Int, _ chunks: Int, level: Int) {
    guard step < chunks else {
      visits.append(Visit(chunk: index, level: level, merges: 0))
      levels = max(levels, level + 1)
      return
    }
    visit(index, 2 * step, chunks, level: level)
    guard index + step < chunks else { return }
    visit(index + step, 2 * step, chunks, level: level + 1)
    visits[visits.count - 1].merges += 1
  }
}

extension NativeLoop {
  private var rows: Int { kernel.view.extent }

  var chunkOrder: ChunkOrder {
    ChunkOrder(max(1, (rows + kernel.rowsPerChunk - 1) / kernel.rowsPerChunk))
  }

  /// The bytes of one accumulation's block.
  var columnBlockBytes: Int { (block + 15) / 16 * 64 }

  /// Sweeps over the rows of the unit's columns.
  func writeColumnSweep(_ stage: NativeStage, _ assembler: inout Assembler) {
    guard !isShort(stage) else { return writeShortColumnSweep(stage, &assembler) }
    let order = chunkOrder
    let loop = assembler.makeLabel()
    loadPointers(stage, &assembler)
    writeInvariants(stage, &assembler)
    for index in stage.pointers.indices where stage.pointers[index] != nil {
      let register = register(ofPointer: index, &assembler)
      assembler.emit(.mov, unitPointerSlot(index), register)
    }
    let table = assembler.constant(entries(order, stage))
    assembler.emit(.lea, .rcx, .constant(table))
    assembler.emit(.mov, slot(.entry), .rcx)
    assembler.move(order.visits.count, to: .rcx)
    assembler.emit(.mov, slot(.visits), .rcx)
    assembler.bind(loop)
    writeFirstRow(&assembler)
    loadAccumulators(stage, &assembler)
    writeVectors(&assembler) { assembler, _ in
      for index in stage.stage.accumulations.indices {
        let sum = vector(stage.temporaries[2])
        combination(stage, index).writeIdentity(sum, &assembler)
        assembler.emit(.vmovups, accumulator(stage, index, &assembler), sum)
      }
    }
    writeRows(stage, &assembler)
    writeMerges(stage, &assembler)
    assembler.move(32, to: .rcx)
    assembler.emit(.add, slot(.entry), .rcx)
    assembler.emit(.dec, slot(.visits).sized(8))
    assembler.emit(.jne, loop)
    writeColumnResults(stage, &assembler)
  }

  /// One entry a visit, of four 64-bit numbers: the first row, the rows, where the accumulators begin, the merges.
  private func entries(_ order: ChunkOrder, _ stage: NativeStage) -> [UInt8] {
    var bytes: [UInt8] = []
    for visit in order.visits {
      let first = visit.chunk * kernel.rowsPerChunk
      let numbers = [
        first, min(kernel.rowsPerChunk, rows - first), visit.level * levelBytes(stage),
        visit.merges,
      ]
      for number in numbers {
        for shift in stride(from: 0, to: 64, by: 8) {
          bytes.append(UInt8(truncatingIfNeeded: number >> shift))
        }
      }
    }
    return bytes + [UInt8](repeating: 0, count: -bytes.count & 63)
  }

  private func levelBytes(_ stage: NativeStage) -> Int {
    stage.stage.accumulations.count * columnBlockBytes
  }

  /// Finds where the accumulators of the entry lie, seen from column 0.
  private func loadAccumulators(_ stage: NativeStage, _ assembler: inout Assembler) {
    for index in stage.stage.accumulations.indices {
      assembler.emit(.mov, .rax, slot(.entry))
      assembler.emit(.mov, .rax, .at(.rax, 16))
      assembler.emit(.add, .rax, slot(.scratch))
      assembler.move(index * columnBlockBytes, to: .rcx)
      assembler.emit(.add, .rax, .rcx)
      if blocks > 1 {
        assembler.emit(.mov, .rcx, slot(.blockStart))
        assembler.emit(.shl, .rcx, 2)
        assembler.emit(.sub, .rax, .rcx)
      }
      emit(.mov, pointer: stage.pointers.count + index, .rax, &assembler)
    }
  }

  /// Sets or moves an address by a register.
  func emit(
    _ mnemonic: Mnemonic, pointer index: Int, _ register: Register, _ assembler: inout Assembler
  ) {
    if index < NativeStage.bases.count {
      assembler.emit(mnemonic, .gpr(NativeStage.bases[index]), register)
    } else {
      assembler.emit(mnemonic, pointerSlot(index), register)
    }
  }

  /// The memory of an accumulation at the place in `rax`, some bytes on.
  private func accumulator(
    _ stage: NativeStage, _ index: Int, offset: Int = 0, _ assembler: inout Assembler
  ) -> Memory {
    let base = register(ofPointer: stage.pointers.count + index, &assembler)
    return .at(base, index: .rax, scale: 4, offset)
  }

  /// Finds the places of the first row of the entry's chunk.
  ///
  /// Uses `rax`, `rcx` and `rdx`, in which addresses may lie once they have been found.
  private func writeFirstRow(_ assembler: inout Assembler) {
    assembler.emit(.mov, .rax, slot(.entry))
    assembler.emit(.mov, .rax, .at(.rax))
    for axis in kernel.reduced.dropFirst().reversed() {
      writeDivision(by: kernel.domain[axis], &assembler)
      assembler.emit(.mov, rowPlace(axis), .rdx)
    }
    assembler.emit(.mov, rowPlace(kernel.reduced.lowerBound), .rax)
  }

  /// Visits the rows of the entry's chunk.
  private func writeRows(_ stage: NativeStage, _ assembler: inout Assembler) {
    for (index, pointer) in stage.pointers.enumerated() {
      guard let pointer else { continue }
      assembler.emit(.mov, .rax, unitPointerSlot(index))
      for axis in kernel.reduced where !pointer.strides.isEmpty && pointer.strides[axis] != 0 {
        assembler.move(pointer.strides[axis], to: .rcx)
        assembler.emit(.imul, .rcx, rowPlace(axis))
        assembler.emit(.add, .rax, .rcx)
      }
      emit(.mov, pointer: index, .rax, &assembler)
    }
    assembler.emit(.mov, .rax, slot(.entry))
    assembler.emit(.mov, .rcx, .at(.rax, 8))
    guard kernel.reduced.count > 1 else {
      assembler.emit(.mov, slot(.run), .rcx)
      return writeRun(stage, &assembler)
    }
    assembler.emit(.mov, slot(.row), .rcx)
    let (run, isWhole) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.bind(run)
    // As many rows as there are in the chunk and on the last axis.
    assembler.move(kernel.domain[kernel.reduced.upperBound - 1], to: .rcx)
    assembler.emit(.sub, .rcx, slot(.rowPlace))
    assembler.emit(.cmp, .rcx, slot(.row))
    assembler.emit(.jl, isWhole)
    assembler.emit(.mov, .rcx, slot(.row))
    assembler.bind(isWhole)
    assembler.emit(.mov, slot(.run), .rcx)
    assembler.emit(.sub, slot(.row), .rcx)
    writeRun(stage, &assembler)
    writeCarries(stage, &assembler)
    assembler.emit(.cmp, slot(.row).sized(8), 0)
    assembler.emit(.jne, run)
  }

  /// Visits rows that are neighbours along the last reduced axis, and goes on to the row behind them.
  private func writeRun(_ stage: NativeStage, _ assembler: inout Assembler) {
    let most = min(stage.rowsAtOnce, max(kernel.domain[kernel.reduced.upperBound - 1], 1))
    for rows in Set([most, 1]).sorted(by: >) {
      let (loop, end) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.bind(loop)
      assembler.emit(.cmp, slot(.run).sized(8), rows)
      assembler.emit(.jl, end)
      writeVectors(&assembler) { assembler, count in
        visit(rows: rows, stage, count: count, &assembler)
      }
      for (index, pointer) in stage.pointers.enumerated() {
        guard let pointer, pointer.rowBytes != 0 else { continue }
        assembler.move(rows * pointer.rowBytes, to: .rcx)
        emit(.add, pointer: index, .rcx, &assembler)
      }
      assembler.emit(.add, slot(.rowPlace).sized(8), rows)
      assembler.emit(.sub, slot(.run).sized(8), rows)
      assembler.emit(.jmp, loop)
      assembler.bind(end)
    }
  }

  /// Goes on along the other reduced axes where the last one has ended.
  private func writeCarries(_ stage: NativeStage, _ assembler: inout Assembler) {
    let end = assembler.makeLabel()
    for axis in kernel.reduced.dropFirst().reversed() {
      let extent = kernel.domain[axis]
      assembler.move(extent, to: .rcx)
      assembler.emit(.cmp, .rcx, rowPlace(axis))
      assembler.emit(.jne, end)
      assembler.emit(.mov, rowPlace(axis).sized(8), 0)
      assembler.emit(.inc, rowPlace(axis - 1).sized(8))
      for (index, pointer) in stage.pointers.enumerated() {
        guard let pointer, !pointer.strides.isEmpty else { continue }
        let step = pointer.strides[axis - 1] - extent * pointer.strides[axis]
        guard step != 0 else { continue }
        assembler.move(step, to: .rcx)
        emit(.add, pointer: index, .rcx, &assembler)
      }
    }
    assembler.bind(end)
  }

  /// Lets the elements of so many rows meet the accumulators of one vector of columns.
  private func visit(
    rows: Int, _ stage: NativeStage, count: Int, _ assembler: inout Assembler
  ) {
    for index in stage.stage.accumulations.indices {
      let memory = accumulator(stage, index, &assembler)
      assembler.emit(.vmovups, sum(stage, index), memory)
    }
    for row in 0..<rows { visit(row, stage, count: count, &assembler) }
    for index in stage.stage.accumulations.indices {
      let memory = accumulator(stage, index, &assembler)
      assembler.emit(.vmovups, memory, sum(stage, index))
    }
  }

  /// Lets the elements of a row, counted from the pointers, meet what has accumulated in registers.
  func visit(_ row: Int, _ stage: NativeStage, count: Int, _ assembler: inout Assembler) {
    let elements = emit(stage, row: row, count: count, &assembler)[0]
    for (index, element) in elements.enumerated() {
      let combination = combination(stage, index)
      let lanes = combination.writeLanes(of: element, temporary: stage.temporaries[0], &assembler)
      combination.write(
        into: sum(stage, index), lanes, isPartial: false, temporaries: stage.temporaries,
        &assembler)
    }
  }

  /// The register of an accumulation while the rows of a vector are visited.
  func sum(_ stage: NativeStage, _ index: Int) -> Register {
    guard case .registers(let highest) = stage.accumulators else {
      preconditionFailure("a column sweep gathers in registers")
    }
    return vector(highest - index)
  }

  /// Combines the accumulators of the entry's level with those below, as often as the entry says.
  private func writeMerges(_ stage: NativeStage, _ assembler: inout Assembler) {
    let (loop, end) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.mov, .rcx, slot(.entry))
    assembler.emit(.mov, .rcx, .at(.rcx, 24))
    assembler.emit(.mov, slot(.row), .rcx)
    assembler.bind(loop)
    assembler.emit(.cmp, slot(.row).sized(8), 0)
    assembler.emit(.je, end)
    writeVectors(&assembler) { assembler, _ in
      for index in stage.stage.accumulations.indices {
        let (sum, other) = (vector(stage.temporaries[2]), vector(stage.temporaries[0]))
        let below = accumulator(stage, index, offset: -levelBytes(stage), &assembler)
        assembler.emit(.vmovups, sum, below)
        let memory = accumulator(stage, index, &assembler)
        assembler.emit(.vmovups, other, memory)
        combination(stage, index).write(
          into: sum, other, isPartial: false, temporaries: stage.temporaries, &assembler)
        let target = accumulator(stage, index, offset: -levelBytes(stage), &assembler)
        assembler.emit(.vmovups, target, sum)
      }
    }
    for index in stage.stage.accumulations.indices {
      assembler.move(levelBytes(stage), to: .rcx)
      emit(.sub, pointer: stage.pointers.count + index, .rcx, &assembler)
    }
    assembler.emit(.dec, slot(.row).sized(8))
    assembler.emit(.jmp, loop)
    assembler.bind(end)
  }

  /// Stores what the columns have come to, which lies in the lowest level.
  private func writeColumnResults(_ stage: NativeStage, _ assembler: inout Assembler) {
    for (index, accumulation) in stage.stage.accumulations.enumerated() {
      load(result(of: accumulation, in: stage), to: .r8, &assembler)
      assembler.emit(.mov, .r9, slot(.scratch))
      assembler.move(index * columnBlockBytes, to: .rcx)
      assembler.emit(.add, .r9, .rcx)
      if blocks > 1 {
        assembler.emit(.mov, .rcx, slot(.blockStart))
        assembler.emit(.shl, .rcx, 2)
        assembler.emit(.sub, .r9, .rcx)
      }
      let size = stage.stage.program.types[Int(accumulation.register)].byteCount
      writeVectors(&assembler) { assembler, count in
        let result = vector(stage.temporaries[0])
        assembler.emit(.vmovups, result, .at(.r9, index: .rax, scale: 4))
        store(
          result, of: accumulation, in: stage, to: .at(.r8, index: .rax, scale: size),
          count: count, &assembler)
      }
    }
  }

  /// Where the results of an accumulation go, seen from column 0.
  func result(
    of accumulation: LoopKernel.Accumulation, in stage: NativeStage
  ) -> NativeStage.Pointer {
    NativeStage.Pointer(
      operand: accumulation.operand, offset: 0, strides: [],
      size: stage.stage.program.types[Int(accumulation.register)].byteCount, isSplat: false,
      rowBytes: 0, isOfBlock: true)
  }

  /// Stores a vector of results as elements of their type.
  func store(
    _ result: Register, of accumulation: LoopKernel.Accumulation, in stage: NativeStage,
    to memory: Memory, count: Int, _ assembler: inout Assembler
  ) {
    let type = stage.stage.program.types[Int(accumulation.register)]
    var result = result
    if type == .bool, isWide {
      assembler.emit(.vptestmd, .k(2), result, result)
      result = .k(2)
    }
    stage.emitter.store(result, type, to: memory, count: count, &assembler)
  }
}

import DescentGraph

/// Writes the code of loop kernels.
///
/// A unit is a line of the domain, or of maps and columns a block of neighbouring lines: the vector axis, which is the
/// last, is walked in vectors of elements. What the first unit is made of is found by dividing its number by the
/// extents of the other axes, and the next ones by counting; from these places the address of every stream follows.
///
/// Registers: `rdi` operand addresses, `rax` the place along the vector axis, `rcx` a temporary, the addresses of
/// streams in `NativeStage.bases`. Everything else lies in slots of the frame.
struct NativeLoop {
  let kernel: LoopKernel
  let isWide: Bool
  let stages: [NativeStage]
  private let faultCell: Int
  private let streamed: Set<Int>
  /// The axes whose places a unit fixes, outermost first.
  let unitAxes: [Int]
  /// The extent of the vector axis, and how much of it a unit covers.
  let columns: Int
  let block: Int

  /// The elements of a map that a unit covers, where lines are long.
  private static let mapBlock = 4096
  /// The columns that a unit reduces side by side.
  private static let columnBlock = 512
  /// The longest axis along which places are counted.
  private static let longest = 1 << 30

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  ///
  /// The address of the cell that takes faults lies among those of the operands at `faultCell`. Stores to streamed
  /// operands pass the caches by.
  init?(
    _ kernel: LoopKernel, faultCell: Int, streamed: Set<Int>, isWide: Bool, _ threads: ThreadShare
  ) {
    let (outer, extent, inner) = kernel.view
    let loopClass = kernel.loopClass
    guard outer > 0, inner > 0, extent < NativeLoop.longest,
      kernel.reduced.count <= 1 || loopClass == .column && extent > 0
    else { return nil }
    // Behind the reduced axis there may be one of extent 1 along which nothing exists.
    guard loopClass != .row || kernel.reduced.upperBound == kernel.domain.count else { return nil }
    self.kernel = kernel
    self.faultCell = faultCell
    self.streamed = streamed
    self.isWide = isWide
    let last = kernel.domain.count - 1
    unitAxes = kernel.domain.indices.filter {
      $0 != last && (loopClass != .column || !kernel.reduced.contains($0))
    }
    columns = kernel.domain.last ?? 1
    guard columns < NativeLoop.longest else { return nil }
    switch loopClass {
    case .map: block = min(columns, NativeLoop.mapBlock)
    case .row: block = columns
    case .column:
      let units = kernel.domain.indices.reduce(1) {
        $1 == last || kernel.reduced.contains($1) ? $0 : $0 * kernel.domain[$1]
      }
      let most = min(columns, NativeLoop.columnBlock)
      let share = threads.threads(for: kernel.work) / units
      // Long columns side by side are shared in parts of whole lines of the cache.
      block = share <= 1 ? most : min(most, ((columns + share - 1) / share + 15) / 16 * 16)
    }
    var stages: [NativeStage] = []
    for stage in kernel.stages {
      guard var code = NativeStage(stage, of: kernel, isWide: isWide) else { return nil }
      switch loopClass {
      case .map: code.prefetchGuardedLines(of: kernel)
      case .column: if stage.isSweep { code.prefetchRows(of: kernel) }
      case .row: break
      }
      // A sweep waits for memory; the next has the line in the cache and time to ask for a later one.
      let sweeps = stages.filter(\.stage.isSweep)
      if stage.isSweep, loopClass == .row, let axis = unitAxes.last, let last = sweeps.last {
        code.prefetch(linesOf: last, notOf: sweeps.dropLast(), after: axis, in: kernel)
      }
      stages.append(code)
    }
    self.stages = stages
  }

  var width: Int { isWide ? 16 : 8 }

  /// The blocks of a line.
  var blocks: Int { block == 0 ? 1 : (columns + block - 1) / block }

  /// The elements behind the last whole vector of a line.
  var tail: Int { columns % width }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: slotBase - NativeFrame.localBytes + 8 * slotCount)
    frame.enter(&assembler)
    if kernel.hasTaps { writeRowsOfChunks(&assembler) }
    assembler.emit(.mov, slot(.unit), .rsi)
    assembler.emit(.mov, slot(.endUnit), .rdx)
    assembler.emit(.mov, slot(.scratch), .rcx)
    NativeTail(count: tail, isWide: isWide).write(to: &assembler)
    let (unit, end) = (assembler.makeLabel(), assembler.makeLabel())
    if stages.count == 1 { stages[0].emitter.writeConstants(to: &assembler) }
    writeFirstPlaces(&assembler)
    assembler.bind(unit)
    assembler.emit(.mov, .rax, slot(.unit))
    assembler.emit(.cmp, .rax, slot(.endUnit))
    assembler.emit(.jge, end)
    writeBlockEnds(&assembler)
    for stage in stages { write(stage, &assembler) }
    assembler.emit(.inc, slot(.unit).sized(8))
    writeNextPlaces(then: unit, &assembler)
    assembler.bind(end)
    // Streamed stores may still be on their way when others are told that the kernel has ended.
    if !streamed.isEmpty { assembler.emit(.sfence) }
    frame.leave(&assembler)
    let rows = kernel.rowsPerUnit
    let units = (unitAxes.reduce(blocks) { $0 * kernel.domain[$1] } + rows - 1) / rows
    return NativeKernel(
      grid: TileGrid(units: units, workPerUnit: max(1, kernel.work / units)),
      scratchBytes: scratchBytes)
  }

  private func write(_ stage: NativeStage, _ assembler: inout Assembler) {
    if stages.count > 1 { stage.emitter.writeConstants(to: &assembler) }
    if !stage.stage.isSweep, kernel.loopClass == .row {
      writeReducedPlace(stage, &assembler)
    } else if stage.stage.accumulations.isEmpty, kernel.loopClass != .column || !stage.stage.isSweep
    {
      loadPointers(stage, &assembler)
      writeInvariants(stage, &assembler)
      if kernel.loopClass == .column {
        for axis in kernel.reduced { assembler.emit(.mov, rowPlace(axis).sized(8), 0) }
      }
      writeTapBeginnings(stage, &assembler)
      writeVectors(atOnce: stage.emitter.vectorsAtOnce, &assembler) { assembler, count, vectors in
        loadTaps(stage, count: count, &assembler)
        let results = emit(stage, count: count, vectors: vectors, &assembler)
        writeTaps(stage, of: results[0], count: count, &assembler)
      }
    } else if kernel.loopClass == .row {
      writeRowSweep(stage, &assembler)
    } else {
      writeColumnSweep(stage, &assembler)
    }
  }

  /// Walks the unit's part of the vector axis, calling a body for each vector of so many elements.
  func writeVectors(
    _ assembler: inout Assembler, _ body: (inout Assembler, _ count: Int) -> Void
  ) {
    writeVectors(atOnce: 1, &assembler) { assembler, count, _ in body(&assembler, count) }
  }

  /// Walks the unit's part of the vector axis, calling a body for some whole vectors at once while there are as many,
  /// then for each vector of so many elements.
  private func writeVectors(
    atOnce vectors: Int, _ assembler: inout Assembler,
    _ body: (inout Assembler, _ count: Int, _ vectors: Int) -> Void
  ) {
    let isBlocked = blocks > 1
    if isBlocked {
      assembler.emit(.mov, .rax, slot(.blockStart))
    } else {
      assembler.move(0, to: .rax)
    }
    let whole = columns - tail
    let several = vectors * width
    if vectors > 1, whole >= several {
      let (loop, rest) = (assembler.makeLabel(), assembler.makeLabel())
      if isBlocked {
        assembler.emit(.lea, .rcx, .at(.rax, several))
        assembler.emit(.cmp, .rcx, slot(.wholeEnd))
        assembler.emit(.jg, rest)
      }
      assembler.bind(loop)
      body(&assembler, width, vectors)
      assembler.emit(.add, .rax, several)
      if isBlocked {
        assembler.emit(.lea, .rcx, .at(.rax, several))
        assembler.emit(.cmp, .rcx, slot(.wholeEnd))
        assembler.emit(.jle, loop)
      } else {
        assembler.emit(.cmp, .rax, whole - whole % several)
        assembler.emit(.jl, loop)
      }
      assembler.bind(rest)
    }
    if vectors > 1 && !isBlocked ? whole % several > 0 : whole > 0 {
      let (loop, rest) = (assembler.makeLabel(), assembler.makeLabel())
      // With blocks, the last one may consist of a tail only.
      if isBlocked {
        assembler.emit(.cmp, .rax, slot(.wholeEnd))
        assembler.emit(.jge, rest)
      }
      assembler.bind(loop)
      body(&assembler, width, 1)
      assembler.emit(.add, .rax, width)
      if isBlocked {
        assembler.emit(.cmp, .rax, slot(.wholeEnd))
      } else {
        assembler.emit(.cmp, .rax, whole)
      }
      assembler.emit(.jl, loop)
      assembler.bind(rest)
    }
    guard tail > 0 else { return }
    let end = assembler.makeLabel()
    if isBlocked {
      assembler.emit(.cmp, .rax, slot(.blockEnd))
      assembler.emit(.jge, end)
    }
    body(&assembler, tail, 1)
    assembler.bind(end)
  }

  /// Runs a stage between sweeps of a row, in the first lane.
  private func writeReducedPlace(_ stage: NativeStage, _ assembler: inout Assembler) {
    NativeTail(count: 1, isWide: isWide).write(to: &assembler)
    loadPointers(stage, &assembler)
    assembler.move(0, to: .rax)
    emit(stage, count: 1, &assembler)
    NativeTail(count: tail, isWide: isWide).write(to: &assembler)
  }

  /// Emits a stage's program for one vector or more and stores what is to be stored.
  ///
  /// - Parameters:
  ///   - stage: The stage.
  ///   - vector: The number of vectors from the place in `rax`.
  ///   - row: The number of rows from the pointers.
  ///   - count: How many elements exist; if not all, the tail register selects them.
  ///   - vectors: How many vectors, at most as many as the stage can work on at once.
  ///   - assembler: Receives the code.
  /// - Returns: For each vector the registers of what accumulates.
  @discardableResult
  func emit(
    _ stage: NativeStage, vector: Int = 0, row: Int = 0, count: Int, vectors: Int = 1,
    _ assembler: inout Assembler
  ) -> [[Register]] {
    let streams = stage.emitter.selection.streams
    writeMovingPlaces(streams, vector: vector, row: row, &assembler)
    let results = stage.emitter.emit(to: &assembler, count: count, vectors: vectors) {
      index, number, assembler in
      guard index < streams.count else {
        return address(stage, index, vector: vector + number, row: row, &assembler)
      }
      return switch streams[index] {
      case .element: address(stage, index, vector: vector + number, row: row, &assembler)
      case .place(let axis): memory(ofPlace: axis)
      case .core: preconditionFailure("a core in a loop")
      case .faults: .at(.rdi, 8 * faultCell)
      }
    } isStreamed: {
      isStreamed(stage.pointers[streams.count + $0])
    }
    if count == width {
      for number in 0..<vectors {
        writePrefetches(stage, vector: vector + number, row: row, &assembler)
      }
    }
    return results
  }

  /// Whether whole vectors are stored past the caches, which takes aligned ones.
  private func isStreamed(_ pointer: NativeStage.Pointer?) -> Bool {
    guard let pointer, streamed.contains(pointer.operand), !pointer.isSplat else { return false }
    return ([pointer.offset] + pointer.strides.dropLast()).allSatisfy {
      $0 % (width * pointer.size) == 0
    }
  }

  /// Asks for what a later line will read.
  private func writePrefetches(
    _ stage: NativeStage, vector: Int, row: Int, _ assembler: inout Assembler
  ) {
    for prefetch in stage.prefetches {
      guard let pointer = stage.pointers[prefetch.pointer] else { continue }
      assembler.emit(
        .prefetcht0,
        .at(
          register(ofPointer: stage.origins[prefetch.pointer].number, &assembler), index: .rax,
          scale: pointer.size,
          prefetch.distance + stage.origins[prefetch.pointer].distance + row * pointer.rowBytes
            + vector * width * pointer.size))
    }
  }

  /// Writes what a stage needs and no place along the vector axis changes.
  func writeInvariants(_ stage: NativeStage, _ assembler: inout Assembler) {
    let streams = stage.emitter.selection.streams
    stage.emitter.writeInvariants(to: &assembler) { index, _, assembler in
      if case .place(let axis) = streams[index] { return memory(ofPlace: axis) }
      return address(stage, index, vector: 0, row: 0, &assembler)
    }
  }

  private func address(
    _ stage: NativeStage, _ index: Int, vector: Int, row: Int, _ assembler: inout Assembler
  ) -> Memory {
    guard let pointer = stage.pointers[index] else {
      preconditionFailure("pointer \(index) is no operand's")
    }
    let origin = stage.origins[index]
    let base = register(ofPointer: origin.number, &assembler)
    let displacement = origin.distance + row * pointer.rowBytes
    guard !pointer.isSplat else { return .at(base, displacement) }
    return .at(
      base, index: .rax, scale: pointer.size, displacement + vector * width * pointer.size)
  }

  /// Where the place along an axis of the domain lies.
  private func memory(ofPlace axis: Int) -> Memory {
    if let index = unitAxes.firstIndex(of: axis) { return place(index) }
    if axis == kernel.domain.count - 1 { return slot(.vectorPlace) }
    return axis == kernel.reduced.upperBound - 1 ? slot(.movedRowPlace) : rowPlace(axis)
  }

  /// Keeps the places in memory that change within a unit, if the program reads them.
  private func writeMovingPlaces(
    _ streams: [InstructionSelection.Stream], vector: Int, row: Int, _ assembler: inout Assembler
  ) {
    let last = kernel.domain.count - 1
    for case .place(let axis) in streams where !unitAxes.contains(axis) {
      if axis == last {
        assembler.emit(.lea, .rcx, .at(.rax, vector * width))
        assembler.emit(.mov, slot(.vectorPlace), .rcx)
      } else if axis == kernel.reduced.upperBound - 1 {
        assembler.emit(.mov, .rcx, slot(.rowPlace))
        assembler.emit(.add, .rcx, row)
        assembler.emit(.mov, slot(.movedRowPlace), .rcx)
      }
    }
  }
}

extension LoopKernel {
  /// The work of all places, in scalar operations as the portable backend needs them.
  fileprivate var work: Int {
    let (outer, extent, inner) = view
    let steps = stages.reduce(0) { $0 + $1.program.instructions.count + 1 }
    return outer * extent * inner * steps / 4
  }
}

// MARK: - The frame

extension NativeLoop {
  /// The variables of the loops.
  enum Slot: Int, CaseIterable {
    case unit, endUnit, scratch, blockStart, blockEnd, wholeEnd, chunkEnd, entry, visits, row, run
    case vectorPlace, rowPlace, movedRowPlace
  }

  private var slotBase: Int {
    NativeFrame.localBytes + stages.reduce(0) { max($0, $1.emitter.spillBytes) }
  }

  private var pointerCount: Int { stages.reduce(0) { max($0, $1.pointerCount) } }

  private var slotCount: Int {
    Slot.allCases.count + unitAxes.count + 2 * pointerCount + kernel.reduced.count
  }

  func slot(_ slot: Slot) -> Memory { .at(.rsp, slotBase + 8 * slot.rawValue) }

  /// Where the place along a unit axis lies.
  func place(_ index: Int) -> Memory { .at(.rsp, slotBase + 8 * (Slot.allCases.count + index)) }

  /// Where a pointer lies that has no register.
  func pointerSlot(_ index: Int) -> Memory {
    .at(.rsp, slotBase + 8 * (Slot.allCases.count + unitAxes.count + index))
  }

  /// Where a pointer's address at the unit's first row lies.
  func unitPointerSlot(_ index: Int) -> Memory { pointerSlot(pointerCount + index) }

  /// Where the place of a column's row along a reduced axis lies.
  func rowPlace(_ axis: Int) -> Memory {
    axis == kernel.reduced.upperBound - 1
      ? slot(.rowPlace) : pointerSlot(2 * pointerCount + axis - kernel.reduced.lowerBound)
  }
}

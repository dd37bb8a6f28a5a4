import DescentCodegen
import DescentGraph

/// Runs loop kernels block by block, accumulating in the order that `Reduction` documents.
///
/// A trivial value of pointers into memory that the executable owns; running it allocates nothing.
struct PortableLoop {
  /// One stage.
  struct Stage {
    let isSweep: Bool
    var machine: BlockMachine
    let stores: UnsafeMutablePointer<LoopKernel.Store>
    let storeCount: Int
    let accumulations: UnsafeMutablePointer<LoopKernel.Accumulation>
    let accumulationCount: Int
    let taps: UnsafeMutablePointer<LoopKernel.Accumulation>
    let tapCount: Int
  }

  let loopClass: LoopKernel.Class
  let outer: Int
  let extent: Int
  let inner: Int
  let stages: UnsafeMutablePointer<Stage>
  let stageCount: Int
  let locals: UnsafeMutablePointer<LoopKernel.Local>
  let localCount: Int
  /// Whether a line is remembered, so that only one can be worked on at once.
  let hasLines: Bool
  let rowsPerChunk: Int
  let rowsPerUnit: Int

  /// The number of lines that are worked on together.
  private static let block = LoopKernel.portableColumnUnit
  /// The size of a block of accumulators.
  private static let blockBytes = 8 * max(block, Reduction.maximumLanes)

  /// Returns the scratch memory that accumulators take, in bytes.
  static func scratchBytes(_ loop: LoopKernel) -> Int {
    let count = loop.stages.reduce(0) { max($0, $1.accumulations.count) }
    switch loop.loopClass {
    case .map: return 0
    case .row: return count * (blockBytes + 8 * rowChunks(loop.view.extent))
    case .column:
      // A block a level of the tree of chunks, and one for its leaves.
      let chunks = loop.view.extent / loop.rowsPerChunk + 1
      return count * (Int.bitWidth - chunks.leadingZeroBitCount + 2) * blockBytes
    }
  }

  private static func rowChunks(_ extent: Int) -> Int {
    max(1, (extent + Reduction.rowChunk - 1) / Reduction.rowChunk)
  }

  /// Runs units of the grid in a thread's memory.
  func run(
    _ units: Range<Int>, _ scratch: ThreadScratch,
    _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) {
    switch loopClass {
    case .map:
      let stage = stages[0].with(scratch, operands)
      for unit in units {
        let start = unit * LoopKernel.portableMapUnit
        stage.visit(start, min(LoopKernel.portableMapUnit, outer - start))
      }
    case .row:
      var row = units.lowerBound * rowsPerUnit
      let end = min(units.upperBound * rowsPerUnit, outer)
      while row < end {
        let count = min(hasLines ? 1 : PortableLoop.block, end - row)
        runLines(row, count, scratch, operands)
        row += count
      }
    case .column:
      let blocks = (inner + PortableLoop.block - 1) / PortableLoop.block
      for unit in units {
        let first = unit % blocks * PortableLoop.block
        runLines(
          unit / blocks * inner + first, min(PortableLoop.block, inner - first), scratch, operands)
      }
    }
  }

  /// Runs all stages for neighbouring lines, counted by their reduced places.
  private func runLines(
    _ first: Int, _ count: Int, _ scratch: ThreadScratch,
    _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) {
    // Single elements are addressed by reduced places, but there is memory only for those of this block.
    for local in 0..<localCount where !locals[local].isLine {
      operands[-1 - local] -= first * locals[local].dataType.byteCount
    }
    for index in 0..<stageCount {
      let stage = stages[index].with(scratch, operands)
      if !stage.isSweep {
        stage.visit(first, count)
      } else if loopClass == .row {
        for row in first..<first + count { sweepRow(stage, row) }
      } else {
        sweepColumns(stage, first, count)
      }
    }
    for local in 0..<localCount where !locals[local].isLine {
      operands[-1 - local] += first * locals[local].dataType.byteCount
    }
  }
}

extension PortableLoop.Stage {
  fileprivate func with(
    _ scratch: ThreadScratch, _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) -> PortableLoop.Stage {
    var stage = self
    stage.machine = machine.with(scratch, operands)
    return stage
  }

  /// Computes neighbouring places and stores what is to be stored.
  ///
  /// - Parameters:
  ///   - start: The first place, in row-major order of the stage's domain.
  ///   - count: How many there are: a block at most.
  ///   - line: Where the line begins, if elements of a line are remembered.
  fileprivate func visit(_ start: Int, _ count: Int, line: Int = 0) {
    machine.run(start, count)
    for index in 0..<storeCount {
      let operand = stores[index].operand
      let position = operand < 0 && isSweep ? start - line : start
      machine.store(index, to: machine.operands[operand], at: position, count)
    }
  }

  /// Calls a body for each accumulation with what the last visit computed for it.
  fileprivate func forEachAccumulation(
    _ body: (Int, Reduction.Kind, DataType, UnsafeMutableRawPointer) -> Void
  ) {
    for index in 0..<accumulationCount {
      let result = storeCount + index
      body(
        index, accumulations[index].kind, machine.results[result].type, machine.result(result))
    }
  }

  /// Calls a body for each tap with its operand and what the last visit computed for it.
  fileprivate func forEachTap(
    _ body: (UnsafeMutableRawPointer, Reduction.Kind, DataType, UnsafeMutableRawPointer) -> Void
  ) {
    for index in 0..<tapCount {
      let result = storeCount + accumulationCount + index
      body(
        machine.operands[taps[index].operand], taps[index].kind, machine.results[result].type,
        machine.result(result))
    }
  }
}

// MARK: - Rows

extension PortableLoop {
  private func sweepRow(_ stage: Stage, _ row: Int) {
    let memory = stage.machine.scratch.partials
    let chunks = PortableLoop.rowChunks(extent)
    let each = PortableLoop.blockBytes + 8 * chunks
    if row % Reduction.columnChunk == 0 {
      stage.forEachTap { tap, kind, type, _ in
        Begin(lanes: gathered(tap, row), count: extent).run(kind, type)
      }
    }
    for chunk in 0..<chunks {
      let start = chunk * Reduction.rowChunk
      let end = min(start + Reduction.rowChunk, extent)
      let lanes = Reduction.laneCount(end - start)
      stage.forEachAccumulation { index, kind, type, _ in
        Begin(lanes: memory + index * each, count: lanes).run(kind, type)
      }
      var position = start
      while position < end {
        // A block holds a whole number of turns through the lanes.
        let count = min(BlockMachine.blockSize, end - position)
        stage.visit(row * extent + position, count, line: row * extent)
        stage.forEachAccumulation { index, kind, type, elements in
          TakeTurns(
            elements: elements, lanes: memory + index * each, laneCount: lanes, count: count
          ).run(kind, type)
        }
        stage.forEachTap { tap, kind, type, elements in
          TakeTurns(
            elements: elements, lanes: gathered(tap, row) + 4 * position, laneCount: count,
            count: count
          ).run(kind, type)
        }
        position += count
      }
      stage.forEachAccumulation { index, kind, type, _ in
        let lanesStart = memory + index * each
        let partials = lanesStart + PortableLoop.blockBytes
        FinishChunk(lanes: lanesStart, count: lanes, partials: partials, chunk: chunk)
          .run(kind, type)
      }
    }
    stage.forEachAccumulation { index, kind, type, _ in
      let partials = memory + index * each + PortableLoop.blockBytes
      let target = stage.machine.operands[stage.accumulations[index].operand]
      FinishRow(partials: partials, chunks: chunks).run(kind, type)
      store(partials, type, to: target, at: row, 1)
    }
  }
}

extension PortableLoop {
  /// Where the tap of a row's chunk lies.
  private func gathered(
    _ tap: UnsafeMutableRawPointer, _ row: Int
  ) -> UnsafeMutableRawPointer {
    tap + row / Reduction.columnChunk * extent * 4
  }
}

/// Sets accumulators to the identity.
private struct Begin: CombinationBody {
  let lanes: UnsafeMutableRawPointer
  let count: Int

  func run<C: Combination>(_ combination: C) {
    let lanes = lanes.assumingMemoryBound(to: C.Lane.self)
    for lane in 0..<count { lanes[lane] = combination.identity }
  }
}

/// Deals elements to lanes in turn.
private struct TakeTurns: CombinationBody {
  let elements: UnsafeMutableRawPointer
  let lanes: UnsafeMutableRawPointer
  let laneCount: Int
  let count: Int

  func run<C: Combination>(_ combination: C) {
    let elements = elements.assumingMemoryBound(to: C.Lane.self)
    let lanes = lanes.assumingMemoryBound(to: C.Lane.self)
    var offset = 0
    while offset < count {
      let width = min(laneCount, count - offset)
      for lane in 0..<width {
        lanes[lane] = combination.combine(lanes[lane], elements[offset + lane])
      }
      offset += width
    }
  }
}

private struct FinishChunk: CombinationBody {
  let lanes: UnsafeMutableRawPointer
  let count: Int
  let partials: UnsafeMutableRawPointer
  let chunk: Int

  func run<C: Combination>(_ combination: C) {
    let lanes = lanes.assumingMemoryBound(to: C.Lane.self)
    combination.tree(lanes, count)
    partials.assumingMemoryBound(to: C.Lane.self)[chunk] = lanes[0]
  }
}

private struct FinishRow: CombinationBody {
  let partials: UnsafeMutableRawPointer
  let chunks: Int

  func run<C: Combination>(_ combination: C) {
    combination.tree(partials.assumingMemoryBound(to: C.Lane.self), chunks)
  }
}

// MARK: - Columns

extension PortableLoop {
  /// Sweeps over neighbouring columns, the first of which is a reduced place.
  private func sweepColumns(_ stage: Stage, _ first: Int, _ count: Int) {
    let memory = stage.machine.scratch.partials
    let block = PortableLoop.blockBytes
    let chunks = max(1, (extent + rowsPerChunk - 1) / rowsPerChunk)
    visitChunk(0, 1, chunks, level: 0, stage, first, count)
    stage.forEachAccumulation { index, kind, type, _ in
      let target = stage.machine.operands[stage.accumulations[index].operand]
      store(memory + index * block, type, to: target, at: first, count)
    }
  }

  /// Leaves chunk `index`, after it has met those at distances of `step` and more, in the blocks of a level.
  ///
  /// The recursion is as deep as the logarithm of the number of chunks; each level has its own accumulators.
  private func visitChunk(
    _ index: Int, _ step: Int, _ chunks: Int, level: Int, _ stage: Stage, _ first: Int,
    _ count: Int
  ) {
    guard step < chunks else { return visitRows(of: index, level: level, stage, first, count) }
    visitChunk(index, 2 * step, chunks, level: level, stage, first, count)
    guard index + step < chunks else { return }
    visitChunk(index + step, 2 * step, chunks, level: level + 1, stage, first, count)
    let memory = accumulators(level, stage)
    let others = accumulators(level + 1, stage)
    stage.forEachAccumulation { index, kind, type, _ in
      let offset = index * PortableLoop.blockBytes
      TakeTurns(
        elements: others + offset, lanes: memory + offset, laneCount: count, count: count
      ).run(kind, type)
    }
  }

  private func accumulators(_ level: Int, _ stage: Stage) -> UnsafeMutableRawPointer {
    stage.machine.scratch.partials + level * stage.accumulationCount * PortableLoop.blockBytes
  }

  private func visitRows(
    of chunk: Int, level: Int, _ stage: Stage, _ first: Int, _ count: Int
  ) {
    let memory = accumulators(level, stage)
    let start = chunk * rowsPerChunk
    let end = min(start + rowsPerChunk, extent)
    stage.forEachAccumulation { index, kind, type, _ in
      Begin(lanes: memory + index * PortableLoop.blockBytes, count: count).run(kind, type)
    }
    let (outer, column) = inner == 0 ? (0, 0) : (first / inner, first % inner)
    for row in start..<max(start, end) {
      stage.visit((outer * extent + row) * inner + column, count)
      stage.forEachAccumulation { index, kind, type, elements in
        TakeTurns(
          elements: elements, lanes: memory + index * PortableLoop.blockBytes, laneCount: count,
          count: count
        ).run(kind, type)
      }
    }
  }

  /// Stores lanes as elements of a type.
  private func store(
    _ lanes: UnsafeMutableRawPointer, _ type: DataType, to target: UnsafeMutableRawPointer,
    at position: Int, _ count: Int
  ) {
    switch type {
    case .f32, .i32, .i64, .f64:
      let width = type.byteCount
      (target + width * position).copyMemory(from: lanes, byteCount: width * count)
    case .u8, .bool:
      let from = lanes.assumingMemoryBound(to: Int32.self)
      let to = (target + position).assumingMemoryBound(to: UInt8.self)
      let mask: Int32 = type == .bool ? 1 : 0xff
      for lane in 0..<count { to[lane] = UInt8(truncatingIfNeeded: from[lane] & mask) }
    }
  }
}

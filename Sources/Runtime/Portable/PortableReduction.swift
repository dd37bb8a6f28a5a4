import DescentCodegen
import DescentGraph

/// Runs reduction kernels: blocks of the prologue, combined in the order that `Reduction` documents.
struct PortableReduction {
  let kind: Reduction.Kind
  let dataType: DataType
  let outer: Int
  let extent: Int
  let inner: Int
  var machine: BlockMachine
  let target: UnsafeMutableRawPointer

  /// The number of columns that are combined side by side.
  static let columnBlock = 64

  /// Returns the scratch memory a thread needs for partial results of a row of chunks, in bytes.
  static func scratchBytes(extent: Int) -> Int {
    // One block of accumulators a level of the tree of chunks, and one for the leaves.
    let levels = Int.bitWidth - (extent / Reduction.columnChunk + 1).leadingZeroBitCount + 2
    return levels * columnBlock * 8 + Reduction.maximumLanes * 8
  }

  /// Reduces the rows `range` of the outer axis.
  func runRows(_ range: Range<Int>) {
    if kind == .argMax || kind == .argMin { return forEachType(RowIndexBody(range: range)) }
    forEachType(RowBody(range: range))
  }

  /// Reduces the column blocks `range`, counted over the outer axis and the blocks of the inner one.
  func runColumns(_ range: Range<Int>) {
    if kind == .argMax || kind == .argMin { return forEachType(ColumnIndexBody(range: range)) }
    forEachType(ColumnBody(range: range))
  }
}

/// How elements of a lane type meet; lanes are as `BlockMachine` keeps them in slots.
protocol Combination {
  associatedtype Lane
  var identity: Lane { get }
  func combine(_ x: Lane, _ y: Lane) -> Lane
  /// Whether the second element beats the first in a search for an index.
  func beats(_ candidate: Lane, _ best: Lane) -> Bool
}

/// Elements of `f32`.
struct FloatCombination: Combination {
  let kind: Reduction.Kind

  @inline(__always)
  var identity: Float {
    switch kind {
    case .sum, .any, .all: 0
    case .product: 1
    case .max, .argMax: -.infinity
    case .min, .argMin: .infinity
    }
  }

  @inline(__always)
  func combine(_ x: Float, _ y: Float) -> Float {
    switch kind {
    case .sum, .any, .all: x + y
    case .product: x * y
    case .max, .argMax: x.isNaN ? x : (x > y ? x : y)
    case .min, .argMin: x.isNaN ? x : (x < y ? x : y)
    }
  }

  @inline(__always)
  func beats(_ candidate: Float, _ best: Float) -> Bool {
    if best.isNaN { return false }
    return candidate.isNaN || (kind == .argMax ? candidate > best : candidate < best)
  }
}

/// Elements of an integer type, or truth values as 0 and −1.
struct IntegerCombination<Lane: FixedWidthInteger>: Combination {
  let kind: Reduction.Kind
  /// The bits a result keeps: all, or those of a byte.
  let mask: Lane
  let least: Lane
  let greatest: Lane

  @inline(__always)
  var identity: Lane {
    switch kind {
    case .sum, .any: 0
    case .all: -1
    case .product: 1
    case .max, .argMax: least
    case .min, .argMin: greatest
    }
  }

  @inline(__always)
  func combine(_ x: Lane, _ y: Lane) -> Lane {
    switch kind {
    case .sum: (x &+ y) & mask
    case .product: (x &* y) & mask
    case .any: x | y
    case .all: x & y
    case .max, .argMax: x > y ? x : y
    case .min, .argMin: x < y ? x : y
    }
  }

  @inline(__always)
  func beats(_ candidate: Lane, _ best: Lane) -> Bool {
    kind == .argMax ? candidate > best : candidate < best
  }
}

/// A piece of work that is written once for all lane types.
private protocol ReductionBody {
  func run<C: Combination>(_ reduction: PortableReduction, _ combination: C)
}

extension PortableReduction {
  private func forEachType(_ body: some ReductionBody) {
    switch dataType {
    case .f32: body.run(self, FloatCombination(kind: kind))
    case .i64:
      body.run(
        self, IntegerCombination<Int64>(kind: kind, mask: -1, least: .min, greatest: .max))
    case .u8:
      body.run(self, IntegerCombination<Int32>(kind: kind, mask: 0xff, least: 0, greatest: 0xff))
    case .i32, .bool:
      body.run(
        self, IntegerCombination<Int32>(kind: kind, mask: -1, least: .min, greatest: .max))
    case .f64: preconditionFailure("f64 is not compiled")
    }
  }

  /// Stores lanes as elements of the result's type.
  fileprivate func store<Lane>(_ lanes: UnsafeMutablePointer<Lane>, at position: Int, _ count: Int)
  {
    switch dataType {
    case .f32, .i32, .i64, .f64:
      let width = MemoryLayout<Lane>.size
      (target + width * position).copyMemory(from: lanes, byteCount: width * count)
    case .u8, .bool:
      let from = UnsafeMutableRawPointer(lanes).assumingMemoryBound(to: Int32.self)
      let to = (target + position).assumingMemoryBound(to: UInt8.self)
      let mask: Int32 = dataType == .bool ? 1 : 0xff
      for lane in 0..<count { to[lane] = UInt8(truncatingIfNeeded: from[lane] & mask) }
    }
  }

  /// Combines values as a tree: value i with value i + s, s the greatest power of two below the count.
  @inline(__always)
  fileprivate func tree<C: Combination>(
    _ values: UnsafeMutablePointer<C.Lane>, _ count: Int, _ combination: C
  ) {
    var count = count
    while count > 1 {
      let half = 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount)
      for index in 0..<count - half {
        values[index] = combination.combine(values[index], values[index + half])
      }
      count = half
    }
  }
}

// MARK: - Rows

private struct RowBody: ReductionBody {
  let range: Range<Int>

  func run<C: Combination>(_ reduction: PortableReduction, _ combination: C) {
    let chunks = max(1, (reduction.extent + Reduction.rowChunk - 1) / Reduction.rowChunk)
    for row in range {
      var value = chunk(0, 1, chunks, row, reduction, combination)
      withUnsafeMutablePointer(to: &value) { reduction.store($0, at: row, 1) }
    }
  }

  /// Returns chunk `index` after it has met those at distances of `step` and more, as the tree asks.
  ///
  /// The recursion is as deep as the logarithm of the number of chunks.
  private func chunk<C: Combination>(
    _ index: Int, _ step: Int, _ chunks: Int, _ row: Int, _ reduction: PortableReduction,
    _ combination: C
  ) -> C.Lane {
    guard step < chunks else { return leaf(index, row, reduction, combination) }
    let left = chunk(index, 2 * step, chunks, row, reduction, combination)
    guard index + step < chunks else { return left }
    let right = chunk(index + step, 2 * step, chunks, row, reduction, combination)
    return combination.combine(left, right)
  }

  private func leaf<C: Combination>(
    _ index: Int, _ row: Int, _ reduction: PortableReduction, _ combination: C
  ) -> C.Lane {
    let start = index * Reduction.rowChunk
    let end = min(start + Reduction.rowChunk, reduction.extent)
    var lanes = 1
    while lanes < end - start, lanes < Reduction.maximumLanes { lanes *= 2 }
    let accumulators = reduction.machine.scratch.partials.assumingMemoryBound(to: C.Lane.self)
    for lane in 0..<lanes { accumulators[lane] = combination.identity }
    let elements = reduction.machine.result.assumingMemoryBound(to: C.Lane.self)
    var position = start
    while position < end {
      // A block holds a whole number of turns through the lanes.
      let count = min(BlockMachine.blockSize, end - position)
      reduction.machine.run(row * reduction.extent + position, count)
      var offset = 0
      while offset < count {
        let width = min(lanes, count - offset)
        for lane in 0..<width {
          accumulators[lane] = combination.combine(accumulators[lane], elements[offset + lane])
        }
        offset += width
      }
      position += count
    }
    reduction.tree(accumulators, lanes, combination)
    return accumulators[0]
  }
}

private struct RowIndexBody: ReductionBody {
  let range: Range<Int>

  func run<C: Combination>(_ reduction: PortableReduction, _ combination: C) {
    let elements = reduction.machine.result.assumingMemoryBound(to: C.Lane.self)
    let indices = reduction.target.assumingMemoryBound(to: Int32.self)
    for row in range {
      var (best, winner) = (combination.identity, -1)
      var position = 0
      while position < reduction.extent {
        let count = min(BlockMachine.blockSize, reduction.extent - position)
        reduction.machine.run(row * reduction.extent + position, count)
        for lane in 0..<count
        where winner < 0 || combination.beats(elements[lane], best) {
          (best, winner) = (elements[lane], position + lane)
        }
        position += count
      }
      indices[row] = Int32(truncatingIfNeeded: winner)
    }
  }
}

// MARK: - Columns

extension PortableReduction {
  /// Returns the outer index, first column and width of a block of columns.
  fileprivate func columns(_ unit: Int) -> (outer: Int, first: Int, count: Int) {
    let blocks = (inner + PortableReduction.columnBlock - 1) / PortableReduction.columnBlock
    let first = unit % blocks * PortableReduction.columnBlock
    return (unit / blocks, first, min(PortableReduction.columnBlock, inner - first))
  }
}

private struct ColumnBody: ReductionBody {
  let range: Range<Int>

  func run<C: Combination>(_ reduction: PortableReduction, _ combination: C) {
    let chunks = max(1, (reduction.extent + Reduction.columnChunk - 1) / Reduction.columnChunk)
    let accumulators = reduction.machine.scratch.partials.assumingMemoryBound(to: C.Lane.self)
    for unit in range {
      let block = reduction.columns(unit)
      chunk(0, 1, chunks, block, accumulators, reduction, combination)
      let position = block.outer * reduction.inner + block.first
      reduction.store(accumulators, at: position, block.count)
    }
  }

  /// Leaves chunk `index`, after it has met those at distances of `step` and more, in the accumulators.
  ///
  /// The recursion is as deep as the logarithm of the number of chunks; each level has its own accumulators.
  private func chunk<C: Combination>(
    _ index: Int, _ step: Int, _ chunks: Int, _ block: (outer: Int, first: Int, count: Int),
    _ accumulators: UnsafeMutablePointer<C.Lane>, _ reduction: PortableReduction, _ combination: C
  ) {
    guard step < chunks else {
      return leaf(index, block, accumulators, reduction, combination)
    }
    chunk(index, 2 * step, chunks, block, accumulators, reduction, combination)
    guard index + step < chunks else { return }
    let others = accumulators + PortableReduction.columnBlock
    chunk(index + step, 2 * step, chunks, block, others, reduction, combination)
    for lane in 0..<block.count {
      accumulators[lane] = combination.combine(accumulators[lane], others[lane])
    }
  }

  private func leaf<C: Combination>(
    _ index: Int, _ block: (outer: Int, first: Int, count: Int),
    _ accumulators: UnsafeMutablePointer<C.Lane>, _ reduction: PortableReduction, _ combination: C
  ) {
    let start = index * Reduction.columnChunk
    let end = min(start + Reduction.columnChunk, reduction.extent)
    for lane in 0..<block.count { accumulators[lane] = combination.identity }
    let elements = reduction.machine.result.assumingMemoryBound(to: C.Lane.self)
    for row in start..<max(start, end) {
      let element = (block.outer * reduction.extent + row) * reduction.inner + block.first
      reduction.machine.run(element, block.count)
      for lane in 0..<block.count {
        accumulators[lane] = combination.combine(accumulators[lane], elements[lane])
      }
    }
  }
}

private struct ColumnIndexBody: ReductionBody {
  let range: Range<Int>

  func run<C: Combination>(_ reduction: PortableReduction, _ combination: C) {
    let best = reduction.machine.scratch.partials.assumingMemoryBound(to: C.Lane.self)
    let elements = reduction.machine.result.assumingMemoryBound(to: C.Lane.self)
    for unit in range {
      let block = reduction.columns(unit)
      let position = block.outer * reduction.inner + block.first
      let indices = reduction.target.assumingMemoryBound(to: Int32.self) + position
      for row in 0..<reduction.extent {
        let element = (block.outer * reduction.extent + row) * reduction.inner + block.first
        reduction.machine.run(element, block.count)
        for lane in 0..<block.count
        where row == 0 || combination.beats(elements[lane], best[lane]) {
          best[lane] = elements[lane]
          indices[lane] = Int32(truncatingIfNeeded: row)
        }
      }
    }
  }
}

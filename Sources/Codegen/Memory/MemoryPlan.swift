/// The parts of a session's memory.
package enum Segment: Int, Hashable, Sendable, Codable, CaseIterable {
  /// Elements known at compile time; never written.
  case constants
  /// Parameters and states, contiguous, so that one copy is a checkpoint.
  case state
  /// Inputs and outputs, which the caller touches between runs.
  case io
  /// Everything that lives within one run.
  case arena
  /// What a session's preparation leaves to its runs.
  case prepared
}

/// Where every buffer lies.
package struct MemoryPlan: Hashable, Sendable, Codable {
  /// A place for one buffer.
  package struct Placement: Hashable, Sendable, Codable {
    package var segment: Segment
    package var offset: Int
    package var byteCount: Int
  }

  /// The place of each buffer, by number.
  package var placements: [Placement]
  /// The size of each segment, in the order of `Segment`.
  package var segmentBytes: [Int]
  /// The least bytes any plan of these kernels in this order could use for the arena.
  package var arenaLowerBound: Int
  /// The kernel at which the most bytes are live; of several in a wave the first.
  package var peakKernel: Int
  /// The strategy that found the plan.
  package var strategy: String
  /// For each kernel, which of its in-place pairs share their memory.
  package var inPlace: [[Kernel.InPlace]]

  /// Every offset is a multiple of this many bytes: a cache line.
  package static let alignment = 64
  /// The bytes kept free behind each buffer when red zones are asked for.
  package static let redZone = 64

  /// The bytes of the arena.
  package var arenaBytes: Int { segmentBytes[Segment.arena.rawValue] }
  /// The bytes of what is kept from run to run beside the state.
  package var preparedBytes: Int { segmentBytes[Segment.prepared.rawValue] }

  /// From this size on a result has left the caches before it is read again, so stores need not fill them.
  private static let streamedByteCount = 4 << 20

  /// Returns, for each kernel, the large operands it writes and does not read, neither there nor in place.
  func streamedOperands(of kernels: [Kernel]) -> [Set<Int>] {
    zip(kernels, inPlace).map { kernel, inPlace in
      // What is left strip by strip is near when it is read.
      if case .strips = kernel.body { return [] }
      let read = Set(kernel.operands.lazy.filter { $0.access == .read }.map(\.buffer))
      return Set(
        kernel.operands.indices.filter { position in
          let operand = kernel.operands[position]
          return operand.access == .write && !read.contains(operand.buffer)
            && operand.bytes.count >= MemoryPlan.streamedByteCount
            && operand.bytes.lowerBound % MemoryPlan.alignment == 0
            && !inPlace.contains { $0.written == position }
        })
    }
  }

  /// Returns a size rounded up to the alignment.
  package static func aligned(_ byteCount: Int) -> Int {
    (byteCount + alignment - 1) / alignment * alignment
  }
}

extension MemoryPlan {
  /// Plans the memory of a list of kernels.
  ///
  /// Several placement strategies compete; the smallest arena wins. The result is checked by `PlanDump.check`,
  /// which knows nothing of how it was found.
  ///
  /// - Parameters:
  ///   - lowered: The kernels and their buffers.
  ///   - startsWave: For each kernel, whether it begins when those before it have ended; else it runs beside them.
  ///   - redZones: Whether bytes are kept free behind each buffer.
  /// - Complexity: O(b·l) for b temporaries of which l are live at a time; O(b²) for few, where all orders are tried.
  package init(planning lowered: LoweredGraph, startsWave: [Bool], redZones: Bool = false) {
    var planner = MemoryPlanner(
      lowered: lowered, startsWave: startsWave, padding: redZones ? MemoryPlan.redZone : 0)
    self = planner.run()
  }

  /// Returns the least bytes that any plan of some kernels, one after the other, could use for the arena, and the bytes
  /// in use summed over all kernels.
  static func need(of lowered: LoweredGraph) -> (peak: Int, life: Int) {
    var planner = MemoryPlanner(lowered: lowered, startsWave: lowered.singleWaves, padding: 0)
    planner.findRanges()
    planner.makeBlocks()
    let life = planner.blocks.reduce(0) {
      $0 + $1.byteCount * ($1.range.last - $1.range.first + 1)
    }
    return (planner.largestLiveSet().bytes, life)
  }
}

/// The waves between which a piece of memory is in use, both included.
private struct LiveRange {
  var first: Int
  var last: Int

  func overlaps(_ other: LiveRange) -> Bool { first <= other.last && other.first <= last }
}

private struct MemoryPlanner {
  let lowered: LoweredGraph
  let padding: Int
  /// The wave of each kernel.
  let waves: [Int]
  /// The live range of each temporary buffer.
  var ranges: [LiveRange?]
  /// Pieces of the arena; buffers that take each other's place share one.
  var blocks: [Block] = []
  var blockOf: [Int?]
  var inPlace: [[Kernel.InPlace]]

  struct Block {
    var range: LiveRange
    var byteCount: Int
    var offset = 0
  }

  init(lowered: LoweredGraph, startsWave: [Bool], padding: Int) {
    self.lowered = lowered
    self.padding = padding
    var wave = -1
    waves = startsWave.map { starts in
      if starts { wave += 1 }
      return wave
    }
    ranges = Array(repeating: nil, count: lowered.buffers.count)
    blockOf = Array(repeating: nil, count: lowered.buffers.count)
    inPlace = Array(repeating: [], count: lowered.kernels.count)
  }

  mutating func run() -> MemoryPlan {
    findRanges()
    makeBlocks()
    let (lowerBound, peak) = largestLiveSet()
    let (strategy, size) = placeBlocks(lowerBound: lowerBound)
    var sizes = [0, 0, 0, size, 0]
    let placements = lowered.buffers.indices.map { place($0, &sizes) }
    return MemoryPlan(
      placements: placements, segmentBytes: sizes, arenaLowerBound: lowerBound, peakKernel: peak,
      strategy: strategy, inPlace: inPlace)
  }

  mutating func findRanges() {
    for (index, kernel) in lowered.kernels.enumerated() {
      for operand in kernel.operands where lowered.buffers[operand.buffer].role == .temporary {
        let first = ranges[operand.buffer]?.first ?? waves[index]
        ranges[operand.buffer] = LiveRange(first: first, last: waves[index])
      }
    }
  }

  /// Gives every temporary a block, letting results take the place of operands that die with them.
  mutating func makeBlocks() {
    for (index, kernel) in lowered.kernels.enumerated() {
      /// The blocks that results of this kernel have taken over; those that only its tails read end with it too.
      var taken: Set<Int> = []
      for operand in kernel.operands where operand.access != .read {
        guard let range = ranges[operand.buffer] else {
          keepPairsWithin(kernel, index)
          continue
        }
        guard blockOf[operand.buffer] == nil else { continue }
        let bytes = MemoryPlan.aligned(lowered.buffers[operand.buffer].byteCount) + padding
        if let (pair, block) = dyingOperand(of: kernel, index, for: operand.buffer, bytes),
          taken.insert(block).inserted
        {
          blocks[block].range.last = range.last
          blockOf[operand.buffer] = block
          inPlace[index].append(pair)
        } else {
          blocks.append(Block(range: range, byteCount: bytes))
          blockOf[operand.buffer] = blocks.count - 1
        }
      }
    }
  }

  /// Notes the pairs through which a kernel overwrites a state it reads.
  private mutating func keepPairsWithin(_ kernel: Kernel, _ index: Int) {
    for pair in kernel.inPlace
    where kernel.operands[pair.read].buffer == kernel.operands[pair.written].buffer {
      if !inPlace[index].contains(pair) { inPlace[index].append(pair) }
    }
  }

  private func dyingOperand(
    of kernel: Kernel, _ index: Int, for buffer: BufferID, _ bytes: Int
  ) -> (pair: Kernel.InPlace, block: Int)? {
    for pair in kernel.inPlace where kernel.operands[pair.written].buffer == buffer {
      let candidate = kernel.operands[pair.read].buffer
      guard candidate != buffer, let block = blockOf[candidate],
        ranges[candidate]?.last == waves[index], blocks[block].range.last == waves[index],
        blocks[block].byteCount == bytes, !isTouchedBeside(index, candidate)
      else { continue }
      return (pair, block)
    }
    return nil
  }

  /// Whether another kernel of the same wave touches a buffer.
  private func isTouchedBeside(_ index: Int, _ buffer: BufferID) -> Bool {
    let touches = { (other: Int) in
      lowered.kernels[other].operands.contains { $0.buffer == buffer }
    }
    return waves[..<index].indices.reversed().prefix { waves[$0] == waves[index] }
      .contains(where: touches)
      || waves[(index + 1)...].indices.prefix { waves[$0] == waves[index] }.contains(where: touches)
  }

  func largestLiveSet() -> (bytes: Int, kernel: Int) {
    var change = [Int](repeating: 0, count: (waves.last ?? 0) + 2)
    for block in blocks {
      change[block.range.first] += block.byteCount
      change[block.range.last + 1] -= block.byteCount
    }
    var (live, best, peak) = (0, 0, 0)
    for (wave, delta) in change.enumerated() {
      live += delta
      if live > best { (best, peak) = (live, wave) }
    }
    return (best, waves.firstIndex(of: peak) ?? 0)
  }

  /// Tries each strategy until one meets the lower bound, and keeps the smallest result.
  private mutating func placeBlocks(lowerBound: Int) -> (strategy: String, size: Int) {
    var best: (name: String, size: Int, offsets: [Int])?
    search: for (name, order) in orders() {
      for bestFit in [true, false] {
        let (size, offsets) = place(order, bestFit: bestFit, inKernelOrder: name == Self.byKernel)
        if best == nil || size < best!.size {
          best = ("\(name), \(bestFit ? "best fit" : "lowest offset")", size, offsets)
        }
        if size == lowerBound { break search }
      }
    }
    for (index, offset) in (best?.offsets ?? []).enumerated() { blocks[index].offset = offset }
    return (best?.name ?? "none", best?.size ?? 0)
  }

  private static let byKernel = "in kernel order"
  /// The number of blocks above which only the cheapest order is tried; the others compare all with all.
  private static let searchLimit = 4096

  private func orders() -> [(name: String, order: [Int])] {
    let length = { (block: Block) in block.range.last - block.range.first + 1 }
    let descending = { (key: (Block) -> Int) in
      let keys = blocks.map(key)
      return blocks.indices.sorted { (keys[$1], $0) < (keys[$0], $1) }
    }
    let inKernelOrder = (Self.byKernel, Array(blocks.indices))
    guard blocks.count <= Self.searchLimit else { return [inKernelOrder] }
    return [
      inKernelOrder,
      ("largest first", descending { $0.byteCount }),
      ("longest-lived first", descending(length)),
      ("largest area first", descending { $0.byteCount * length($0) }),
    ]
  }

  private func place(
    _ order: [Int], bestFit: Bool, inKernelOrder: Bool
  ) -> (size: Int, offsets: [Int]) {
    var offsets = [Int](repeating: 0, count: blocks.count)
    // Placed blocks by offset; those a new block does not meet in time are passed over.
    var placed: [Int] = []
    var size = 0
    for index in order {
      let block = blocks[index]
      if inKernelOrder { placed.removeAll { blocks[$0].range.last < block.range.first } }
      var end = 0
      var choice: (offset: Int, gap: Int)?
      for other in placed where blocks[other].range.overlaps(block.range) {
        let gap = offsets[other] - end
        if gap >= block.byteCount, choice == nil || (bestFit && gap < choice!.gap) {
          choice = (end, gap)
          if !bestFit { break }
        }
        end = max(end, offsets[other] + blocks[other].byteCount)
      }
      let offset = choice?.offset ?? end
      offsets[index] = offset
      size = max(size, offset + block.byteCount)
      placed.insert(index, at: placed.partitioningIndex { offsets[$0] > offset })
    }
    return (size, offsets)
  }

  private func place(_ buffer: BufferID, _ sizes: inout [Int]) -> MemoryPlan.Placement {
    let byteCount = lowered.buffers[buffer].byteCount
    let segment: Segment
    switch lowered.buffers[buffer].role {
    case .constant: segment = .constants
    case .state: segment = .state
    case .input, .output: segment = .io
    case .prepared: segment = .prepared
    case .temporary:
      let offset = blockOf[buffer].map { blocks[$0].offset } ?? 0
      return MemoryPlan.Placement(segment: .arena, offset: offset, byteCount: byteCount)
    }
    let offset = sizes[segment.rawValue]
    sizes[segment.rawValue] += MemoryPlan.aligned(byteCount)
    return MemoryPlan.Placement(segment: segment, offset: offset, byteCount: byteCount)
  }
}

extension [Int] {
  /// Returns the first position whose element satisfies a predicate that, once true, stays true.
  fileprivate func partitioningIndex(where predicate: (Int) -> Bool) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = (low + high) / 2
      if predicate(self[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

import DescentGraph

/// Writes the code of contraction kernels.
///
/// The result is cut into row tiles and column panels. One tile of one panel stays in registers while k runs: for
/// every k, the panel's vectors are loaded once, and each row's factor is repeated over a vector and meets them in
/// fused multiply-adds. Where k is long it runs in blocks, and the sums of all tiles of a block are put aside between
/// them: those of the present chunk of k, and those of the chunks before. So each element takes its products in the
/// order that `Contraction` asks for. In the end the epilogue runs on the registers, or on sums in memory, perhaps
/// while the next panel's products are taken, and what it gives is stored.
///
/// ```
/// for each unit: a part of a product        its bounds are in a table
///   for each block of columns               packed, it stays in the second-level cache
///     for each block of tiles               its sums stay near
///       for each block of k
///         for each tile                     its rows stay in the first-level cache
///           for each panel                  r11: first column
/// ```
///
/// The variables of the loops lie in the frame. Within a tile, `r8` is the left factor, `r9` the panel, `r10` where the
/// panel is packed, or sums that lie in memory, `rcx` k, `rsi` the distance to rows that are prefetched, and `rax` and
/// `rdx` are temporaries.
struct NativeContraction {
  let kernel: ContractionKernel
  let problem: ContractionProblem
  let schedule: ContractionSchedule
  let isWide: Bool
  /// Whether what the epilogue reads and stores is asked for row by row while products are taken, as memory brings it:
  /// so many lines at once would have to wait for each other, and the products for them.
  let asksBetweenTerms: Bool
  /// Whether a tile fetches the next one's columns of the left factor while products are taken.
  let fetchesColumns: Bool
  /// What happens to sums; nil where there are none.
  let epilogue: ContractionEpilogue?
  /// For each line of an image's windows, which lines of their elements lie within the operand, if any does not.
  let masks: [UInt64]?
  /// Where the windows lie that find elements, if sums are over windows and not all find each.
  let table: WindowTable?

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  ///
  /// The address of the cell that takes faults lies among those of the operands at `faultCell`. Stores to streamed
  /// operands may pass the caches by.
  init?(
    _ kernel: ContractionKernel, faultCell: Int, streamed: Set<Int>, isWide: Bool,
    _ threads: ThreadShare, _ caches: CacheSizes
  ) {
    guard let problem = ContractionProblem(kernel, width: isWide ? 16 : 8, caches: caches)
    else { return nil }
    self.kernel = kernel
    self.isWide = isWide
    self.problem = problem
    masks = problem.margins.flatMap { margins in
      if margins.sumsWindows { return nil }
      let all = UInt64.max >> (UInt64.bitWidth - margins.lines)
      let masks = margins.masks
      return masks.contains { $0 != all } ? masks : nil
    }
    // Elements of a tile are reached by displacements of 32 bits.
    let steps = [
      problem.leftStrides.m, problem.leftStrides.k, problem.rightStrides.k, problem.rightStrides.n,
    ]
    guard problem.hasReadablePanels else { return nil }
    guard max(problem.n, problem.k) < 1 << 20, problem.m < 1 << 31,
      problem.rowLength < 1 << 24,
      steps.allSatisfy({ abs($0) < 1 << 25 }),
      // So are runs, but not packed panels and their blocks.
      [problem.left.kept, problem.left.summed].allSatisfy({ $0.isNear }),
      problem.isRightPacked || problem.right.summed.isNear
    else { return nil }
    schedule = ContractionSchedule(
      problem, isWide: isWide, threads: threads.threads(for: problem.work))
    // Behind long sums the time of stores does not count, and other tiles' lines are near still.
    let mayStream =
      !schedule.isDeep && problem.n % schedule.tile.width == 0
      && kernel.stores.allSatisfy { streamed.contains($0.operand) }
    fetchesColumns = schedule.fetchesColumns(problem)
    // Runs of terms that are transposed in squares end with a block.
    guard problem.margins == nil || problem.right.summed.isEven || schedule.depth % 16 == 0 else {
      return nil
    }
    if let margins = problem.margins, let images = schedule.images {
      let step = schedule.packsRight ? 4 * schedule.tile.columns : problem.rightStrides.k
      table = WindowTable(margins, images, schedule.tile, rightStep: step)
      if table == nil { return nil }
    } else {
      table = nil
    }
    guard !problem.isEmpty else {
      (epilogue, asksBetweenTerms) = (nil, false)
      return
    }
    let asksForResults = schedule.hasTermsForRows(problem, each: 4)
    // A single row has no stops between terms, and a single panel no products of the next to run beside.
    let mayBeDeferred =
      problem.m > 1 && problem.n >= 2 * schedule.tile.columns
      && schedule.hasTermsForRows(problem, each: schedule.isDeep ? 4 : 1)
    guard
      let epilogue = ContractionEpilogue(
        kernel, problem, faultCell: faultCell, isWide: isWide, vectors: schedule.tile.freeVectors,
        mayBeDeferred: mayBeDeferred, mayStream: mayStream, asksForResults: asksForResults)
    else { return nil }
    self.epilogue = epilogue
    asksBetweenTerms = asksForResults || epilogue.isDeferred
  }

  var tile: ContractionTile { schedule.tile }
  var width: Int { tile.width }
  func vector(_ number: Int) -> Register { isWide ? .zmm(number) : .ymm(number) }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: spillBytes + 8 * (Local.streams + 4 * streamCount))
    frame.enter(&assembler)
    if !problem.isEmpty { writeUnits(&assembler) }
    // Streamed stores may still be on their way when others are told that the kernel has ended.
    if epilogue?.streamsResults == true { assembler.emit(.sfence) }
    frame.leave(&assembler)
    let units = problem.batch * schedule.parts.count
    return NativeKernel(
      grid: TileGrid(
        units: problem.isEmpty ? 0 : units, workPerUnit: problem.work / max(1, units) + 1),
      scratchBytes: scratchBytes)
  }
}

// MARK: - Memory

extension NativeContraction {
  /// The variables of the loops, each in 8 bytes of the frame.
  enum Local: Int {
    case scratch, unit, endUnit, operands
    // Of the unit.
    case batch, part, left, right, firstTile, endTile, firstColumn, endColumn
    // Of the blocks.
    case blockColumn, endBlockColumn, blockTile, endBlockTile, start, depth, endChunk, isFirst
    case endsChunk, isLast, rightBlock, sums, leftRun, leftPlace, rightRun, rightPlace, images
    // Of the tile.
    case tile, tileRun, lineMask, firstRun, lastRun, row, tileLeft, nextRows, nextColumns
    case nextCopy, termsToFetch, firstCopied, endCopied, rowsAhead, panel, panelSums
    // Of the next block.
    case prefetched, prefetchStep, prefetchLines
    // Of the epilogue: rows that it has not finished; terms that are left, and how many of them are taken before it
    // asks for the next row, or finishes one.
    case rowsLeft, termsLeft, termsAtOnce

    /// The addresses of the epilogue's streams follow.
    static let streams = Local.termsAtOnce.rawValue + 1
  }

  private var spillBytes: Int { epilogue?.spillBytes ?? 0 }
  private var streamCount: Int { epilogue?.streams.count ?? 0 }

  func local(_ local: Local) -> Memory { slot(local.rawValue) }

  /// The place of a stream's address for this product, or of how far along an axis its first element is.
  func stream(_ index: Int) -> Memory { slot(Local.streams + index) }
  /// The place of the address of what is asked for next of a stream.
  func next(_ index: Int) -> Memory { slot(Local.streams + 3 * streamCount + index) }
  /// The place of a stream's address for the tile that is finished, where there is no register for it.
  func address(_ index: Int) -> Memory { slot(Local.streams + 2 * streamCount + index) }
  /// The place of a vector's place along an axis.
  func place(_ index: Int) -> Memory { slot(Local.streams + streamCount + index) }

  private func slot(_ index: Int) -> Memory {
    .at(.rsp, NativeFrame.localBytes + spillBytes + 8 * index)
  }

  func load(_ name: Local, to register: Register, _ assembler: inout Assembler) {
    assembler.emit(.mov, register, local(name))
  }

  func store(_ register: Register, to name: Local, _ assembler: inout Assembler) {
    assembler.emit(.mov, local(name), register)
  }

  func set(_ name: Local, to value: Int, _ assembler: inout Assembler) {
    assembler.move(value, to: .rax)
    store(.rax, to: name, &assembler)
  }

  /// Packed panels lie at the start of scratch memory, then a tile's packed rows or the columns of some, then sums that
  /// were put aside, then those of one tile.
  var leftOffset: Int {
    schedule.packsRight ? schedule.blockColumns / tile.columns * schedule.panelBytes : 0
  }
  var sumsOffset: Int {
    switch schedule.leftPacking {
    case .none: leftOffset
    case .rows: leftOffset + tile.tallest * tileStrides.m
    case .columns: leftOffset + columnBytes
    }
  }

  /// The distances in bytes between a tile's neighbours along m and k as the loop over k reads them.
  var tileStrides: (m: Int, k: Int) {
    switch schedule.leftPacking {
    case .none: problem.leftStrides
    // A line more keeps rows apart in the cache.
    case .rows: (4 * schedule.depth + 64, 4)
    case .columns: (4, 4 * width)
    }
  }

  /// The bytes of a block's sums.
  private var blockBytes: Int {
    tile.byteCount * schedule.blockTiles * (schedule.blockColumns / tile.columns)
  }
  /// How far behind the sums of the present chunk those of all before lie, if both are put aside.
  var totalsDistance: Int { schedule.hasSeveralBlocks ? blockBytes : 0 }
  /// Where a tile's sums lie while the epilogue runs over them.
  var tileOffset: Int {
    sumsOffset + (schedule.isDeep ? totalsDistance + blockBytes : 0)
  }
  private var scratchBytes: Int { tileOffset + (epilogue?.readsSums == true ? tile.byteCount : 0) }
}

/// The columns that a tile covers: whole vectors and perhaps a partial one.
struct Panel {
  let columns: Int
  let width: Int

  /// The vectors, the partial one among them.
  var vectors: Int { (columns + width - 1) / width }
  /// Whether the last vector is partial.
  var isPartial: Bool { columns % width != 0 }

  /// The columns of a vector.
  func count(_ vector: Int) -> Int { isPartial(vector) ? columns % width : width }

  /// Whether a vector is the partial one.
  func isPartial(_ vector: Int) -> Bool { isPartial && vector == vectors - 1 }
}

// What the next block reads of a large right factor is prefetched while this block's tiles multiply.
//
// The first tile of a block meets all of its panels, one right after the other, faster than memory brings them; the
// other tiles find them in the cache. With few tiles, the first one's waiting weighs. Behind a product's last block the
// next product's first is asked for, where each has a right factor of its own. Where the first tile does not copy, but
// rows are copied before it, lines are asked for along rows too.
//
// The rows of the next tile are prefetched: each panel asks for some of them.
//
// With 256-bit vectors, what stays in the third-level cache is prefetched only where little is done between one part of
// it and the next: rows for few panels, and right factors of which each product has its own.
//
// What a tile's epilogue reads and stores is prefetched while its last products are taken.

extension NativeContraction {
  /// Has tiles prefetch nothing new: one line, again and again, or those at the start of scratch memory.
  func writeNoPrefetch(_ assembler: inout Assembler) {
    load(.scratch, to: .rax, &assembler)
    store(.rax, to: .prefetched, &assembler)
    set(.prefetchStep, to: 0, &assembler)
    set(.prefetchLines, to: 0, &assembler)
  }

  /// Has tiles from `rax` on prefetch the next block, if that is the first of those in the middle, or nothing, if it is
  /// the first behind them.
  ///
  /// Leaves `rax` as it is. Tiles in the middle are the least likely to leave terms out.
  func writeFirstPrefetch(_ assembler: inout Assembler) {
    let (isEnough, isFirst, isEarly, sameColumns, done) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel(),
      assembler.makeLabel()
    )
    let strides = problem.rightStrides
    let isLastOfProduct = assembler.makeLabel()
    // The next unit is the next product.
    let goesOn = problem.hasManyRights && schedule.parts.count == 1
    load(.endBlockTile, to: .rcx, &assembler)
    assembler.emit(.sub, .rcx, local(.blockTile))
    assembler.emit(.sub, .rcx, schedule.prefetchingTiles)
    assembler.emit(.jge, isEnough)
    assembler.emit(.xor, .ecx, .ecx)
    assembler.bind(isEnough)
    assembler.emit(.sar, .rcx, 1)
    assembler.emit(.add, .rcx, local(.blockTile))
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.je, isFirst)
    assembler.emit(.add, .rcx, schedule.prefetchingTiles)
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.jne, done)
    writeNoPrefetch(&assembler)
    load(.tile, to: .rax, &assembler)
    assembler.emit(.jmp, done)
    assembler.bind(isFirst)
    load(.blockColumn, to: .rcx, &assembler)
    if schedule.isDeep {
      load(.isLast, to: .rdx, &assembler)
      assembler.emit(.test, .rdx, .rdx)
      assembler.emit(.je, isEarly)
    }
    // Blocks of k begin anew: for other rows, or with the next columns.
    load(.right, to: .r8, &assembler)
    load(.endBlockTile, to: .rdx, &assembler)
    assembler.emit(.cmp, .rdx, local(.endTile))
    assembler.emit(.jl, sameColumns)
    load(.endBlockColumn, to: .rcx, &assembler)
    assembler.emit(.cmp, .rcx, local(.endColumn))
    assembler.emit(.jge, goesOn ? isLastOfProduct : done)
    assembler.emit(.jmp, sameColumns)
    if goesOn {
      assembler.bind(isLastOfProduct)
      assembler.move(problem.nextRight, to: .rdx)
      assembler.emit(.add, .r8, .rdx)
      load(.firstColumn, to: .rcx, &assembler)
      assembler.emit(.jmp, sameColumns)
    }
    assembler.bind(isEarly)
    if schedule.isDeep {
      load(.rightBlock, to: .r8, &assembler)
      assembler.move(problem.rightTerm, to: .rdx)
      assembler.emit(.imul, .rdx, local(.depth))
      assembler.emit(.add, .r8, .rdx)
    }
    assembler.bind(sameColumns)
    assembler.move(problem.rightColumn, to: .rdx)
    assembler.emit(.imul, .rcx, .rdx)
    assembler.emit(.add, .r8, .rcx)
    store(.r8, to: .prefetched, &assembler)
    // Lines of a packed panel follow one another; of others a panel's products ask for one in so many.
    let step = problem.isRightPacked ? strides.k : schedule.termsPerLine * strides.k
    set(.prefetchStep, to: problem.transposeRight ? strides.n : step, &assembler)
    set(.prefetchLines, to: 0, &assembler)
    load(.tile, to: .rax, &assembler)
    assembler.bind(done)
  }

  /// Sets `r12` to what a loop over k prefetches first, and `r10` to the distance to the next.
  func loadPrefetch(_ assembler: inout Assembler) {
    load(.prefetched, to: .r12, &assembler)
    load(.prefetchStep, to: .r10, &assembler)
  }

  /// Prefetches lines of the next block with some terms, which are one or as many as a loop takes at once; none with
  /// one, where a line is for several.
  func writePrefetchStep(_ terms: Int, _ assembler: inout Assembler) {
    if schedule.copiesRows { return writeRowsPrefetchStep(terms, &assembler) }
    for _ in 0..<(terms / schedule.termsPerLine) {
      assembler.emit(.prefetcht1, .at(.r12))
      assembler.emit(.add, .r12, .r10)
    }
  }

  /// Asks for the panel's lines of a later k than the one so many bytes behind `r9`: rows of the right factor are too
  /// far apart for the processor to foresee.
  func prefetchPanel(_ panel: Panel, _ right: Int, _ assembler: inout Assembler) {
    let ahead = right + 48 * problem.rightStrides.k
    for line in 0..<(4 * panel.columns + 63) / 64 {
      assembler.emit(.prefetcht1, .at(.r9, ahead + distance(ofByte: 64 * line, .inPlace)))
    }
  }

  /// Prefetches the next lines of two rows, every 16th term, of which so many are taken at once.
  private func writeRowsPrefetchStep(_ terms: Int, _ assembler: inout Assembler) {
    let isBetween = assembler.makeLabel()
    assembler.emit(.test, .rcx, 16 - terms)
    assembler.emit(.jne, isBetween)
    let lines = min(4, (schedule.blockColumns + schedule.depth - 1) / schedule.depth)
    for line in 0..<lines {
      assembler.emit(.prefetcht1, .at(.r12, 64 * line))
      assembler.emit(.prefetcht1, .at(.r12, index: .r10, 64 * line))
    }
    assembler.emit(.add, .r12, 64 * lines)
    assembler.bind(isBetween)
  }

  /// Sets `rsi` to the distance from a tile's rows to those behind it that this panel prefetches, or, if the panels
  /// before have prefetched all, to the tile's own.
  func loadRowsAhead(_ rows: Int, _ assembler: inout Assembler) {
    let (areFetched, done) = (assembler.makeLabel(), assembler.makeLabel())
    let step = problem.leftStrides.m
    load(.rowsAhead, to: .rsi, &assembler)
    assembler.move(2 * rows * step, to: .rax)
    assembler.emit(.cmp, .rsi, .rax)
    assembler.emit(.jge, areFetched)
    assembler.move(schedule.rowsAhead * step, to: .rax)
    assembler.emit(.add, local(.rowsAhead), .rax)
    assembler.emit(.jmp, done)
    assembler.bind(areFetched)
    assembler.move(0, to: .rsi)
    assembler.bind(done)
  }

  /// Prefetches a line of each row ahead where this tile's rows come to a new one within so many terms.
  func writeRowsAheadStep(_ terms: Int, _ assembler: inout Assembler) {
    let isInside = assembler.makeLabel()
    assembler.emit(.test, .r8, 64 - 4 * terms)
    assembler.emit(.jne, isInside)
    for row in 0..<schedule.rowsAhead {
      let line = Memory.at(.r8, index: .rsi, row * problem.leftStrides.m)
      assembler.emit(schedule.isDeep ? .prefetcht1 : .prefetcht0, line)
    }
    assembler.bind(isInside)
  }

  /// Goes on to the next line of each k, if all terms have asked for theirs, or, where panels are transposed, of each
  /// column, and after the last one to the columns behind.
  ///
  /// Of packed panels the rest or the next one follows, and where rows are copied, the next two rows.
  func writeNextPrefetch(_ assembler: inout Assembler) {
    let terms = schedule.termsPerLine
    if schedule.copiesRows || problem.isRightPacked {
      load(.prefetchStep, to: .rax, &assembler)
      assembler.emit(.imul, .rax, .rax, schedule.copiesRows ? 2 : schedule.depth / terms)
      assembler.emit(.add, local(.prefetched), .rax)
      return
    }
    let lines = problem.transposeRight ? (4 * schedule.depth + 63) / 64 : terms
    if problem.transposeRight || lines == 1 {
      assembler.emit(.mov, .eax, 64)
    } else {
      load(.prefetchStep, to: .rax, &assembler)
      assembler.emit(.sar, .rax, terms.trailingZeroBitCount)
    }
    assembler.emit(.add, local(.prefetched), .rax)
    guard lines > 1 || problem.transposeRight else { return }
    let isInside = assembler.makeLabel()
    load(.prefetchLines, to: .rax, &assembler)
    assembler.emit(.inc, .rax)
    assembler.emit(.cmp, .rax, lines)
    assembler.emit(.jl, isInside)
    if problem.transposeRight {
      load(.prefetchStep, to: .rax, &assembler)
      assembler.emit(.imul, .rax, .rax, schedule.depth)
      assembler.emit(.sub, .rax, 64 * lines)
    } else {
      assembler.emit(.mov, .eax, 64)
      assembler.emit(.sub, .rax, local(.prefetchStep))
    }
    assembler.emit(.add, local(.prefetched), .rax)
    assembler.emit(.xor, .eax, .eax)
    assembler.bind(isInside)
    store(.rax, to: .prefetchLines, &assembler)
  }
}

// MARK: - What the epilogue reads and stores

extension NativeContraction {
  /// Asks for what the epilogue of this tile will read and store, if it is the turn of the last block of k, or finds
  /// where that lies if the products ask for it.
  ///
  /// Rows are far apart, so the processor does not foresee them; the products leave it time to fetch them.
  func writePrefetch(_ rows: Int, _ panel: Panel, _ assembler: inout Assembler) {
    guard let epilogue, epilogue.asksForMuch else { return }
    let isEarly = assembler.makeLabel()
    if schedule.isDeep {
      load(.isLast, to: .rax, &assembler)
      assembler.emit(.test, .rax, .rax)
      assembler.emit(.je, isEarly)
    }
    load(.row, to: .rax, &assembler)
    epilogue.writePrefetchBases(self, &assembler)
    if !asksBetweenTerms { epilogue.writePrefetch(self, rows: rows, panel, &assembler) }
    assembler.bind(isEarly)
  }

  /// Whether what the epilogue reads and stores is asked for row by row between terms.
  var asksForRows: Bool { asksBetweenTerms && epilogue?.asksForMuch == true }

  /// Whether the last block's terms stop for each row of a tile.
  var stopsForRows: Bool { asksForRows || epilogue?.isDeferred == true }

  /// Adds `rcx` products to the sums, and does what a deferred epilogue has left in between.
  ///
  /// In the last block of k, asks row by row for what the epilogue reads and stores.
  func writeStoppingLoop(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, fetches: Bool,
    _ assembler: inout Assembler
  ) {
    let rows = variant.rows
    guard stopsForRows, let epilogue else {
      return writeLoop(
        0..<rows, of: variant, panel, source, upTo: schedule.depth, fetches: fetches, &assembler)
    }
    let (next, isEarly, fits) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel()
    )
    store(.rcx, to: .termsLeft, &assembler)
    store(.rcx, to: .termsAtOnce, &assembler)
    if schedule.isDeep {
      load(.isLast, to: .rax, &assembler)
      assembler.emit(.test, .rax, .rax)
      assembler.emit(.je, isEarly)
    }
    // The last terms may ask for a row behind the tile, or leave one over.
    set(.termsAtOnce, to: (schedule.lastDepth(problem) + rows / 2) / rows, &assembler)
    assembler.bind(next)
    if asksForRows { epilogue.writePrefetch(self, rows: 1, panel, &assembler) }
    assembler.bind(isEarly)
    load(.termsAtOnce, to: .rcx, &assembler)
    assembler.emit(.cmp, .rcx, local(.termsLeft))
    assembler.emit(.jle, fits)
    load(.termsLeft, to: .rcx, &assembler)
    assembler.bind(fits)
    assembler.emit(.sub, local(.termsLeft), .rcx)
    writeLoop(
      0..<rows, of: variant, panel, source, upTo: schedule.depth, fetches: fetches, &assembler)
    writeDeferredRow(&assembler)
    load(.termsLeft, to: .rax, &assembler)
    assembler.emit(.test, .rax, .rax)
    assembler.emit(.jne, next)
  }
}

extension ContractionSchedule {
  /// Whether products can stop for each row of a tile, after so many terms at least.
  ///
  /// It takes one loop over the terms, which may stop and go on: windows and runs have several, and groups keep count
  /// of where they are.
  func hasTermsForRows(_ problem: ContractionProblem, each count: Int) -> Bool {
    guard problem.margins == nil, problem.narrow == nil, !readsRuns(problem) else { return false }
    return lastDepth(problem) >= count * tile.tallest
  }

  /// Whether the left factor is read in place, from run to run.
  func readsRuns(_ problem: ContractionProblem) -> Bool {
    leftPacking == .none && !problem.left.summed.isEven
  }

  /// The terms of the last block of k.
  func lastDepth(_ problem: ContractionProblem) -> Int {
    guard problem.k > 0 else { return 0 }
    let lastChunk = (problem.k - 1) % problem.chunk + 1
    return (lastChunk - 1) % depth + 1
  }
}

// The loops over a block's terms, which take nearly all of a contraction's time.

extension NativeContraction {
  /// Where a loop over k finds a panel.
  enum Source {
    /// In the right factor.
    case inPlace
    /// In the right factor, from where it is copied on the way.
    case packing
    /// In scratch memory.
    case packed
  }

  /// Runs over the block's terms, from run to run where the left factor is read in place and has several.
  func writeTerms(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, fetches: Bool = false,
    _ assembler: inout Assembler
  ) {
    if schedule.prefetchesNextBlock, source != .packing { loadPrefetch(&assembler) }
    if schedule.rowsAhead > 0, source != .packing { loadRowsAhead(variant.rows, &assembler) }
    if let margins = problem.margins, let blocks = schedule.windows {
      return writeWindows(variant, panel, source, margins, blocks, &assembler)
    }
    if let table, let images = schedule.images {
      return writeRunsOfWindows(variant, panel, source, table, images, &assembler)
    }
    guard schedule.readsRuns(problem) else {
      return writeStoppingLoop(variant, panel, source, fetches: fetches, &assembler)
    }
    let (runs, all) = (problem.left.summed, 0..<variant.rows)
    assembler.emit(.lea, .rbx, .constant(runTable(runs, &assembler)))
    assembler.emit(.mov, .r14, .r8)
    walkRuns(from: .r14, &assembler) { assembler in
      assembler.emit(.mov, .r8, .rax)
      writeLoop(all, of: variant, panel, source, upTo: runs.length, &assembler)
    }
  }

  /// Adds `rcx` products, up to so many, to the sums of some of a tile's rows, and may fetch as many terms for the next
  /// tile.
  func writeLoop(
    _ taken: Range<Int>, of variant: TileVariant, _ panel: Panel, _ source: Source, upTo terms: Int,
    fetches: Bool = false, _ assembler: inout Assembler
  ) {
    if let narrow = problem.narrow { writeSpreading(narrow, variant.rows, &assembler) }
    let (loop, done) = (assembler.makeLabel(), assembler.makeLabel())
    let unrolls = !fetches && source != .packing && variant.rows > 1
    let count = unrolls ? problem.unrolledTerms(upTo: terms) : 1
    if count > 1 {
      let (several, rest) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.emit(.sub, .rcx, count)
      assembler.emit(.jl, rest)
      assembler.align(to: 32)
      assembler.bind(several)
      writeStep(count, taken, of: variant, panel, source, &assembler)
      assembler.emit(.sub, .rcx, count)
      assembler.emit(.jge, several)
      assembler.bind(rest)
      assembler.emit(.add, .rcx, count)
      assembler.emit(.je, done)
    }
    assembler.align(to: 32)
    assembler.bind(loop)
    writeStep(1, taken, of: variant, panel, source, fetches: fetches, &assembler)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
    assembler.bind(done)
  }

  /// Takes the products of some neighbouring terms, and goes on to the next.
  private func writeStep(
    _ terms: Int, _ taken: Range<Int>, of variant: TileVariant, _ panel: Panel, _ source: Source,
    fetches: Bool = false, _ assembler: inout Assembler
  ) {
    let rightStep = source == .packed ? 4 * tile.columns : problem.rightStrides.k
    for term in 0..<terms {
      let (left, right) = (term * tileStrides.k, term * rightStep)
      if variant.rows == 1 {
        writeSingleRow(panel, source, left, right, &assembler)
      } else {
        writeRows(taken, panel, source, left, right, &assembler)
      }
    }
    if source != .packing, schedule.prefetchesNextBlock { writePrefetchStep(terms, &assembler) }
    if source != .packing, schedule.rowsAhead > 0 { writeRowsAheadStep(terms, &assembler) }
    if fetches { writeFetchStep(&assembler) }
    writeNextTerms(terms, &assembler)
    assembler.emit(.add, .r9, terms * rightStep)
    if source == .packing { assembler.emit(.add, .r10, 4 * tile.columns) }
  }

  /// Adds some rows' products for one term, which lies so many bytes behind the first in each factor.
  private func writeRows(
    _ taken: Range<Int>, _ panel: Panel, _ source: Source, _ left: Int, _ right: Int,
    _ assembler: inout Assembler
  ) {
    for column in 0..<panel.vectors {
      let target = vector(panelRegister(column))
      loadPanel(column, panel, source, right, to: target, &assembler)
      if source == .packing {
        assembler.emit(.vmovups, .at(.r10, 4 * width * column), target)
      }
    }
    if source != .packed, problem.isRightFar, !schedule.readsPackedBlocks {
      prefetchPanel(panel, right, &assembler)
    }
    for row in taken {
      let factor = vector(factorRegister(row))
      if let narrow = problem.narrow {
        writeGroupProducts(narrow, row, panel, factor: factor, &assembler) { column, _ in
          .register(vector(panelRegister(column)))
        }
        continue
      }
      let source = Memory.at(.r8, left + row * tileStrides.m)
      // What meets one vector only is repeated on its way to the product.
      if isWide, panel.vectors == 1 {
        let other = vector(panelRegister(0))
        assembler.emit(.vfmadd231ps, vector(sum(row, 0, panel)), other, source.broadcast)
        continue
      }
      assembler.emit(.vbroadcastss, factor, source)
      for column in 0..<panel.vectors {
        assembler.emit(
          .vfmadd231ps, vector(sum(row, column, panel)), factor, vector(panelRegister(column)))
      }
    }
  }

  /// How far behind a panel's first byte another byte of the same term lies: each line of a packed factor is in a panel
  /// of its own.
  func distance(ofByte byte: Int, _ source: Source) -> Int {
    guard source == .inPlace, problem.isRightPacked else { return byte }
    let line = 4 * ContractionKernel.packedColumns
    return byte / line * problem.rightPanel + byte % line
  }

  /// Where a panel's vector lies for a term so many bytes behind the first.
  private func rightMemory(_ column: Int, _ source: Source, _ right: Int) -> Memory {
    .at(.r9, right + distance(ofByte: 4 * width * column, source))
  }

  /// Adds one row's products for one term, which lies so many bytes behind the first in each factor; each vector of the
  /// panel is used once, so it stays in memory.
  private func writeSingleRow(
    _ panel: Panel, _ source: Source, _ left: Int, _ right: Int, _ assembler: inout Assembler
  ) {
    let (factor, partial) = (vector(isWide ? 31 : 14), vector(isWide ? 30 : 13))
    let vectorOfPanel = { (column: Int, assembler: inout Assembler) -> Operand in
      guard source == .packing || source == .inPlace && panel.isPartial(column) else {
        return .memory(rightMemory(column, source, right))
      }
      loadPanel(column, panel, source, right, to: partial, &assembler)
      // Tiles behind this one find the panel there.
      if source == .packing {
        assembler.emit(.vmovups, .at(.r10, 4 * width * column), partial)
      }
      return .register(partial)
    }
    if let narrow = problem.narrow {
      return writeGroupProducts(
        narrow, 0, panel, factor: factor, &assembler, right: vectorOfPanel)
    }
    assembler.emit(.vbroadcastss, factor, .at(.r8, left))
    for column in 0..<panel.vectors {
      let other = vectorOfPanel(column, &assembler)
      assembler.emit(.vfmadd231ps, vector(column), factor, other)
    }
  }

  /// The registers that hold the panel's vectors: the last of those without sums.
  func panelRegister(_ column: Int) -> Int { (isWide ? 31 : 14) - column }

  /// The registers that hold a row's factor.
  func factorRegister(_ row: Int) -> Int {
    let next = panelRegister(tile.vectors - 1) - 1
    // Two in turn, if there is a register to load the next row's factor while this one is in use.
    let free =
      (isWide ? 32 : 15) - (tile.tallest + 1) * tile.vectors
      - (problem.narrow?.registerCount(width: width) ?? 0)
    return free >= 2 ? next - row % 2 : next
  }

  func loadPanel(
    _ column: Int, _ panel: Panel, _ source: Source, _ right: Int, to target: Register,
    _ assembler: inout Assembler
  ) {
    NativeTail.load(
      target, from: rightMemory(column, source, right),
      isPartial: source != .packed && panel.isPartial(column), &assembler)
  }
}

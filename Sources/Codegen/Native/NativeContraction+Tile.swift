import DescentGraph

extension NativeContraction {
  /// Computes one tile of the panel at column `r11`: sums begin or go on, take a block of products, and end or are
  /// put aside.
  func writePanel(_ variant: TileVariant, _ panel: Panel, _ assembler: inout Assembler) {
    let rows = variant.rows
    if schedule.packsRight { load(.panel, to: .r10, &assembler) }
    if isPackedApart {
      let isPacked = assembler.makeLabel()
      writeIsPacked(isPacked, &assembler)
      if problem.transposeRight {
        writeTransposition(panel, &assembler)
      } else {
        writePanelCopy(panel, &assembler)
      }
      assembler.bind(isPacked)
    }
    writeSums(rows, panel, &assembler)
    writePrefetch(rows, panel, &assembler)
    writeRowPrefetch(rows, &assembler)
    load(.tileLeft, to: .r8, &assembler)
    if let narrow = problem.narrow { writeGroups(narrow, panel, &assembler) }
    load(.depth, to: .rcx, &assembler)
    let done = assembler.makeLabel()
    if problem.k == 0 {
      assembler.emit(.test, .rcx, .rcx)
      assembler.emit(.je, done)
    }
    writeProducts(variant, panel, &assembler)
    assembler.bind(done)
    if schedule.prefetchesNextBlock { writeNextPrefetch(&assembler) }
    if schedule.packsRight {
      assembler.emit(.mov, .rax, schedule.panelBytes)
      assembler.emit(.add, local(.panel), .rax)
    }
    guard schedule.isDeep else { return writeResults(rows, panel, &assembler) }
    writeEnd(rows, panel, &assembler)
  }

  /// Whether the first tile packs a panel before it takes products: transposed ones, and those of which tiles leave
  /// terms out.
  private var isPackedApart: Bool {
    schedule.packsRight && (problem.transposeRight || problem.margins != nil)
  }

  /// Jumps where a tile before this one has packed the panel.
  private func writeIsPacked(_ label: Label, _ assembler: inout Assembler) {
    guard tile.count > 1 else { return }
    load(.tile, to: .rax, &assembler)
    assembler.emit(.cmp, .rax, local(.blockTile))
    assembler.emit(.jg, label)
  }

  /// The register of a sum.
  func sum(_ row: Int, _ column: Int, _ panel: Panel) -> Int { row * panel.vectors + column }

  /// Where a sum lies that was put aside, a distance behind `rax`.
  private func asideMemory(_ index: Int, _ distance: Int = 0) -> Memory {
    .at(.rax, distance + 4 * width * index)
  }

  private func writeSums(_ rows: Int, _ panel: Panel, _ assembler: inout Assembler) {
    let count = rows * panel.vectors
    let (isFirst, done) = (assembler.makeLabel(), assembler.makeLabel())
    if schedule.hasSeveralBlocks {
      load(.isFirst, to: .rax, &assembler)
      assembler.emit(.test, .rax, .rax)
      assembler.emit(.jne, isFirst)
      load(.panelSums, to: .rax, &assembler)
      for index in 0..<count { assembler.emit(.vmovups, vector(index), asideMemory(index)) }
      assembler.emit(.jmp, done)
      assembler.bind(isFirst)
    }
    for index in 0..<count {
      assembler.emit(isWide ? .vpxord : .vpxor, vector(index), vector(index), vector(index))
    }
    assembler.bind(done)
  }

  /// Adds `rcx` products to each sum.
  private func writeProducts(_ variant: TileVariant, _ panel: Panel, _ assembler: inout Assembler) {
    guard schedule.packsRight else {
      writeRightAddress(&assembler)
      return writeTermsAndFetch(variant, panel, .inPlace, &assembler)
    }
    guard !isPackedApart, !schedule.copiesRows, tile.count > 1 else {
      assembler.emit(.mov, .r9, .r10)
      return writeTermsAndFetch(variant, panel, .packed, &assembler)
    }
    let (isPacked, done) = (assembler.makeLabel(), assembler.makeLabel())
    writeIsPacked(isPacked, &assembler)
    writeRightAddress(&assembler)
    writeTermsAndFetch(variant, panel, .packing, &assembler)
    assembler.emit(.jmp, done)
    assembler.bind(isPacked)
    assembler.emit(.mov, .r9, .r10)
    writeTermsAndFetch(variant, panel, .packed, &assembler)
    assembler.bind(done)
  }

  /// Sets `r9` to the panel's first element in the right factor; overwrites `rax` and `rdx`.
  func writeRightAddress(_ assembler: inout Assembler) {
    load(.rightBlock, to: .r9, &assembler)
    guard problem.transposeRight || problem.isRightPacked else {
      return assembler.emit(.lea, .r9, .at(.r9, index: .r11, scale: 4))
    }
    assembler.move(problem.rightColumn, to: .rax)
    assembler.emit(.imul, .rax, .r11)
    assembler.emit(.add, .r9, .rax)
  }

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
      writeLoop(all, of: variant, panel, source, &assembler)
    }
  }

  /// Adds `rcx` products to the sums of some of a tile's rows, and may fetch as many terms for the next tile.
  func writeLoop(
    _ taken: Range<Int>, of variant: TileVariant, _ panel: Panel, _ source: Source,
    fetches: Bool = false, _ assembler: inout Assembler
  ) {
    let rows = variant.rows
    let loop = assembler.makeLabel()
    if let narrow = problem.narrow { writeSpreading(narrow, rows, &assembler) }
    assembler.align(to: 32)
    assembler.bind(loop)
    if rows == 1 {
      writeSingleRow(panel, source, &assembler)
    } else {
      for column in 0..<panel.vectors {
        let target = vector(panelRegister(column))
        loadPanel(column, panel, source, to: target, &assembler)
        if source == .packing {
          assembler.emit(.vmovups, .at(.r10, 4 * width * column), target)
        }
      }
    }
    if source != .packed, rows > 1, problem.isRightFar, !schedule.readsPackedBlocks {
      prefetchPanel(panel, &assembler)
    }
    if source != .packing, schedule.prefetchesNextBlock { writePrefetchStep(&assembler) }
    if source != .packing, schedule.rowsAhead > 0 { writeRowsAheadStep(&assembler) }
    for row in taken where rows > 1 {
      let factor = vector(factorRegister(row))
      if let narrow = problem.narrow {
        writeGroupProducts(narrow, row, panel, factor: factor, &assembler) { column, _ in
          .register(vector(panelRegister(column)))
        }
        continue
      }
      let source = Memory.at(.r8, row * tileStrides.m)
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
    if fetches { writeFetchStep(&assembler) }
    writeNextTerm(&assembler)
    assembler.emit(.add, .r9, source == .packed ? 4 * tile.columns : problem.rightStrides.k)
    if source == .packing { assembler.emit(.add, .r10, 4 * tile.columns) }
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
  }

  /// How far behind a panel's first byte another byte of the same term lies: each line of a packed factor is in a panel
  /// of its own.
  func distance(ofByte byte: Int, _ source: Source) -> Int {
    guard source == .inPlace, problem.isRightPacked else { return byte }
    let line = 4 * ContractionKernel.packedColumns
    return byte / line * problem.rightPanel + byte % line
  }

  /// Where a panel's vector lies.
  private func rightMemory(_ column: Int, _ source: Source) -> Memory {
    .at(.r9, distance(ofByte: 4 * width * column, source))
  }

  /// Adds one row's products for one k; each vector of the panel is used once, so it stays in memory.
  private func writeSingleRow(
    _ panel: Panel, _ source: Source, _ assembler: inout Assembler
  ) {
    let (factor, partial) = (vector(isWide ? 31 : 14), vector(isWide ? 30 : 13))
    let right = { (column: Int, assembler: inout Assembler) -> Operand in
      guard source == .packing || source == .inPlace && panel.isPartial(column) else {
        return .memory(rightMemory(column, source))
      }
      loadPanel(column, panel, source, to: partial, &assembler)
      // Tiles behind this one find the panel there.
      if source == .packing {
        assembler.emit(.vmovups, .at(.r10, 4 * width * column), partial)
      }
      return .register(partial)
    }
    if let narrow = problem.narrow {
      return writeGroupProducts(narrow, 0, panel, factor: factor, &assembler, right: right)
    }
    assembler.emit(.vbroadcastss, factor, .at(.r8))
    for column in 0..<panel.vectors {
      let other = right(column, &assembler)
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
    _ column: Int, _ panel: Panel, _ source: Source, to target: Register,
    _ assembler: inout Assembler
  ) {
    NativeTail.load(
      target, from: rightMemory(column, source),
      isPartial: source != .packed && panel.isPartial(column), &assembler)
  }
}

// MARK: - Results

extension NativeContraction {
  /// Puts sums aside, or, after the last block of k, finishes them.
  private func writeEnd(_ rows: Int, _ panel: Panel, _ assembler: inout Assembler) {
    let (isLast, done) = (assembler.makeLabel(), assembler.makeLabel())
    let count = rows * panel.vectors
    if problem.isCut { writeTotals(count, done, &assembler) }
    load(.isLast, to: .rdx, &assembler)
    assembler.emit(.test, .rdx, .rdx)
    assembler.emit(.jne, isLast)
    load(.panelSums, to: .rax, &assembler)
    let distance = problem.isCut ? totalsDistance : 0
    for index in 0..<count {
      assembler.emit(.vmovups, asideMemory(index, distance), vector(index))
    }
    assembler.emit(.jmp, done)
    assembler.bind(isLast)
    writeResults(rows, panel, &assembler)
    assembler.bind(done)
    assembler.move(tile.byteCount, to: .rax)
    assembler.emit(.add, local(.panelSums), .rax)
  }

  /// Adds the sums of the chunks before, or, where the present one goes on, puts its sums aside and jumps to a label.
  private func writeTotals(_ count: Int, _ goesOn: Label, _ assembler: inout Assembler) {
    let isFirst = assembler.makeLabel()
    load(.panelSums, to: .rax, &assembler)
    if schedule.hasSeveralBlocks {
      let isEnd = assembler.makeLabel()
      load(.endsChunk, to: .rdx, &assembler)
      assembler.emit(.test, .rdx, .rdx)
      assembler.emit(.jne, isEnd)
      for index in 0..<count { assembler.emit(.vmovups, asideMemory(index), vector(index)) }
      assembler.emit(.jmp, goesOn)
      assembler.bind(isEnd)
    }
    load(.endChunk, to: .rdx, &assembler)
    assembler.emit(.cmp, .rdx, problem.chunk)
    assembler.emit(.jle, isFirst)
    for index in 0..<count {
      assembler.emit(.vaddps, vector(index), vector(index), asideMemory(index, totalsDistance))
    }
    assembler.bind(isFirst)
  }

  /// Runs the epilogue on every vector of sums.
  private func writeResults(_ rows: Int, _ panel: Panel, _ assembler: inout Assembler) {
    guard let epilogue else { return }
    if epilogue.isDeferred { writeRowsLeft(wholePanel, epilogue, &assembler) }
    load(.row, to: .rax, &assembler)
    epilogue.writeBases(self, &assembler)
    if epilogue.readsSums { return writeRows(rows, panel, epilogue, &assembler) }
    for row in 0..<rows {
      for column in 0..<panel.vectors {
        epilogue.emit(
          self, row, column * width, sum: UInt8(sum(row, column, panel)),
          count: panel.count(column), &assembler)
      }
    }
  }

  /// Leaves all sums in memory, and runs the epilogue over them, row after row, unless it is deferred.
  private func writeRows(
    _ rows: Int, _ panel: Panel, _ epilogue: ContractionEpilogue, _ assembler: inout Assembler
  ) {
    load(.scratch, to: .r10, &assembler)
    assembler.emit(.add, .r10, tileOffset)
    let rowBytes = 4 * width * panel.vectors
    for row in 0..<rows {
      for column in 0..<panel.vectors {
        assembler.emit(
          .vmovups, .at(.r10, row * rowBytes + 4 * width * column),
          vector(sum(row, column, panel)))
      }
    }
    epilogue.writeSumsBase(self, &assembler)
    set(.rowsLeft, to: rows, &assembler)
    if epilogue.isDeferred {
      if panel.columns < tile.columns { writeRowsLeft(panel, epilogue, &assembler) }
      return
    }
    epilogue.emitter.writeConstants(to: &assembler)
    epilogue.emitter.writeInvariants(to: &assembler) { _, _, _ in
      preconditionFailure("a constant in a stream")
    }
    writeRowsLeft(panel, epilogue, &assembler)
  }

  /// A panel of whole vectors, as all are but perhaps the last.
  private var wholePanel: Panel { Panel(columns: tile.columns, width: width) }

  /// Runs the epilogue over all rows of sums in memory that it has not finished.
  private func writeRowsLeft(
    _ panel: Panel, _ epilogue: ContractionEpilogue, _ assembler: inout Assembler
  ) {
    let (loop, done) = (assembler.makeLabel(), assembler.makeLabel())
    load(.rowsLeft, to: .rax, &assembler)
    assembler.emit(.test, .rax, .rax)
    assembler.emit(.je, done)
    assembler.bind(loop)
    writeRowLeft(panel, epilogue, &assembler)
    assembler.emit(.jne, loop)
    assembler.bind(done)
  }

  /// Runs the epilogue over the next row of sums in memory; the flags tell whether there are more.
  private func writeRowLeft(
    _ panel: Panel, _ epilogue: ContractionEpilogue, _ assembler: inout Assembler
  ) {
    for column in 0..<panel.vectors {
      epilogue.emit(self, 0, column * width, count: panel.count(column), &assembler)
    }
    epilogue.writeNextRow(self, sumBytes: 4 * width * panel.vectors, &assembler)
    load(.rowsLeft, to: .rax, &assembler)
    assembler.emit(.dec, .rax)
    store(.rax, to: .rowsLeft, &assembler)
  }

  /// Runs a deferred epilogue over the next row of the panel before, if one is left.
  func writeDeferredRow(_ assembler: inout Assembler) {
    guard let epilogue, epilogue.isDeferred else { return }
    let done = assembler.makeLabel()
    load(.rowsLeft, to: .rax, &assembler)
    assembler.emit(.test, .rax, .rax)
    assembler.emit(.je, done)
    writeRowLeft(wholePanel, epilogue, &assembler)
    assembler.bind(done)
  }

  /// Runs a deferred epilogue over what is left at the end of all units.
  func writeDeferredRows(_ assembler: inout Assembler) {
    guard let epilogue, epilogue.isDeferred else { return }
    writeRowsLeft(wholePanel, epilogue, &assembler)
  }
}

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

import DescentGraph

extension NativeContraction {
  /// Runs a body while a variable is below another; the body sees the variable in `rax` and must advance it.
  private func loop(
    _ name: Local, below end: Local, _ assembler: inout Assembler,
    body: (inout Assembler) -> Void
  ) {
    let (top, done) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.bind(top)
    load(name, to: .rax, &assembler)
    assembler.emit(.cmp, .rax, local(end))
    assembler.emit(.jge, done)
    body(&assembler)
    assembler.emit(.jmp, top)
    assembler.bind(done)
  }

  /// Sets a variable and `rax` to the lesser of a sum of `rax` and a number, and another variable.
  func setLesser(
    _ name: Local, raxPlus step: Int, _ limit: Local, _ assembler: inout Assembler
  ) {
    let isBelow = assembler.makeLabel()
    assembler.emit(.add, .rax, step)
    assembler.emit(.cmp, .rax, local(limit))
    assembler.emit(.jle, isBelow)
    load(limit, to: .rax, &assembler)
    assembler.bind(isBelow)
    store(.rax, to: name, &assembler)
  }

  /// Runs the units `rsi ..< rdx`.
  func writeUnits(_ assembler: inout Assembler) {
    store(.rcx, to: .scratch, &assembler)
    store(.rdi, to: .operands, &assembler)
    store(.rsi, to: .unit, &assembler)
    store(.rdx, to: .endUnit, &assembler)
    NativeTail(count: problem.n % width, isWide: isWide).write(to: &assembler)
    writeFirstUnit(&assembler)
    set(.rowsLeft, to: 0, &assembler)
    loop(.unit, below: .endUnit, &assembler) { assembler in
      writeBases(&assembler)
      writeBounds(&assembler)
      writePart(&assembler)
      load(.unit, to: .rax, &assembler)
      assembler.emit(.inc, .rax)
      store(.rax, to: .unit, &assembler)
      writeNextUnit(&assembler)
    }
    writeDeferredRows(&assembler)
  }

  /// Finds the product and the part of the first unit; a product is cut into parts only where there are few.
  private func writeFirstUnit(_ assembler: inout Assembler) {
    let parts = schedule.parts.count
    store(.rsi, to: parts == 1 ? .batch : .part, &assembler)
    set(parts == 1 ? .part : .batch, to: 0, &assembler)
    if parts > 1, problem.batch > 1 { writeCarry(&assembler) }
  }

  private func writeNextUnit(_ assembler: inout Assembler) {
    let name: Local = schedule.parts.count == 1 ? .batch : .part
    load(name, to: .rax, &assembler)
    assembler.emit(.inc, .rax)
    store(.rax, to: name, &assembler)
    if schedule.parts.count > 1, problem.batch > 1 { writeCarry(&assembler) }
  }

  /// Turns parts beyond the last into products.
  private func writeCarry(_ assembler: inout Assembler) {
    let (top, done) = (assembler.makeLabel(), assembler.makeLabel())
    load(.part, to: .rax, &assembler)
    load(.batch, to: .rcx, &assembler)
    assembler.bind(top)
    assembler.emit(.cmp, .rax, schedule.parts.count)
    assembler.emit(.jl, done)
    assembler.emit(.sub, .rax, schedule.parts.count)
    assembler.emit(.inc, .rcx)
    assembler.emit(.jmp, top)
    assembler.bind(done)
    store(.rax, to: .part, &assembler)
    store(.rcx, to: .batch, &assembler)
  }

  /// Sets the addresses of the factors and the streams of this product.
  private func writeBases(_ assembler: inout Assembler) {
    load(.operands, to: .rdi, &assembler)
    for (factor, name) in [(problem.left, Local.left), (problem.right, .right)] {
      assembler.emit(.mov, .rax, .at(.rdi, 8 * factor.operand))
      if factor.offset != 0 {
        assembler.move(factor.offset, to: .rcx)
        assembler.emit(.add, .rax, .rcx)
      }
      writeProductDistance(factor.batch, &assembler)
      store(.rax, to: name, &assembler)
    }
    writeStreamBases(&assembler)
  }

  /// Sets the bounds of this part.
  private func writeBounds(_ assembler: inout Assembler) {
    let done = assembler.makeLabel()
    for (index, part) in schedule.parts.enumerated() {
      let next = assembler.makeLabel()
      if index < schedule.parts.count - 1 {
        load(.part, to: .rax, &assembler)
        assembler.emit(.cmp, .rax, index)
        assembler.emit(.jne, next)
      }
      set(.firstTile, to: part.tiles.lowerBound, &assembler)
      set(.endTile, to: part.tiles.upperBound, &assembler)
      set(.firstColumn, to: part.columns.lowerBound, &assembler)
      set(.endColumn, to: part.columns.upperBound, &assembler)
      if index < schedule.parts.count - 1 { assembler.emit(.jmp, done) }
      assembler.bind(next)
    }
    assembler.bind(done)
  }

  private func writePart(_ assembler: inout Assembler) {
    load(.firstColumn, to: .rax, &assembler)
    store(.rax, to: .blockColumn, &assembler)
    loop(.blockColumn, below: .endColumn, &assembler) { assembler in
      setLesser(.endBlockColumn, raxPlus: schedule.blockColumns, .endColumn, &assembler)
      load(.firstTile, to: .rax, &assembler)
      store(.rax, to: .blockTile, &assembler)
      loop(.blockTile, below: .endTile, &assembler) { assembler in
        setLesser(.endBlockTile, raxPlus: schedule.blockTiles, .endTile, &assembler)
        writeChunks(&assembler)
        load(.endBlockTile, to: .rax, &assembler)
        store(.rax, to: .blockTile, &assembler)
      }
      load(.endBlockColumn, to: .rax, &assembler)
      store(.rax, to: .blockColumn, &assembler)
    }
  }

  /// Runs over k, from one chunk to the next if it is cut, and from block to block.
  private func writeChunks(_ assembler: inout Assembler) {
    set(.start, to: 0, &assembler)
    set(.endChunk, to: min(problem.chunk, problem.k), &assembler)
    if schedule.isDeep { writeSumsAddress(&assembler) }
    guard problem.isCut else { return writeChunk(&assembler) }
    let (top, isInside) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.bind(top)
    writeChunk(&assembler)
    load(.endChunk, to: .rcx, &assembler)
    assembler.move(problem.k, to: .rdx)
    assembler.emit(.mov, .rax, .rcx)
    assembler.emit(.add, .rax, problem.chunk)
    assembler.emit(.cmp, .rax, .rdx)
    assembler.emit(.jle, isInside)
    assembler.emit(.mov, .rax, .rdx)
    assembler.bind(isInside)
    store(.rax, to: .endChunk, &assembler)
    assembler.emit(.cmp, .rcx, .rdx)
    assembler.emit(.jl, top)
  }

  private func writeSumsAddress(_ assembler: inout Assembler) {
    load(.scratch, to: .rax, &assembler)
    assembler.emit(.add, .rax, sumsOffset)
    store(.rax, to: .sums, &assembler)
  }

  /// Runs over the blocks of k up to the chunk's end; of none too there is one block.
  private func writeChunk(_ assembler: inout Assembler) {
    set(.isFirst, to: 1, &assembler)
    let top = assembler.makeLabel()
    assembler.bind(top)
    writeDepth(&assembler)
    writeBlock(&assembler)
    writeTiles(&assembler)
    guard schedule.isDeep else { return }
    set(.isFirst, to: 0, &assembler)
    load(.start, to: .rax, &assembler)
    assembler.emit(.add, .rax, local(.depth))
    store(.rax, to: .start, &assembler)
    guard schedule.hasSeveralBlocks else { return }
    assembler.emit(.cmp, .rax, local(.endChunk))
    assembler.emit(.jl, top)
  }

  /// Sets the depth of the block at `start`, and whether it is the last of its chunk, and of all.
  private func writeDepth(_ assembler: inout Assembler) {
    guard schedule.isDeep else { return set(.depth, to: problem.k, &assembler) }
    let isWhole = assembler.makeLabel()
    if let images = schedule.images, images.parts > 1 {
      writeDepth(within: images, &assembler)
    } else {
      assembler.move(schedule.depth, to: .rcx)
    }
    let tellsEnds = problem.isCut && schedule.hasSeveralBlocks
    if tellsEnds { set(.endsChunk, to: 0, &assembler) }
    assembler.move(0, to: .rdx)
    load(.endChunk, to: .rax, &assembler)
    assembler.emit(.sub, .rax, local(.start))
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.jg, isWhole)
    assembler.emit(.mov, .rcx, .rax)
    if tellsEnds { set(.endsChunk, to: 1, &assembler) }
    if problem.isCut {
      load(.endChunk, to: .rax, &assembler)
      assembler.emit(.cmp, .rax, problem.k)
      assembler.emit(.jl, isWhole)
    }
    assembler.move(1, to: .rdx)
    assembler.bind(isWhole)
    store(.rdx, to: .isLast, &assembler)
    store(.rcx, to: .depth, &assembler)
  }

  /// Sets where each factor's block of k begins: the run and the place in it, or the right one's address.
  private func writeBlock(_ assembler: inout Assembler) {
    writePlace(in: problem.left.summed, .leftRun, .leftPlace, &assembler)
    if let table, let images = schedule.images { writeImages(table, images, &assembler) }
    if problem.transposeRight {
      writePlace(in: problem.right.summed, .rightRun, .rightPlace, &assembler)
    }
    load(.right, to: .rax, &assembler)
    if schedule.isDeep, problem.right.summed.isEven || problem.isRightPacked {
      assembler.move(problem.rightTerm, to: .rcx)
      assembler.emit(.imul, .rcx, local(.start))
      assembler.emit(.add, .rax, .rcx)
    }
    store(.rax, to: .rightBlock, &assembler)
  }

  private func writeTiles(_ assembler: inout Assembler) {
    if schedule.isDeep {
      load(.sums, to: .rax, &assembler)
      store(.rax, to: .panelSums, &assembler)
    }
    if schedule.copiesRows { writeRowsCopy(&assembler) }
    if schedule.copiedTiles != nil { set(.endCopied, to: 0, &assembler) }
    if schedule.prefetchesNextBlock { writeNoPrefetch(&assembler) }
    load(.blockTile, to: .rax, &assembler)
    store(.rax, to: .tile, &assembler)
    loop(.tile, below: .endBlockTile, &assembler) { assembler in
      if schedule.prefetchesNextBlock { writeFirstPrefetch(&assembler) }
      if isCutIntoRuns { writeTileRun(&assembler) }
      let next = assembler.makeLabel()
      for (index, variant) in schedule.variants.enumerated() {
        let other = assembler.makeLabel()
        let isLast = index == schedule.variants.count - 1
        if !isLast {
          assembler.emit(.cmp, .rax, variant.places.upperBound)
          assembler.emit(.jge, other)
        }
        writeTile(variant, &assembler)
        if !isLast { assembler.emit(.jmp, next) }
        assembler.bind(other)
      }
      assembler.bind(next)
      load(.tile, to: .rax, &assembler)
      assembler.emit(.inc, .rax)
      store(.rax, to: .tile, &assembler)
    }
  }

  /// Runs tile `rax` of a run of rows over the panels of the block.
  private func writeTile(_ variant: TileVariant, _ assembler: inout Assembler) {
    writeRow(variant, &assembler)
    if schedule.packsRight {
      load(.scratch, to: .rax, &assembler)
      store(.rax, to: .panel, &assembler)
    }
    let whole = problem.n / tile.columns * tile.columns
    let (top, partial, done) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel()
    )
    load(.blockColumn, to: .r11, &assembler)
    if whole > 0 {
      assembler.bind(top)
      if whole < problem.n {
        assembler.emit(.cmp, .r11, whole)
        assembler.emit(.jge, partial)
      }
      writePanel(variant, Panel(columns: tile.columns, width: width), &assembler)
      assembler.emit(.add, .r11, tile.columns)
      assembler.emit(.cmp, .r11, local(.endBlockColumn))
      assembler.emit(.jl, top)
      if whole < problem.n { assembler.emit(.jmp, done) }
    }
    guard whole < problem.n else { return }
    assembler.bind(partial)
    writePanel(variant, Panel(columns: problem.n - whole, width: width), &assembler)
    assembler.bind(done)
  }

  /// Sets the first row of tile `rax` of its run, tile·height and one later for each taller tile before it, and where
  /// this block of k begins there.
  private func writeRow(_ variant: TileVariant, _ assembler: inout Assembler) {
    let rows = variant.rows
    assembler.move(rows, to: .rcx)
    assembler.emit(.imul, .rax, .rcx)
    if rows == tile.height, tile.tallCount > 0 { assembler.emit(.add, .rax, tile.tallCount) }
    let isEven = problem.left.kept.isEven
    if isCutIntoRuns, isEven { writeRunOfRows(&assembler) }
    assembler.move(problem.leftStrides.m, to: .r8)
    assembler.emit(.imul, .r8, .rax)
    assembler.emit(.add, .r8, local(.left))
    if isCutIntoRuns, !isEven { writeRunOfRows(&assembler) }
    if let table { writeImageAddress(table, &assembler) }
    store(.rax, to: .row, &assembler)
    if schedule.leftPacking == .rows { return writeRowPacking(rows, &assembler) }
    if schedule.isDeep, problem.left.summed.isEven, problem.margins == nil {
      assembler.move(problem.leftStrides.k, to: .rcx)
      assembler.emit(.imul, .rcx, local(.start))
      assembler.emit(.add, .r8, .rcx)
    }
    if problem.transposeLeft { writeColumns(variant, &assembler) }
    store(.r8, to: .tileLeft, &assembler)
    if schedule.rowsAhead > 0 {
      set(.rowsAhead, to: rows * problem.leftStrides.m, &assembler)
    }
  }

  /// Whether tiles do not reach past runs of rows.
  var isCutIntoRuns: Bool { tile.runCount < tile.count || problem.margins != nil }

  /// Goes from the first run of rows to the tile's: `rax` is a row, and `r8` its address if runs are not even.
  private func writeRunOfRows(_ assembler: inout Assembler) {
    load(.tileRun, to: .rdx, &assembler)
    if !problem.left.kept.isEven {
      assembler.emit(.lea, .rcx, .constant(runTable(problem.left.kept, &assembler)))
      assembler.emit(.movsxd, .rcx, .at(.rcx, index: .rdx, scale: 4))
      assembler.emit(.add, .r8, .rcx)
    }
    assembler.emit(.imul, .rdx, .rdx, tile.runLength)
    assembler.emit(.add, .rax, .rdx)
  }
}

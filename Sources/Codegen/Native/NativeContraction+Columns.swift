import DescentGraph

// Where a tile's rows lie side by side for each term, as columns of the left factor: copies of them where lines find no
// room in the first-level cache, and what is fetched for the next tile while products are taken for this one.
//
// A tile reads a line or two of the factor for each term, far apart, which the processor does not foresee. It would
// wait for them with its first panel, or with the copy. So all panels of the tile before ask for a share of them, or
// copy it, each term as late as the others allow: few lines a page apart find room in a cache.
//
// With 256-bit vectors a tile has less than half of a line's rows. There copies are made before tiles run, of the
// columns of several at once: so each line is read once, and the lines of a term one behind the other. What tiles
// copy for the next one while they run is written for 512-bit vectors alone.

extension ContractionSchedule {
  /// Whether tiles fetch the next one's columns.
  func fetchesColumns(_ problem: ContractionProblem) -> Bool {
    guard problem.transposeLeft, problem.left.summed.isEven, problem.narrow == nil, tile.count > 1
    else { return false }
    // What stays in the second-level cache need not be asked for.
    return leftPacking == .columns
      ? copiedTiles == nil : 4 * problem.m * problem.k > problem.level2 / 2
  }
}

extension NativeContraction {
  private var copiesColumns: Bool { schedule.leftPacking == .columns }
  /// The bytes from a tile's copied columns to the next one's; a line more keeps those of several apart in the cache.
  private var copyBytes: Int {
    schedule.depth * tileStrides.k + (schedule.copiedTiles == nil ? 0 : 64)
  }
  /// The bytes of scratch memory for copied columns: of this tile and the next, or of several.
  var columnBytes: Int { (schedule.copiedTiles ?? (fetchesColumns ? 2 : 1)) * copyBytes }

  /// Finds the columns that a tile reads for this block of k, from `r8` on, and sets `r8` to where its products do: a
  /// copy, if there is one, of which the tile before may have made a part.
  func writeColumns(_ variant: TileVariant, _ assembler: inout Assembler) {
    if let tiles = schedule.copiedTiles { return writeCopiedTiles(tiles, variant, &assembler) }
    guard copiesColumns || fetchesColumns else { return }
    let rows = variant.rows
    assembler.emit(.mov, .rsi, .r8)
    if copiesColumns {
      load(.tile, to: .rax, &assembler)
      writeCopyAddress(.r10, &assembler)
      assembler.emit(.mov, .r9, .r10)
      load(.depth, to: .rcx, &assembler)
      if fetchesColumns {
        let isFirst = assembler.makeLabel()
        assembler.emit(.cmp, .rax, local(.blockTile))
        assembler.emit(.je, isFirst)
        load(.nextColumns, to: .r8, &assembler)
        load(.nextCopy, to: .r9, &assembler)
        load(.termsToFetch, to: .rcx, &assembler)
        assembler.bind(isFirst)
      }
      writeColumnPacking(rows, &assembler)
      assembler.emit(.mov, .r8, .r10)
    }
    guard fetchesColumns else { return }
    // The next tile's columns are behind this one's.
    assembler.emit(.add, .rsi, 4 * rows)
    store(.rsi, to: .nextColumns, &assembler)
    load(.tile, to: .rax, &assembler)
    assembler.emit(.inc, .rax)
    if copiesColumns {
      writeCopyAddress(.r9, &assembler)
      store(.r9, to: .nextCopy, &assembler)
    }
    let isLast = assembler.makeLabel()
    assembler.emit(.xor, .ecx, .ecx)
    assembler.emit(.cmp, .rax, local(.endBlockTile))
    assembler.emit(.jge, isLast)
    load(.depth, to: .rcx, &assembler)
    assembler.bind(isLast)
    store(.rcx, to: .termsToFetch, &assembler)
  }

  /// Sets a register to where the columns of tile `rax` are copied, which neighbours do in turn; overwrites `rdx`.
  private func writeCopyAddress(_ register: Register, _ assembler: inout Assembler) {
    load(.scratch, to: register, &assembler)
    assembler.emit(.add, register, leftOffset)
    guard fetchesColumns else { return }
    assembler.emit(.mov, .rdx, .rax)
    assembler.emit(.and, .rdx, 1)
    assembler.emit(.imul, .rdx, .rdx, copyBytes)
    assembler.emit(.add, register, .rdx)
  }

  /// Copies the columns of this tile and of some behind it that have as many rows, if a tile before has not copied
  /// this one's, and sets `r8` to where they are.
  private func writeCopiedTiles(
    _ tiles: Int, _ variant: TileVariant, _ assembler: inout Assembler
  ) {
    let (isCopied, isAlike) = (assembler.makeLabel(), assembler.makeLabel())
    load(.tile, to: .rax, &assembler)
    assembler.emit(.cmp, .rax, local(.endCopied))
    assembler.emit(.jl, isCopied)
    store(.rax, to: .firstCopied, &assembler)
    setLesser(.endCopied, raxPlus: tiles, .endBlockTile, &assembler)
    assembler.emit(.cmp, .rax, variant.places.upperBound)
    assembler.emit(.jle, isAlike)
    set(.endCopied, to: variant.places.upperBound, &assembler)
    assembler.bind(isAlike)
    assembler.emit(.mov, .r12, .rax)
    assembler.emit(.sub, .r12, local(.firstCopied))
    load(.depth, to: .rcx, &assembler)
    load(.scratch, to: .r9, &assembler)
    assembler.emit(.add, .r9, leftOffset)
    writeColumnPacking(variant.rows, &assembler)
    load(.tile, to: .rax, &assembler)
    assembler.bind(isCopied)
    assembler.emit(.sub, .rax, local(.firstCopied))
    assembler.emit(.imul, .rax, .rax, copyBytes)
    load(.scratch, to: .r8, &assembler)
    assembler.emit(.add, .r8, leftOffset)
    assembler.emit(.add, .r8, .rax)
  }

  /// Copies the columns of `rcx` terms, from `r8` to `r9`, or, where terms are not equally far apart, of all of the
  /// block.
  ///
  /// These registers and `rdx` are overwritten, and with uneven terms `rax`, `rbx`, `rdi` and `r15` too. Where several
  /// tiles' columns are copied, their number is in `r12`, and `r13` and `r14` are overwritten.
  private func writeColumnPacking(_ rows: Int, _ assembler: inout Assembler) {
    let done = assembler.makeLabel()
    assembler.emit(.test, .rcx, .rcx)
    assembler.emit(.je, done)
    // Not one element more is read than there are rows.
    let mask: Register = isWide ? .k(2) : .ymm(1)
    writeMask(rows, mask, &assembler)
    let runs = problem.left.summed
    let copy = { (address: Register, assembler: inout Assembler) in
      if schedule.copiedTiles == nil {
        writeCopies(at: address, mask, &assembler)
      } else {
        writeCopiesOfSeveral(rows, at: address, mask, &assembler)
      }
    }
    if runs.isEven {
      copy(.r8, &assembler)
    } else {
      assembler.emit(.lea, .rbx, .constant(runTable(runs, &assembler)))
      walkRuns(from: .r8, &assembler) { copy(.rax, &$0) }
    }
    assembler.bind(done)
  }

  /// Copies the columns of `rcx` neighbouring terms, of `r12` tiles, to `r9`.
  private func writeCopiesOfSeveral(
    _ rows: Int, at address: Register, _ mask: Register, _ assembler: inout Assembler
  ) {
    let (term, tile) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.bind(term)
    assembler.emit(.mov, .r13, address)
    assembler.emit(.mov, .r14, .r9)
    assembler.emit(.mov, .rdx, .r12)
    assembler.bind(tile)
    // Of lines a page apart no more find room in the first-level cache.
    assembler.emit(.prefetcht0, .at(.r13, 5 * problem.leftStrides.k))
    assembler.emit(.vmaskmovps, vector(0), mask, .at(.r13))
    assembler.emit(.vmovups, .at(.r14), vector(0))
    assembler.emit(.add, .r13, 4 * rows)
    assembler.emit(.add, .r14, copyBytes)
    assembler.emit(.dec, .rdx)
    assembler.emit(.jne, tile)
    assembler.emit(.add, address, problem.leftStrides.k)
    assembler.emit(.add, .r9, tileStrides.k)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, term)
  }

  /// Copies the columns of `rcx` neighbouring terms to `r9`.
  private func writeCopies(
    at address: Register, _ mask: Register, _ assembler: inout Assembler
  ) {
    let (k, step) = (problem.leftStrides.k, tileStrides.k)
    for count in [4, 1] {
      let (loop, rest) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.bind(loop)
      assembler.emit(.sub, .rcx, count)
      assembler.emit(.jl, rest)
      for term in 0..<count {
        let source = Memory.at(address, term * k)
        assembler.emit(.vmovups, vector(0), source, mask: .zeroing(mask))
        let ahead = (24 + term) * k
        if problem.left.summed.isEven {
          assembler.emit(.prefetcht1, .at(address, ahead))
        } else {
          assembler.emit(.prefetcht0, .at(address, ahead + 56))
        }
        assembler.emit(.vmovups, .at(.r9, term * step), vector(0))
      }
      assembler.emit(.add, address, count * k)
      assembler.emit(.add, .r9, count * step)
      assembler.emit(.jmp, loop)
      assembler.bind(rest)
      assembler.emit(.add, .rcx, count)
    }
  }
}

// MARK: - The next tile's columns

extension NativeContraction {
  /// Takes the `rcx` products of each of a panel's sums, and with them fetches a share of the next tile's columns.
  func writeTermsAndFetch(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, _ assembler: inout Assembler
  ) {
    guard fetchesColumns else { return writeTerms(variant, panel, source, &assembler) }
    let (isFetched, done) = (assembler.makeLabel(), assembler.makeLabel())
    load(.termsToFetch, to: .r13, &assembler)
    assembler.emit(.test, .r13, .r13)
    assembler.emit(.je, isFetched)
    load(.nextColumns, to: .r14, &assembler)
    if copiesColumns {
      load(.nextCopy, to: .r15, &assembler)
      writeNextMask(&assembler)
    }
    writeTerms(variant, panel, source, fetches: true, &assembler)
    store(.r13, to: .termsToFetch, &assembler)
    store(.r14, to: .nextColumns, &assembler)
    if copiesColumns { store(.r15, to: .nextCopy, &assembler) }
    assembler.emit(.jmp, done)
    assembler.bind(isFetched)
    writeTerms(variant, panel, source, &assembler)
    assembler.bind(done)
  }

  /// Has `k2` select the columns of the tile behind this one; overwrites `rax` and `rdx`.
  private func writeNextMask(_ assembler: inout Assembler) {
    let isShort = assembler.makeLabel()
    assembler.emit(.mov, .edx, (1 << tile.height) - 1)
    if tile.tallCount > 0 {
      load(.tile, to: .rax, &assembler)
      assembler.emit(.cmp, .rax, tile.tallCount - 1)
      assembler.emit(.jge, isShort)
      assembler.emit(.mov, .edx, (1 << tile.tallest) - 1)
    }
    assembler.bind(isShort)
    assembler.emit(.kmovw, .k(2), .edx)
  }

  /// With one in about as many terms as there are panels, fetches one for the next tile; overwrites registers whose
  /// part in this term is over.
  ///
  /// `r13` terms are left, `r14` is where the next one's columns are, and `r15` where they are copied.
  func writeFetchStep(_ assembler: inout Assembler) {
    let (last, step) = (4 * (tile.tallest - 1), problem.leftStrides.k)
    // A loop that stops for the epilogue's rows is several, each with terms enough for one.
    let panels = schedule.blockColumns / tile.columns
    let longest = stopsForRows ? schedule.lastDepth(problem) / tile.tallest : panels
    let period = 1 << (Int.bitWidth - 1 - min(panels, longest).leadingZeroBitCount)
    let done = assembler.makeLabel()
    if period > 1 {
      assembler.emit(.test, .ecx, period - 1)
      assembler.emit(.jne, done)
    }
    assembler.emit(.test, .r13, .r13)
    assembler.emit(.je, done)
    if copiesColumns {
      let copy = vector(panelRegister(0))
      let ahead = (period > 4 ? 4 : 16) * step
      assembler.emit(.prefetcht1, .at(.r14, ahead))
      assembler.emit(.prefetcht1, .at(.r14, ahead + last))
      assembler.emit(.vmovups, copy, .at(.r14), mask: .zeroing(.k(2)))
      assembler.emit(.vmovups, .at(.r15), copy)
      assembler.emit(.add, .r15, tileStrides.k)
    } else {
      // What lies before that in another line this tile has read.
      assembler.emit(.prefetcht1, .at(.r14, last))
    }
    assembler.emit(.add, .r14, step)
    assembler.emit(.dec, .r13)
    assembler.bind(done)
  }
}

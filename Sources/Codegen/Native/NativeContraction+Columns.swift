import DescentGraph

// Where a tile's rows lie side by side for each term, as columns of the left factor: copies of them where lines are a
// page apart, and what is fetched for the next tile while products are taken for this one.
//
// A tile reads a line or two of the factor for each term, far apart, which the processor does not foresee. It would
// wait for them with its first panel, or with the copy. So all panels of the tile before ask for a share of them, or
// copy it, each term as late as the others allow: few lines a page apart find room in a cache.

extension ContractionSchedule {
  /// Whether tiles fetch the next one's columns.
  func fetchesColumns(_ problem: ContractionProblem) -> Bool {
    guard problem.transposeLeft, problem.left.summed.isEven, problem.narrow == nil, tile.count > 1
    else { return false }
    // What stays in the second-level cache need not be asked for.
    return leftPacking == .columns || 4 * problem.m * problem.k > 512 << 10
  }
}

extension NativeContraction {
  private var copiesColumns: Bool { schedule.leftPacking == .columns }
  /// The bytes of a tile's copied columns.
  private var copyBytes: Int { schedule.depth * tileStrides.k }
  /// The bytes of scratch memory for copied columns: of this tile, and of the next.
  var columnBytes: Int { (fetchesColumns ? 2 : 1) * copyBytes }

  /// Finds the columns that a tile reads for this block of k, from `r8` on, and sets `r8` to where its products do: a
  /// copy, if there is one, of which the tile before may have made a part.
  func writeColumns(_ rows: Int, _ assembler: inout Assembler) {
    guard copiesColumns || fetchesColumns else { return }
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

  /// Copies the columns of `rcx` terms, from `r8` to `r9`, or, where terms are not equally far apart, of all of the
  /// block; overwrites these and `rdx`, and then `rax`, `rbx`, `rdi` and `r15` too.
  private func writeColumnPacking(_ rows: Int, _ assembler: inout Assembler) {
    let done = assembler.makeLabel()
    assembler.emit(.test, .rcx, .rcx)
    assembler.emit(.je, done)
    // Not one element more is read than there are rows.
    let mask: Register = isWide ? .k(2) : .ymm(1)
    writeMask(rows, mask, &assembler)
    let runs = problem.left.summed
    if runs.isEven {
      writeCopies(at: .r8, mask, &assembler)
    } else {
      assembler.emit(.lea, .rbx, .constant(runTable(runs, &assembler)))
      walkRuns(from: .r8, &assembler) { writeCopies(at: .rax, mask, &$0) }
    }
    assembler.bind(done)
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
        if isWide {
          assembler.emit(.vmovups, vector(0), source, mask: .zeroing(mask))
        } else {
          assembler.emit(.vmaskmovps, vector(0), mask, source)
        }
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

  /// Has `k2`, or what `rbx` is the address of, select the columns of the tile behind this one; overwrites `rax`
  /// and `rdx`.
  private func writeNextMask(_ assembler: inout Assembler) {
    let isShort = assembler.makeLabel()
    if isWide {
      assembler.emit(.mov, .edx, (1 << tile.height) - 1)
    } else {
      let masks = laneMask(tile.height) + laneMask(tile.tallest)
      assembler.emit(.lea, .rbx, .constant(assembler.constant(masks)))
    }
    if tile.tallCount > 0 {
      load(.tile, to: .rax, &assembler)
      assembler.emit(.cmp, .rax, tile.tallCount - 1)
      assembler.emit(.jge, isShort)
      if isWide {
        assembler.emit(.mov, .edx, (1 << tile.tallest) - 1)
      } else {
        assembler.emit(.add, .rbx, 4 * width)
      }
    }
    assembler.bind(isShort)
    if isWide { assembler.emit(.kmovw, .k(2), .edx) }
  }

  /// With one in about as many terms as there are panels, fetches one for the next tile; overwrites registers whose
  /// part in this term is over.
  ///
  /// `r13` terms are left, `r14` is where the next one's columns are, and `r15` where they are copied.
  func writeFetchStep(_ rows: Int, _ assembler: inout Assembler) {
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
      if isWide {
        assembler.emit(.vmovups, copy, .at(.r14), mask: .zeroing(.k(2)))
      } else {
        let mask = vector(rows == 1 ? panelRegister(0) - 1 : factorRegister(0))
        assembler.emit(.vmovups, mask, .at(.rbx))
        assembler.emit(.vmaskmovps, copy, mask, .at(.r14))
      }
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

import DescentGraph

extension NativeContraction {
  /// Copies the transposed panel at column `r11` to `r10`: for each k of the block, its columns side by side.
  ///
  /// A column of the panel is a row in memory. Squares of 16 columns by 16 steps of k change places in registers, or,
  /// with 256 bits, of 8 by 4. Lanes beyond the last column become zero. Overwrites `r8`, `r9`, `rax`,
  /// `rcx` and `rdx`, and, where k has several runs, `rbx`, `rsi`, `r12` and `r13`.
  func writeTransposition(_ panel: Panel, _ assembler: inout Assembler) {
    let (loop, rest, done) = (assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel())
    let steps = isWide ? 16 : 4
    writeRightAddress(&assembler)
    writeFirstRun(&assembler)
    assembler.emit(.mov, .rax, .r10)
    load(.depth, to: .rcx, &assembler)
    assembler.bind(loop)
    assembler.emit(.cmp, .rcx, steps)
    assembler.emit(.jl, rest)
    writeSquares(panel, isPartial: false, &assembler)
    assembler.emit(.add, .r9, 4 * steps)
    assembler.emit(.add, .rax, 4 * steps * tile.columns)
    assembler.emit(.sub, .rcx, steps)
    writeNextRun(steps, loop, &assembler)
    assembler.emit(.jmp, loop)
    assembler.bind(rest)
    assembler.emit(.test, .rcx, .rcx)
    assembler.emit(.je, done)
    writeRest(panel, &assembler)
    assembler.bind(done)
  }

  /// Goes to the block's first run of k in the panel at `r9`: `r13` keeps the panel's address, `rsi` the run's number,
  /// `r12` the steps left of it.
  private func writeFirstRun(_ assembler: inout Assembler) {
    let runs = problem.right.summed
    guard !runs.isEven else { return }
    assembler.emit(.mov, .r13, .r9)
    assembler.emit(.lea, .rbx, .constant(runTable(runs, &assembler)))
    load(.rightRun, to: .rsi, &assembler)
    assembler.emit(.movsxd, .r9, .at(.rbx, index: .rsi, scale: 4))
    assembler.emit(.add, .r9, .r13)
    load(.rightPlace, to: .rdx, &assembler)
    assembler.emit(.lea, .r9, .at(.r9, index: .rdx, scale: 4))
    assembler.emit(.mov, .r12, runs.length)
    assembler.emit(.sub, .r12, .rdx)
  }

  /// Takes steps from the run, and goes to the next when none are left; runs are whole squares long.
  private func writeNextRun(_ steps: Int, _ loop: Label, _ assembler: inout Assembler) {
    let runs = problem.right.summed
    guard !runs.isEven else { return }
    assembler.emit(.sub, .r12, steps)
    assembler.emit(.jne, loop)
    assembler.emit(.inc, .rsi)
    assembler.emit(.movsxd, .r9, .at(.rbx, index: .rsi, scale: 4))
    assembler.emit(.add, .r9, .r13)
    assembler.emit(.mov, .r12, runs.length)
  }

  /// Transposes the `rcx` steps of k that do not fill a square.
  private func writeRest(_ panel: Panel, _ assembler: inout Assembler) {
    if isWide {
      // The square's other rows are written too; there is room for them.
      assembler.emit(.mov, .edx, 1)
      assembler.emit(.shl, .edx, .cl)
      assembler.emit(.dec, .edx)
      assembler.emit(.kmovw, .k(2), .edx)
      return writeSquares(panel, isPartial: true, &assembler)
    }
    let loop = assembler.makeLabel()
    assembler.bind(loop)
    for column in 0..<panel.vectors * width {
      if column < panel.columns {
        if column % 8 == 0 { writeRowAddress(column, &assembler) }
        assembler.emit(.mov, .edx, .at(.r8, column % 8 * problem.rightStrides.n))
      } else if column == panel.columns {
        assembler.move(0, to: .rdx)
      }
      assembler.emit(.mov, .at(.rax, 4 * column), .edx)
    }
    assembler.emit(.add, .r9, 4)
    assembler.emit(.add, .rax, 4 * tile.columns)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
  }

  /// Sets `r8` to a column of the panel: displacements of 32 bits reach the next few.
  private func writeRowAddress(_ column: Int, _ assembler: inout Assembler) {
    guard column > 0 else { return assembler.emit(.mov, .r8, .r9) }
    assembler.move(column * problem.rightStrides.n, to: .r8)
    assembler.emit(.add, .r8, .r9)
  }

  private func writeSquares(_ panel: Panel, isPartial: Bool, _ assembler: inout Assembler) {
    for column in 0..<panel.vectors {
      let rows = min(width, panel.columns - column * width)
      writeRowAddress(column * width, &assembler)
      if isWide {
        writeWideSquare(column, rows, isPartial: isPartial, &assembler)
      } else {
        writeSquare(column, rows, &assembler)
      }
    }
  }

  private func writeWideSquare(
    _ column: Int, _ rows: Int, isPartial: Bool, _ assembler: inout Assembler
  ) {
    for row in 0..<16 {
      if row < rows {
        if problem.isRightLarge {
          assembler.emit(.prefetcht1, .at(.r8, row * problem.rightStrides.n + 256))
        }
        assembler.emit(
          .vmovups, .zmm(row), .at(.r8, row * problem.rightStrides.n),
          mask: isPartial ? .zeroing(.k(2)) : .none)
      } else {
        assembler.emit(.vpxord, .zmm(row), .zmm(row), .zmm(row))
      }
    }
    transposeSquare(&assembler)
    for row in 0..<16 {
      assembler.emit(.vmovups, .at(.rax, 4 * (row * tile.columns + 16 * column)), .zmm(row))
    }
  }

  /// Transposes the square in `zmm0 … zmm15`, working in `zmm16 … zmm31`.
  ///
  /// Single numbers, then pairs, then quarters of a register change places; the last exchange puts the quarters
  /// of a column in order.
  private func transposeSquare(_ assembler: inout Assembler) {
    for pair in 0..<8 {
      let (a, b) = (2 * pair, 2 * pair + 1)
      assembler.emit(.vunpcklps, .zmm(16 + a), .zmm(a), .zmm(b))
      assembler.emit(.vunpckhps, .zmm(16 + b), .zmm(a), .zmm(b))
    }
    for four in stride(from: 0, to: 16, by: 4) {
      for half in 0..<2 {
        let (a, b) = (16 + four + half, 16 + four + half + 2)
        assembler.emit(.vunpcklpd, .zmm(four + 2 * half), .zmm(a), .zmm(b))
        assembler.emit(.vunpckhpd, .zmm(four + 2 * half + 1), .zmm(a), .zmm(b))
      }
    }
    let (even, odd) = (0x88, 0xdd)
    for lane in 0..<4 {
      for half in [0, 8] {
        let (a, b) = (half + lane, half + 4 + lane)
        assembler.emit(.vshuff32x4, .zmm(16 + half + lane), .zmm(a), .zmm(b), even)
        assembler.emit(.vshuff32x4, .zmm(20 + half + lane), .zmm(a), .zmm(b), odd)
      }
    }
    for lane in 0..<4 {
      for quarter in 0..<2 {
        let (a, b) = (16 + 4 * quarter + lane, 24 + 4 * quarter + lane)
        assembler.emit(.vshuff32x4, .zmm(4 * quarter + lane), .zmm(a), .zmm(b), even)
        assembler.emit(.vshuff32x4, .zmm(8 + 4 * quarter + lane), .zmm(a), .zmm(b), odd)
      }
    }
  }

  /// Transposes 8 columns by 4 steps of k: the halves of `ymm0 … ymm3` hold 4 columns each, and change places within.
  private func writeSquare(_ column: Int, _ rows: Int, _ assembler: inout Assembler) {
    let step = problem.rightStrides.n
    if problem.isRightLarge {
      for row in 0..<rows { assembler.emit(.prefetcht1, .at(.r8, row * step + 256)) }
    }
    for row in 0..<4 {
      if row < rows {
        assembler.emit(.vmovups, .xmm(row), .at(.r8, row * step))
      } else {
        assembler.emit(.vpxor, .ymm(row), .ymm(row), .ymm(row))
      }
      guard row + 4 < rows else { continue }
      assembler.emit(.vinsertf128, .ymm(row), .ymm(row), .at(.r8, (row + 4) * step), 1)
    }
    for pair in [0, 2] {
      assembler.emit(.vunpcklps, .ymm(4 + pair), .ymm(pair), .ymm(pair + 1))
      assembler.emit(.vunpckhps, .ymm(5 + pair), .ymm(pair), .ymm(pair + 1))
    }
    for half in 0..<2 {
      assembler.emit(.vunpcklpd, .ymm(2 * half), .ymm(4 + half), .ymm(6 + half))
      assembler.emit(.vunpckhpd, .ymm(2 * half + 1), .ymm(4 + half), .ymm(6 + half))
    }
    for k in 0..<4 {
      assembler.emit(.vmovups, .at(.rax, 4 * (k * tile.columns + 8 * column)), .ymm(k))
    }
  }
}

// MARK: - Rows

extension NativeContraction {
  /// Copies the block's terms of the right factor to its panels, row by row.
  func writeRowsCopy(_ assembler: inout Assembler) {
    let (row, isEmpty) = (assembler.makeLabel(), assembler.makeLabel())
    let whole = problem.n / tile.columns * tile.columns
    load(.depth, to: .rcx, &assembler)
    load(.blockColumn, to: .r11, &assembler)
    writeRightAddress(&assembler)
    load(.scratch, to: .r10, &assembler)
    // The columns of whole panels.
    let isWhole = assembler.makeLabel()
    load(.endBlockColumn, to: .r14, &assembler)
    if whole < problem.n {
      assembler.emit(.cmp, .r14, whole)
      assembler.emit(.jle, isWhole)
      assembler.emit(.mov, .r14, whole)
      assembler.bind(isWhole)
    }
    assembler.emit(.sub, .r14, .r11)
    assembler.bind(row)
    assembler.emit(.mov, .r8, .r9)
    assembler.emit(.mov, .r12, .r10)
    assembler.emit(.mov, .rdx, .r14)
    if whole < problem.n {
      assembler.emit(.test, .rdx, .rdx)
      assembler.emit(.je, isEmpty)
    }
    let panel = assembler.makeLabel()
    assembler.align(to: 32)
    assembler.bind(panel)
    writeRowCopy(Panel(columns: tile.columns, width: width), &assembler)
    assembler.emit(.sub, .rdx, tile.columns)
    assembler.emit(.jg, panel)
    if whole < problem.n {
      assembler.bind(isEmpty)
      let isInside = assembler.makeLabel()
      load(.endBlockColumn, to: .rax, &assembler)
      assembler.emit(.cmp, .rax, whole)
      assembler.emit(.jle, isInside)
      writeRowCopy(Panel(columns: problem.n - whole, width: width), &assembler)
      assembler.bind(isInside)
    }
    assembler.emit(.add, .r9, problem.rightStrides.k)
    assembler.emit(.add, .r10, 4 * tile.columns)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, row)
  }

  /// Copies one term of a panel from `r8` to `r12`, asks for the one two rows on, and goes on to the next panel.
  private func writeRowCopy(_ panel: Panel, _ assembler: inout Assembler) {
    for column in 0..<panel.vectors {
      NativeTail.load(
        vector(column), from: .at(.r8, 4 * width * column), isPartial: panel.isPartial(column),
        &assembler)
    }
    let ahead = 2 * problem.rightStrides.k
    for line in 0..<(4 * panel.columns + 63) / 64 {
      assembler.emit(.prefetcht0, .at(.r8, ahead + 64 * line))
    }
    for column in 0..<panel.vectors {
      assembler.emit(.vmovups, .at(.r12, 4 * width * column), vector(column))
    }
    assembler.emit(.add, .r8, 4 * panel.columns)
    assembler.emit(.add, .r12, schedule.panelBytes)
  }
}

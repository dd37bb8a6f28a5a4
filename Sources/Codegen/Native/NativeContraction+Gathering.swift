// Copies of what a tile reads of the left factor, where it does not lie as the loop over k reads it.

extension NativeContraction {
  /// The constant that holds the distances of runs from the first, as numbers of 32 bits, with at least one more
  /// behind: tables are whole lines.
  func runTable(_ runs: ContractionProblem.Runs, _ assembler: inout Assembler) -> Constant {
    let rest = [Int](repeating: 0, count: 16 - runs.starts.count % 16)
    return assembler.constant(
      (runs.starts + rest).flatMap { start in
        (0..<4).map { UInt8(truncatingIfNeeded: start >> (8 * $0)) }
      })
  }

  /// Sets variables to the run in which this block of k begins, and to how many places are before it there.
  func writePlace(
    in runs: ContractionProblem.Runs, _ run: Local, _ place: Local, _ assembler: inout Assembler
  ) {
    guard !runs.isEven || problem.margins != nil && run == .leftRun else { return }
    load(.start, to: .rax, &assembler)
    writeDivision(by: runs.length, &assembler)
    store(.rax, to: run, &assembler)
    store(.rdx, to: place, &assembler)
  }

  /// Divides `rax`; the rest goes to `rdx`, and `rcx` is overwritten.
  func writeDivision(by divisor: Int, _ assembler: inout Assembler) {
    assembler.emit(.xor, .edx, .edx)
    assembler.emit(.mov, .ecx, divisor)
    assembler.emit(.div, .rcx)
  }

  /// Copies the terms of a tile's rows to scratch memory, row after row, and notes where they are.
  func writeRowPacking(_ rows: Int, _ assembler: inout Assembler) {
    if let pieces = schedule.pieces { return writePieces(pieces, rows, &assembler) }
    let (loop, done) = (assembler.makeLabel(), assembler.makeLabel())
    let (kept, summed) = (problem.left.kept, problem.left.summed)
    load(.scratch, to: .r13, &assembler)
    assembler.emit(.add, .r13, leftOffset)
    store(.r13, to: .tileLeft, &assembler)
    load(.depth, to: .rcx, &assembler)
    assembler.emit(.test, .rcx, .rcx)
    assembler.emit(.je, done)
    load(.row, to: .r12, &assembler)
    assembler.emit(.mov, .r14, rows)
    if !summed.isEven { assembler.emit(.lea, .rbx, .constant(runTable(summed, &assembler))) }
    if !kept.isEven { assembler.emit(.lea, .rsi, .constant(runTable(kept, &assembler))) }
    assembler.bind(loop)
    if kept.isEven {
      assembler.move(kept.step, to: .r8)
      assembler.emit(.imul, .r8, .r12)
    } else {
      assembler.emit(.mov, .rax, .r12)
      writeDivision(by: kept.length, &assembler)
      assembler.emit(.movsxd, .r8, .at(.rsi, index: .rax, scale: 4))
      assembler.emit(.imul, .rdx, .rdx, kept.step)
      assembler.emit(.add, .r8, .rdx)
    }
    assembler.emit(.add, .r8, local(.left))
    assembler.emit(.mov, .r9, .r13)
    walkRuns(from: .r8, &assembler) { writeCopy(&$0) }
    assembler.emit(.add, .r13, tileStrides.m)
    assembler.emit(.inc, .r12)
    assembler.emit(.dec, .r14)
    assembler.emit(.jne, loop)
    assembler.bind(done)
  }

  /// Copies the terms of a tile's rows where each block has the same pieces of them.
  ///
  /// `r8` is where the block begins in the row, `rdi` where it begins in the first row; `r15` and `r12` are the run of
  /// rows and the place in it.
  private func writePieces(
    _ pieces: [ContractionSchedule.Piece], _ rows: Int, _ assembler: inout Assembler
  ) {
    let (kept, summed) = (problem.left.kept, problem.left.summed)
    load(.scratch, to: .r13, &assembler)
    assembler.emit(.add, .r13, leftOffset)
    store(.r13, to: .tileLeft, &assembler)
    if summed.isEven {
      load(.start, to: .rdi, &assembler)
      assembler.emit(.shl, .rdi, 2)
    } else {
      assembler.emit(.lea, .rbx, .constant(runTable(summed, &assembler)))
      load(.leftRun, to: .rdi, &assembler)
      assembler.emit(.movsxd, .rdi, .at(.rbx, index: .rdi, scale: 4))
      load(.leftPlace, to: .rdx, &assembler)
      assembler.emit(.lea, .rdi, .at(.rdi, index: .rdx, scale: 4))
    }
    assembler.emit(.add, .rdi, local(.left))
    load(.row, to: .rax, &assembler)
    if kept.isEven {
      assembler.move(kept.step, to: .r8)
      assembler.emit(.imul, .r8, .rax)
    } else {
      writeDivision(by: kept.length, &assembler)
      assembler.emit(.mov, .r15, .rax)
      assembler.emit(.mov, .r12, .rdx)
      assembler.emit(.lea, .rsi, .constant(runTable(kept, &assembler)))
      assembler.emit(.movsxd, .r8, .at(.rsi, index: .r15, scale: 4))
      assembler.emit(.imul, .rdx, .rdx, kept.step)
      assembler.emit(.add, .r8, .rdx)
    }
    assembler.emit(.add, .r8, .rdi)
    assembler.emit(.lea, .rax, .at(.r8, rows * kept.step))
    store(.rax, to: .nextRows, &assembler)
    writePieceMask(pieces, &assembler)
    let loop = assembler.makeLabel()
    assembler.emit(.mov, .r14, rows)
    assembler.bind(loop)
    var target = 0
    for piece in pieces {
      for first in stride(from: 0, to: piece.count, by: width) {
        let source = Memory.at(.r8, piece.start + 4 * first)
        if piece.count - first >= width {
          assembler.emit(.vmovups, vector(0), source)
        } else if isWide {
          assembler.emit(.vmovups, vector(0), source, mask: .zeroing(.k(2)))
        } else {
          assembler.emit(.vmaskmovps, vector(0), vector(1), source)
        }
        // What is written behind a piece is overwritten by the next, or lies between rows.
        assembler.emit(.vmovups, .at(.r13, 4 * (target + first)), vector(0))
      }
      target += piece.count
    }
    assembler.emit(.add, .r13, tileStrides.m)
    assembler.emit(.add, .r8, kept.step)
    if !kept.isEven {
      let isInside = assembler.makeLabel()
      assembler.emit(.inc, .r12)
      assembler.emit(.cmp, .r12, kept.length)
      assembler.emit(.jl, isInside)
      assembler.emit(.xor, .r12, .r12)
      assembler.emit(.inc, .r15)
      assembler.emit(.movsxd, .r8, .at(.rsi, index: .r15, scale: 4))
      assembler.emit(.add, .r8, .rdi)
      assembler.bind(isInside)
    }
    assembler.emit(.dec, .r14)
    assembler.emit(.jne, loop)
  }

  /// Asks for some of what the next tile reads of its rows, so that all of it is near when it is copied.
  ///
  /// Panels share the lines: all at once would have to be waited for.
  func writeRowPrefetch(_ rows: Int, _ assembler: inout Assembler) {
    // Of many short pieces it would be more work to ask than to wait.
    guard let pieces = schedule.pieces, let count = pieces.map(\.count).max(), tile.count > 1,
      pieces.count * rows <= 128
    else { return }
    let step = problem.left.kept.step
    // What this tile's rows read too is near already.
    let lines = (min(4 * count, max(step, 64)) + 63) / 64
    let panels = schedule.blockColumns / tile.columns
    let share = (lines + panels - 1) / panels
    load(.nextRows, to: .rax, &assembler)
    for piece in pieces {
      let fresh = piece.start + max(0, 4 * piece.count - step)
      for row in 0..<rows {
        for line in 0..<share {
          assembler.emit(.prefetcht1, .at(.rax, fresh + row * step + 64 * line))
        }
      }
    }
    assembler.emit(.add, .rax, 64 * share)
    store(.rax, to: .nextRows, &assembler)
  }

  /// Sets the register that selects what is left of a piece behind whole vectors; all pieces are of one length.
  private func writePieceMask(
    _ pieces: [ContractionSchedule.Piece], _ assembler: inout Assembler
  ) {
    let rest = (pieces.first?.count ?? 0) % width
    guard rest > 0 else { return }
    writeMask(rest, isWide ? .k(2) : vector(1), &assembler)
  }

  /// Sets a register to select the first elements of a vector; overwrites `rdx`.
  func writeMask(_ count: Int, _ mask: Register, _ assembler: inout Assembler) {
    if isWide {
      assembler.emit(.mov, .edx, (1 << count) - 1)
      assembler.emit(.kmovw, mask, .edx)
    } else {
      assembler.emit(.vmovups, mask, .constant(assembler.constant(laneMask(count))))
    }
  }

  /// The bytes of a vector of 8 elements that selects the first.
  func laneMask(_ count: Int) -> [UInt8] {
    (0..<8).flatMap { lane in [UInt8](repeating: lane < count ? 0xff : 0, count: 4) }
  }

  /// Runs a body for each run of this block's terms.
  ///
  /// If a register is the address of the whole sum's first term, the body finds that of the run's in `rax` and their
  /// number in `rcx`; it leaves that register, `rbx`, `rdi` and `r15` as they are.
  func walkRuns(
    from base: Register, _ assembler: inout Assembler, _ body: (inout Assembler) -> Void
  ) {
    let runs = problem.left.summed
    guard !runs.isEven else {
      load(.start, to: .rcx, &assembler)
      assembler.emit(.lea, .rax, .at(base, index: .rcx, scale: 4))
      load(.depth, to: .rcx, &assembler)
      return body(&assembler)
    }
    let (loop, isWhole) = (assembler.makeLabel(), assembler.makeLabel())
    load(.depth, to: .r15, &assembler)
    load(.leftRun, to: .rdi, &assembler)
    load(.leftPlace, to: .rdx, &assembler)
    assembler.bind(loop)
    assembler.emit(.movsxd, .rax, .at(.rbx, index: .rdi, scale: 4))
    assembler.emit(.add, .rax, base)
    assembler.emit(.mov, .ecx, runs.length)
    assembler.emit(.sub, .rcx, .rdx)
    assembler.emit(.imul, .rdx, .rdx, runs.step)
    assembler.emit(.add, .rax, .rdx)
    assembler.emit(.cmp, .rcx, .r15)
    assembler.emit(.jle, isWhole)
    assembler.emit(.mov, .rcx, .r15)
    assembler.bind(isWhole)
    assembler.emit(.sub, .r15, .rcx)
    body(&assembler)
    assembler.emit(.inc, .rdi)
    assembler.emit(.xor, .edx, .edx)
    assembler.emit(.test, .r15, .r15)
    assembler.emit(.jne, loop)
  }

  /// Copies the `rcx` elements at `rax` to `r9`, and moves it behind them; up to a vector behind that is overwritten.
  private func writeCopy(_ assembler: inout Assembler) {
    for count in [4, 1] {
      let (loop, rest) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.bind(loop)
      assembler.emit(.sub, .rcx, count * width)
      assembler.emit(.jl, rest)
      for index in 0..<count {
        assembler.emit(.vmovups, vector(index), .at(.rax, 4 * width * index))
      }
      for index in 0..<count {
        assembler.emit(.vmovups, .at(.r9, 4 * width * index), vector(index))
      }
      assembler.emit(.add, .rax, 4 * width * count)
      assembler.emit(.add, .r9, 4 * width * count)
      assembler.emit(.jmp, loop)
      assembler.bind(rest)
      assembler.emit(.add, .rcx, count * width)
    }
    let (loop, done) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.test, .rcx, .rcx)
    assembler.emit(.je, done)
    if isWide {
      assembler.emit(.mov, .edx, 1)
      assembler.emit(.shl, .edx, .cl)
      assembler.emit(.dec, .edx)
      assembler.emit(.kmovw, .k(2), .edx)
      assembler.emit(.vmovups, vector(0), .at(.rax), mask: .zeroing(.k(2)))
      assembler.emit(.vmovups, .at(.r9), vector(0))
      assembler.emit(.lea, .r9, .at(.r9, index: .rcx, scale: 4))
    } else {
      assembler.bind(loop)
      assembler.emit(.mov, .edx, .at(.rax))
      assembler.emit(.mov, .at(.r9), .edx)
      assembler.emit(.add, .rax, 4)
      assembler.emit(.add, .r9, 4)
      assembler.emit(.dec, .rcx)
      assembler.emit(.jne, loop)
    }
    assembler.bind(done)
  }
}

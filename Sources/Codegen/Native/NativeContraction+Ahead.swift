// What the next block reads of a large right factor is asked for while this block's tiles multiply.
//
// The first tile of a block meets all of its panels, one right after the other, faster than memory brings them; the
// other tiles find them in the cache. With few tiles, the first one's waiting weighs.

extension NativeContraction {
  /// Has tiles ask for nothing: again and again for one line.
  func writeNothingAsked(_ assembler: inout Assembler) {
    load(.scratch, to: .rax, &assembler)
    store(.rax, to: .asked, &assembler)
    set(.askedStep, to: 0, &assembler)
    set(.askedLines, to: 0, &assembler)
  }

  /// Has tiles from `rax` on ask for the next block, if that is the first of those in the middle, or for nothing, if it
  /// is the first behind them.
  ///
  /// Leaves `rax` as it is. Tiles in the middle are the least likely to leave terms out.
  func writeFirstAsked(_ assembler: inout Assembler) {
    let (isEnough, isFirst, isEarly, sameColumns, done) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel(),
      assembler.makeLabel()
    )
    let strides = problem.rightStrides
    load(.endBlockTile, to: .rcx, &assembler)
    assembler.emit(.sub, .rcx, local(.blockTile))
    assembler.emit(.sub, .rcx, schedule.askingTiles)
    assembler.emit(.jge, isEnough)
    assembler.emit(.xor, .ecx, .ecx)
    assembler.bind(isEnough)
    assembler.emit(.sar, .rcx, 1)
    assembler.emit(.add, .rcx, local(.blockTile))
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.je, isFirst)
    assembler.emit(.add, .rcx, schedule.askingTiles)
    assembler.emit(.cmp, .rax, .rcx)
    assembler.emit(.jne, done)
    writeNothingAsked(&assembler)
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
    assembler.emit(.jge, done)
    assembler.emit(.jmp, sameColumns)
    assembler.bind(isEarly)
    if schedule.isDeep {
      load(.rightBlock, to: .r8, &assembler)
      assembler.move(strides.k, to: .rdx)
      assembler.emit(.imul, .rdx, local(.depth))
      assembler.emit(.add, .r8, .rdx)
    }
    assembler.bind(sameColumns)
    assembler.move(strides.n, to: .rdx)
    assembler.emit(.imul, .rcx, .rdx)
    assembler.emit(.add, .r8, .rcx)
    store(.r8, to: .asked, &assembler)
    set(.askedStep, to: problem.transposeRight ? strides.n : strides.k, &assembler)
    set(.askedLines, to: 0, &assembler)
    load(.tile, to: .rax, &assembler)
    assembler.bind(done)
  }

  /// Sets `r12` to what a loop over k asks for first, and `r10` to the distance to the next.
  func loadAsked(_ assembler: inout Assembler) {
    load(.asked, to: .r12, &assembler)
    load(.askedStep, to: .r10, &assembler)
  }

  func writeAsking(_ assembler: inout Assembler) {
    assembler.emit(.prefetcht1, .at(.r12))
    assembler.emit(.add, .r12, .r10)
  }

  /// Goes on to the next line of each k, or, where panels are transposed, of each column, and after the last one to
  /// the columns behind.
  func writeNextAsked(_ assembler: inout Assembler) {
    assembler.emit(.mov, .eax, 64)
    assembler.emit(.add, local(.asked), .rax)
    guard problem.transposeRight else { return }
    let isInside = assembler.makeLabel()
    let lines = (4 * schedule.depth + 63) / 64
    load(.askedLines, to: .rax, &assembler)
    assembler.emit(.inc, .rax)
    assembler.emit(.cmp, .rax, lines)
    assembler.emit(.jl, isInside)
    load(.askedStep, to: .rax, &assembler)
    assembler.emit(.imul, .rax, .rax, schedule.depth)
    assembler.emit(.sub, .rax, 64 * lines)
    assembler.emit(.add, local(.asked), .rax)
    assembler.emit(.xor, .eax, .eax)
    assembler.bind(isInside)
    store(.rax, to: .askedLines, &assembler)
  }
}

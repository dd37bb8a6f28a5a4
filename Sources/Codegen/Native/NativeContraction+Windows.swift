import DescentGraph

// Products of windows that reach outside of the left factor, summed over their elements: what they do not find is left
// out.
//
// A tile lies within one line of windows. So a line of their elements lies within the factor for all of its rows or
// for none, which a mask says for each line of windows; and an element of a line is found by neighbouring rows, which
// are known for each kind of tile. A tile in the middle finds whole lines; at the edges it goes from element to
// element, and takes the rows that find it.

extension NativeContraction {
  /// Finds the run of rows in which tile `rax` lies, and its mask; leaves the tile's number within the run in `rax`.
  func writeTileRun(_ assembler: inout Assembler) {
    writeDivision(by: tile.runCount, &assembler)
    store(.rax, to: .tileRun, &assembler)
    if let table {
      assembler.emit(.mov, .r8, .rdx)
      assembler.emit(.mov, .rdx, .rax)
      writeList(table, &assembler)
      return assembler.emit(.mov, .rax, .r8)
    }
    guard let masks else { return assembler.emit(.mov, .rax, .rdx) }
    assembler.emit(.mov, .r8, .rdx)
    writeDivision(by: masks.count, &assembler)
    let bytes = masks.flatMap { mask in
      (0..<8).map { UInt8(truncatingIfNeeded: mask >> (8 * $0)) }
    }
    let rest = [UInt8](repeating: 0, count: (64 - bytes.count % 64) % 64)
    assembler.emit(.lea, .rax, .constant(assembler.constant(bytes + rest)))
    assembler.emit(.mov, .rax, .at(.rax, index: .rdx, scale: 8))
    store(.rax, to: .lineMask, &assembler)
    assembler.emit(.mov, .rax, .r8)
  }

  /// Adds the products of the block's terms that a tile's windows find.
  ///
  /// `r14` is the first window, `rdi` the element, `r13` its number in its line, `r15` how many terms are left, and the
  /// lowest bit of `rsi` says whether the line lies within the factor.
  func writeWindows(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, _ margins: WindowMargins,
    _ blocks: WindowBlocks, _ assembler: inout Assembler
  ) {
    let line = margins.innermost.elements
    let takesLines = variant.found.isEmpty && blocks.hasWholeLines && margins.hasDenseLines
    let terms = takesLines ? line * margins.channels : blocks.run
    let (loop, leftOut, next) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel()
    )
    assembler.emit(.mov, .r14, .r8)
    assembler.emit(.lea, .rbx, .constant(runTable(problem.left.summed, &assembler)))
    load(.leftRun, to: .rdi, &assembler)
    if blocks.run < margins.channels {
      load(.leftPlace, to: .rdx, &assembler)
      assembler.emit(.lea, .r14, .at(.r14, index: .rdx, scale: 4))
    }
    assembler.emit(.mov, .rax, .rdi)
    writeDivision(by: line, &assembler)
    assembler.emit(.mov, .r13, .rdx)
    if masks != nil {
      assembler.emit(.mov, .rcx, .rax)
      load(.lineMask, to: .rsi, &assembler)
      assembler.emit(.shr, .rsi, .cl)
    }
    load(.depth, to: .r15, &assembler)
    assembler.bind(loop)
    if masks != nil {
      assembler.emit(.test, .rsi, 1)
      assembler.emit(.je, leftOut)
    }
    writeElement(variant, panel, source, terms: terms, leftOut, next, &assembler)
    assembler.bind(leftOut)
    let step = source == .packed ? 4 * tile.columns : problem.rightStrides.k
    assembler.move(terms * step, to: .rax)
    assembler.emit(.add, .r9, .rax)
    if schedule.prefetchesNextBlock, source != .packing {
      assembler.emit(.imul, .rax, .r10, terms)
      assembler.emit(.add, .r12, .rax)
    }
    assembler.bind(next)
    if takesLines {
      assembler.emit(.add, .rdi, line)
      if masks != nil { assembler.emit(.shr, .rsi, 1) }
    } else {
      writeNextElement(line, &assembler)
    }
    assembler.emit(.sub, .r15, terms)
    assembler.emit(.jne, loop)
  }

  /// Goes to the next element, and to the next line after the last of one.
  private func writeNextElement(_ line: Int, _ assembler: inout Assembler) {
    let isInside = assembler.makeLabel()
    assembler.emit(.inc, .rdi)
    assembler.emit(.inc, .r13)
    assembler.emit(.cmp, .r13, line)
    assembler.emit(.jl, isInside)
    assembler.emit(.xor, .r13, .r13)
    if masks != nil { assembler.emit(.shr, .rsi, 1) }
    assembler.bind(isInside)
  }

  /// Adds the products of one run of terms to the rows that find it, and jumps to `next`; to `leftOut` if none do.
  private func writeElement(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, terms: Int, _ leftOut: Label,
    _ next: Label,
    _ assembler: inout Assembler
  ) {
    let all = variant.found.isEmpty ? [0..<variant.rows] : variant.found
    assembler.emit(.movsxd, .r8, .at(.rbx, index: .rdi, scale: 4))
    assembler.emit(.add, .r8, .r14)
    assembler.move(terms, to: .rcx)
    for (element, taken) in all.enumerated() {
      // Neighbouring elements that the same rows find share a loop.
      let isLast = element == all.count - 1
      if !isLast, all[element + 1] == taken { continue }
      let other = assembler.makeLabel()
      if !isLast {
        assembler.emit(.cmp, .r13, element)
        assembler.emit(.jg, other)
      }
      if taken.isEmpty {
        assembler.emit(.jmp, leftOut)
      } else {
        writeLoop(taken, of: variant, panel, source, upTo: terms, &assembler)
        assembler.emit(.jmp, next)
      }
      assembler.bind(other)
    }
  }

  /// Copies the panel at column `r11` to `r10`: for each k of the block, its columns side by side.
  ///
  /// Overwrites `r9`, `rax` and `rcx`.
  func writePanelCopy(_ panel: Panel, _ assembler: inout Assembler) {
    // Of no images, or over no channels, there are no terms.
    guard problem.k > 0 else { return }
    let loop = assembler.makeLabel()
    writeRightAddress(&assembler)
    assembler.emit(.mov, .rax, .r10)
    load(.depth, to: .rcx, &assembler)
    assembler.bind(loop)
    if problem.isRightLarge { prefetchPanel(panel, 0, &assembler) }
    for column in 0..<panel.vectors {
      loadPanel(column, panel, .inPlace, 0, to: vector(column), &assembler)
    }
    for column in 0..<panel.vectors {
      assembler.emit(.vmovups, .at(.rax, 4 * width * column), vector(column))
    }
    assembler.emit(.add, .r9, problem.rightStrides.k)
    assembler.emit(.add, .rax, 4 * tile.columns)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
  }
}

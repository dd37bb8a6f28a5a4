import DescentGraph

// Sums over windows that reach outside of the left factor: windows that do not find an element are left out.
//
// A tile's rows are channels of one element of a window, and the windows that find it are runs in each line of an
// image, the same in all images. So a table says for each element where these runs are, and a tile goes from run to
// run and from image to image. Where an element has few channels, tiles reach over several elements of a line, and each
// run says which of their rows it finds.

extension NativeContraction {
  /// Sets where in the image and the table this block begins, and how many images it has.
  func writeImages(_ table: WindowTable, _ images: ImageBlocks, _ assembler: inout Assembler) {
    if table.parts > 1 {
      load(.leftPlace, to: .rax, &assembler)
      writeDivision(by: images.depth, &assembler)
      store(.rax, to: .leftPlace, &assembler)
    } else {
      load(.depth, to: .rax, &assembler)
      writeDivision(by: images.image, &assembler)
      store(.rax, to: .images, &assembler)
    }
  }

  /// Sets `rcx` to the depth of the block at `start`, if the end of the sums were far: a block ends with its image.
  func writeDepth(within images: ImageBlocks, _ assembler: inout Assembler) {
    let isShort = assembler.makeLabel()
    load(.start, to: .rax, &assembler)
    writeDivision(by: images.image, &assembler)
    assembler.move(images.image, to: .rcx)
    assembler.emit(.sub, .rcx, .rdx)
    assembler.emit(.cmp, .rcx, schedule.depth)
    assembler.emit(.jle, isShort)
    assembler.move(schedule.depth, to: .rcx)
    assembler.bind(isShort)
  }

  /// Finds the list of the tile whose run of rows is in `rdx`; leaves `rax` as it is.
  func writeList(_ table: WindowTable, _ assembler: inout Assembler) {
    if table.isOfTiles { load(.tile, to: .rdx, &assembler) }
    if table.parts > 1 {
      assembler.emit(.imul, .rdx, .rdx, table.parts)
      assembler.emit(.add, .rdx, local(.leftPlace))
    }
    let lists = table.lists.flatMap { [$0.lowerBound, $0.upperBound] }
    assembler.emit(.lea, .rsi, .constant(constant(lists, &assembler)))
    let entries = table.entries.flatMap { [$0.left, $0.right, $0.count, $0.found] }
    assembler.emit(.lea, .rdi, .constant(constant(entries, &assembler)))
    for (place, name) in [Local.firstRun, .lastRun].enumerated() {
      assembler.emit(.movsxd, .rcx, .at(.rsi, index: .rdx, scale: 8, 4 * place))
      assembler.emit(.add, .rcx, .rdi)
      store(.rcx, to: name, &assembler)
    }
  }

  /// Moves the address in `r8` from the first image to the block's.
  func writeImageAddress(_ table: WindowTable, _ assembler: inout Assembler) {
    assembler.move(table.imageBytes, to: .rcx)
    assembler.emit(.imul, .rcx, local(.leftRun))
    assembler.emit(.add, .r8, .rcx)
  }

  /// Adds the products of the block's windows that find a tile's rows.
  ///
  /// `r14` is the image in the left factor and `r13` its first term in the panel, `rsi` the run and `rdi` the end of
  /// its list, and `r15` how many images are left.
  func writeRunsOfWindows(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, _ table: WindowTable,
    _ images: ImageBlocks, _ assembler: inout Assembler
  ) {
    let hasSeveral = images.depth > images.image
    let (image, run, done) = (
      assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel()
    )
    assembler.emit(.mov, .r14, .r8)
    assembler.emit(.mov, .r13, .r9)
    load(.lastRun, to: .rdi, &assembler)
    if hasSeveral { load(.images, to: .r15, &assembler) }
    assembler.bind(image)
    load(.firstRun, to: .rsi, &assembler)
    assembler.emit(.cmp, .rsi, .rdi)
    assembler.emit(.je, done)
    assembler.bind(run)
    assembler.emit(.movsxd, .r8, .at(.rsi))
    assembler.emit(.movsxd, .r9, .at(.rsi, 4))
    assembler.emit(.mov, .ecx, .at(.rsi, 8))
    assembler.emit(.add, .r8, .r14)
    assembler.emit(.add, .r9, .r13)
    writeRun(variant, panel, source, upTo: table.longestRun, &assembler)
    assembler.emit(.add, .rsi, WindowTable.Entry.byteCount)
    assembler.emit(.cmp, .rsi, .rdi)
    assembler.emit(.jne, run)
    if hasSeveral {
      assembler.move(table.imageBytes, to: .rax)
      assembler.emit(.add, .r14, .rax)
      assembler.move(images.image * table.rightStep, to: .rax)
      assembler.emit(.add, .r13, .rax)
      assembler.emit(.dec, .r15)
      assembler.emit(.jne, image)
    }
    assembler.bind(done)
  }

  /// Adds the products of the run at `rsi`, up to so many, to the rows that it finds.
  private func writeRun(
    _ variant: TileVariant, _ panel: Panel, _ source: Source, upTo terms: Int,
    _ assembler: inout Assembler
  ) {
    let all = variant.found.isEmpty ? [0..<variant.rows] : variant.found
    let next = assembler.makeLabel()
    for (number, rows) in all.enumerated() {
      let other = assembler.makeLabel()
      let isLast = number == all.count - 1
      if !isLast {
        assembler.emit(.mov, .eax, .at(.rsi, 12))
        assembler.emit(.cmp, .rax, number)
        assembler.emit(.jne, other)
      }
      writeLoop(rows, of: variant, panel, source, upTo: terms, &assembler)
      if !isLast { assembler.emit(.jmp, next) }
      assembler.bind(other)
    }
    assembler.bind(next)
  }

  /// The constant that holds numbers of 32 bits, in whole lines and at least one more.
  func constant(_ numbers: [Int], _ assembler: inout Assembler) -> Constant {
    let rest = [Int](repeating: 0, count: 16 - numbers.count % 16)
    return assembler.constant(
      (numbers + rest).flatMap { number in
        (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
      })
  }
}

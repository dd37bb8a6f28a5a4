import DescentGraph

extension NativeContraction {
  /// Computes and stores one tile of a panel.
  func writeTile(rows: Int, _ panel: Panel, _ assembler: inout Assembler) {
    let sum = { (row: Int, column: Int) in row * panel.vectors + column }
    for index in 0..<rows * panel.vectors {
      assembler.emit(isWide ? .vpxord : .vpxor, vector(index), vector(index), vector(index))
    }
    let loop = assembler.makeLabel()
    assembler.move(kernel.extents.k, to: .rcx)
    assembler.bind(loop)
    if rows == 1 {
      writeRow(panel, &assembler)
    } else {
      for column in 0..<panel.vectors {
        loadPanel(column, panel, to: vector(panelRegister(column)), &assembler)
      }
    }
    for row in 0..<rows where rows > 1 {
      let factor = vector(factorRegister(row))
      assembler.emit(.vbroadcastss, factor, .at(.r8, row * tileRowBytes))
      for column in 0..<panel.vectors {
        assembler.emit(
          .vfmadd231ps, vector(sum(row, column)), factor, vector(panelRegister(column)))
      }
    }
    addBytes(leftStrides.k, to: .r8, &assembler)
    addBytes(panelStride(panel), to: .r9, &assembler)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
    for row in 0..<rows {
      for column in 0..<panel.vectors {
        writeResult(row, column, panel, sum: UInt8(sum(row, column)), &assembler)
      }
    }
  }

  /// Adds one row's products for one k; each vector of the panel is used once, so it stays in memory.
  private func writeRow(_ panel: Panel, _ assembler: inout Assembler) {
    let (factor, partial) = (vector(isWide ? 31 : 14), vector(isWide ? 30 : 13))
    assembler.emit(.vbroadcastss, factor, .at(.r8))
    for column in 0..<panel.vectors {
      if !tile.packs, panel.isPartial(column) {
        loadPanel(column, panel, to: partial, &assembler)
        assembler.emit(.vfmadd231ps, vector(column), factor, partial)
      } else {
        assembler.emit(.vfmadd231ps, vector(column), factor, .at(.r9, 4 * width * column))
      }
    }
  }

  /// The registers that hold the panel's vectors: the last of those without sums.
  private func panelRegister(_ column: Int) -> Int { (isWide ? 31 : 14) - column }

  /// The registers that hold a row's factor.
  private func factorRegister(_ row: Int) -> Int {
    let next = panelRegister(tile.vectors - 1) - 1
    return isTwoFactors ? next - row % 2 : next
  }

  /// Whether there is a register to load the next row's factor while this one is in use.
  private var isTwoFactors: Bool {
    let used = (tile.height + (tile.tallCount > 0 ? 1 : 0)) * tile.vectors
    return (isWide ? 32 : 15) - used - tile.vectors >= 2
  }

  /// The distance in bytes from one k to the next in the panel.
  private func panelStride(_ panel: Panel) -> Int {
    tile.packs ? 4 * panel.vectors * width : 4 * kernel.extents.n
  }

  private func loadPanel(
    _ column: Int, _ panel: Panel, to target: Register, _ assembler: inout Assembler
  ) {
    let memory = Memory.at(.r9, 4 * width * column)
    guard !tile.packs, panel.isPartial(column) else {
      assembler.emit(.vmovups, target, memory)
      return
    }
    loadPartial(memory, to: target, &assembler)
  }

  private func loadPartial(_ memory: Memory, to target: Register, _ assembler: inout Assembler) {
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    if isWide {
      assembler.emit(.vmovups, target, memory, mask: .zeroing(tail))
    } else {
      assembler.emit(.vmaskmovps, target, tail, memory)
    }
  }

  private func addBytes(_ count: Int, to register: Register, _ assembler: inout Assembler) {
    assembler.emit(.add, register, count)
  }

  /// Runs the epilogue on one vector of sums and stores it.
  private func writeResult(
    _ row: Int, _ column: Int, _ panel: Panel, sum: UInt8, _ assembler: inout Assembler
  ) {
    let target = Memory.at(.r10, 4 * (row * kernel.extents.n + column * width))
    let isPartial = panel.isPartial(column)
    guard let epilogue else {
      let tail = VectorEmitter.tailRegister(isWide: isWide)
      if !isPartial {
        assembler.emit(.vmovups, target, vector(Int(sum)))
      } else if isWide {
        assembler.emit(.vmovups, target, vector(Int(sum)), mask: .merging(tail))
      } else {
        assembler.emit(.vmaskmovps, target, tail, vector(Int(sum)))
      }
      return
    }
    let count = isPartial ? panel.columns % width : width
    let streams = epilogue.selection.elements ?? []
    let results = epilogue.emit(
      to: &assembler, count: count, core: sum,
      streams: { index, _ in
        let size = streams[index].type.byteCount
        let (rowStep, columnStep) = strides[index]
        return .at(
          .gpr(NativeContraction.streamBases[index]),
          size * (row * rowStep + column * width * columnStep))
      })
    epilogue.store(results[0], .f32, to: target, count: count, &assembler)
  }
}

// MARK: - Packing

extension NativeContraction {
  /// Copies the rows of all tiles to scratch memory, each a cache line farther from the one before.
  ///
  /// A row is whole vectors, since its length is a multiple of a page.
  func writeLeftCopy(_ assembler: inout Assembler) {
    let (row, column, end) = (assembler.makeLabel(), assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.mov, .rsi, .at(.rsp, Local.firstTile))
    writeFirstRow(&assembler)
    assembler.emit(.mov, .r11, .rax)
    assembler.move(leftStrides.m, to: .r8)
    assembler.emit(.imul, .r8, .rax)
    assembler.emit(.add, .r8, .at(.rsp, Local.left))
    assembler.move(tileRowBytes, to: .r10)
    assembler.emit(.imul, .r10, .rax)
    assembler.emit(.add, .r10, .at(.rsp, Local.scratch))
    assembler.emit(.add, .r10, panelBytes)
    assembler.emit(.mov, .rsi, .at(.rsp, Local.endTile))
    writeFirstRow(&assembler)
    assembler.bind(row)
    assembler.emit(.cmp, .r11, .rax)
    assembler.emit(.jge, end)
    assembler.move(0, to: .rcx)
    assembler.bind(column)
    assembler.emit(.vmovups, vector(0), .at(.r8, index: .rcx))
    assembler.emit(.vmovups, .at(.r10, index: .rcx), vector(0))
    assembler.emit(.add, .rcx, 4 * width)
    assembler.emit(.cmp, .rcx, 4 * kernel.extents.k)
    assembler.emit(.jl, column)
    addBytes(leftStrides.m, to: .r8, &assembler)
    addBytes(tileRowBytes, to: .r10, &assembler)
    assembler.emit(.inc, .r11)
    assembler.emit(.jmp, row)
    assembler.bind(end)
  }

  /// Copies the panel at column `r11` to scratch memory: for each k, its vectors side by side.
  func writePacking(_ panel: Panel, _ assembler: inout Assembler) {
    let k = kernel.extents.k
    assembler.emit(.mov, .r10, .at(.rsp, Local.scratch))
    assembler.emit(.mov, .r9, .at(.rsp, Local.right))
    guard kernel.contraction.transposeRight else {
      assembler.emit(.lea, .r9, .at(.r9, index: .r11, scale: 4))
      return writePackingLoop(k, sourceBytes: 4 * kernel.extents.n, panel, &assembler)
    }
    // A column of the panel is a row in memory.
    assembler.move(4 * k, to: .rax)
    assembler.emit(.imul, .rax, .r11)
    assembler.emit(.add, .r9, .rax)
    let squares = isWide && !panel.isPartial ? k / width : 0
    if squares > 0 { writeSquares(squares, panel, &assembler) }
    guard squares * width < k else { return }
    loadLaneOffsets(k, &assembler)
    writePackingLoop(k - squares * width, sourceBytes: 4, panel, &assembler)
  }

  /// Copies the panel's vectors for so many k, one after the other.
  private func writePackingLoop(
    _ count: Int, sourceBytes: Int, _ panel: Panel, _ assembler: inout Assembler
  ) {
    let loop = assembler.makeLabel()
    assembler.move(count, to: .rcx)
    assembler.bind(loop)
    for column in 0..<panel.vectors {
      let memory = Memory.at(.r9, 4 * width * column)
      if kernel.contraction.transposeRight {
        gatherColumn(column, panel, &assembler)
      } else if panel.isPartial(column) {
        loadPartial(memory, to: vector(column), &assembler)
      } else {
        assembler.emit(.vmovups, vector(column), memory)
      }
      assembler.emit(.vmovups, .at(.r10, 4 * width * column), vector(column))
    }
    addBytes(sourceBytes, to: .r9, &assembler)
    addBytes(4 * panel.vectors * width, to: .r10, &assembler)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
  }

  /// Transposes squares of 16 rows and 16 values of k, so many one after the other, for each vector of the panel.
  private func writeSquares(_ count: Int, _ panel: Panel, _ assembler: inout Assembler) {
    let loop = assembler.makeLabel()
    let panelBytes = 4 * panel.vectors * width
    assembler.move(count, to: .rcx)
    assembler.bind(loop)
    for column in 0..<panel.vectors {
      for row in 0..<16 {
        let offset = 4 * kernel.extents.k * (16 * column + row)
        assembler.emit(.vmovups, .zmm(row), .at(.r9, offset))
      }
      transposeSquare(&assembler)
      for row in 0..<16 {
        assembler.emit(.vmovups, .at(.r10, row * panelBytes + 64 * column), .zmm(row))
      }
    }
    addBytes(64, to: .r9, &assembler)
    addBytes(16 * panelBytes, to: .r10, &assembler)
    assembler.emit(.dec, .rcx)
    assembler.emit(.jne, loop)
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

  /// The register with the distances, in elements, between the rows that lanes are gathered from.
  private var offsetRegister: Register { vector(isWide ? 31 : 14) }

  private func loadLaneOffsets(_ k: Int, _ assembler: inout Assembler) {
    var bytes: [UInt8] = []
    for lane in 0..<width {
      let offset = UInt32(lane * k)
      for shift in [0, 8, 16, 24] as [UInt32] {
        bytes.append(UInt8(truncatingIfNeeded: offset >> shift))
      }
    }
    assembler.emit(.vmovups, offsetRegister, .constant(assembler.constant(bytes)))
  }

  /// Gathers one element from each of a vector's rows; lanes beyond the last row become zero.
  private func gatherColumn(_ column: Int, _ panel: Panel, _ assembler: inout Assembler) {
    let target = vector(column)
    let tail = VectorEmitter.tailRegister(isWide: isWide)
    let source = Memory.at(
      .r9, index: offsetRegister, scale: 4, 4 * width * column * kernel.extents.k)
    assembler.emit(isWide ? .vpxord : .vpxor, target, target, target)
    if isWide {
      if panel.isPartial(column) {
        assembler.emit(.kmovw, .k(2), tail)
      } else {
        assembler.emit(.kxnorw, .k(2), .k(2), .k(2))
      }
      assembler.emit(.vgatherdps, target, source, mask: .merging(.k(2)))
    } else {
      let mask = vector(13)
      if panel.isPartial(column) {
        assembler.emit(.vmovaps, mask, tail)
      } else {
        assembler.emit(.vpcmpeqd, mask, mask, mask)
      }
      assembler.emit(.vgatherdps, target, source, mask)
    }
  }
}

import DescentGraph

/// Writes the code of contraction kernels.
///
/// The result is cut into row tiles and column panels. One tile of one panel stays in registers while k runs from first
/// to last: for every k, the panel's vectors are loaded once, and each row's factor is repeated over a vector and
/// meets them in fused multiply-adds. So each element takes its products in ascending order, as `Contraction`
/// asks. Then the epilogue runs on the registers, and the tile is stored.
///
/// Registers: `rdi` operand addresses, `rsi` the tile, `r8` the left factor, `r9` the panel, `r10` the result, `r11`
/// the panel's first column, `rcx` k, `rax` a temporary; the addresses of the epilogue's streams in `streamBases`.
struct NativeContraction {
  let kernel: ContractionKernel
  let isWide: Bool
  let tile: ContractionTile
  let epilogue: VectorEmitter?
  /// For each stream of the epilogue, the distance in elements between rows and between columns.
  let strides: [(row: Int, column: Int)]

  static let streamBases = [12, 13, 14, 15, 3]

  /// Where the variables of the loops lie, from the stack pointer.
  enum Local {
    static let scratch = 0
    static let firstTile = 8
    static let endTile = 16
    static let left = 24
    static let right = 32
    static let result = 40
    static let batch = 48
    static let endBatch = 56
  }

  /// Creates a generator, or nothing where the kernel is left to the portable backend.
  init?(_ kernel: ContractionKernel, isWide: Bool) {
    let extents = kernel.extents
    guard kernel.contraction.chunks == 1, extents.m > 0, extents.n > 0, extents.batch > 0,
      extents.k > 0, max(extents.m, extents.n, extents.k) < 1 << 20
    else { return nil }
    self.kernel = kernel
    self.isWide = isWide
    tile = ContractionTile(
      extents, isTransposed: kernel.contraction.transposeRight, isWide: isWide)
    guard kernel.epilogue.instructions.count > 1 else {
      (epilogue, strides) = (nil, [])
      return
    }
    guard extents.batch == 1,
      let selection = InstructionSelection(
        kernel.epilogue, kept: [kernel.result], domain: kernel.domain, isWide: isWide),
      let streams = selection.elements, streams.count <= NativeContraction.streamBases.count,
      selection.resultTypes == [.f32]
    else { return nil }
    strides = streams.map { stream in
      let strides = stream.access.strides
      // Where the axes of the result have merged, both are steps along one line.
      if strides.count == 2 { return (strides[0], strides[1]) }
      let step = strides.last ?? 0
      return (step * extents.n, step)
    }
    guard kernel.domain.count <= 2,
      // Rows of a tile are reached by displacements of 32 bits.
      strides.allSatisfy({ ($0.column == 0 || $0.column == 1) && abs($0.row) <= 1 << 24 })
    else { return nil }
    epilogue = VectorEmitter(selection, vectors: tile.freeVectors)
  }

  var width: Int { isWide ? 16 : 8 }

  func vector(_ number: Int) -> Register { isWide ? .zmm(number) : .ymm(number) }

  /// The distances in bytes between neighbours of the left factor along m and k.
  var leftStrides: (m: Int, k: Int) {
    kernel.contraction.transposeLeft
      ? (4, 4 * kernel.extents.m) : (4 * kernel.extents.k, 4)
  }

  /// Whether the left factor is copied first: its rows would all fall into the same cache sets.
  var copiesLeft: Bool {
    tile.height >= 4 && !kernel.contraction.transposeLeft && leftStrides.m % 4096 == 0
  }

  /// The distance in bytes between rows of the left factor as the loop over k reads them.
  var tileRowBytes: Int { copiesLeft ? leftStrides.m + 64 : leftStrides.m }

  func write(to assembler: inout Assembler) -> NativeKernel {
    let frame = NativeFrame(spillBytes: epilogue?.spillBytes ?? 0)
    frame.enter(&assembler)
    assembler.emit(.mov, .at(.rsp, Local.scratch), .rcx)
    loadBase(kernel.left, Local.left, &assembler)
    loadBase(kernel.right, Local.right, &assembler)
    loadBase(kernel.target, Local.result, &assembler)
    if kernel.extents.batch == 1 {
      assembler.emit(.mov, .at(.rsp, Local.firstTile), .rsi)
      assembler.emit(.mov, .at(.rsp, Local.endTile), .rdx)
      writeMatrix(&assembler)
    } else {
      writeBatch(&assembler)
    }
    frame.leave(&assembler)
    let leftBytes = copiesLeft ? kernel.extents.m * tileRowBytes : 0
    return NativeKernel(grid: grid, scratchBytes: panelBytes + leftBytes)
  }

  /// The scratch memory for a packed panel; copied rows lie behind it.
  var panelBytes: Int { tile.packs ? tile.panelBytes : 0 }

  private var grid: TileGrid {
    let extents = kernel.extents
    let work = extents.m * extents.n * extents.k / 8
    return extents.batch == 1
      ? TileGrid(units: tile.count, workPerUnit: max(1, work / tile.count))
      : TileGrid(units: extents.batch, workPerUnit: work)
  }

  private func loadBase(_ operand: Int, _ local: Int, _ assembler: inout Assembler) {
    assembler.emit(.mov, .rax, .at(.rdi, 8 * operand))
    assembler.emit(.mov, .at(.rsp, local), .rax)
  }

  /// Runs all tiles of the products `rsi ..< rdx`.
  private func writeBatch(_ assembler: inout Assembler) {
    let extents = kernel.extents
    let (loop, end) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.mov, .at(.rsp, Local.batch), .rsi)
    assembler.emit(.mov, .at(.rsp, Local.endBatch), .rdx)
    let sizes = [
      (Local.left, 4 * extents.m * extents.k), (Local.right, 4 * extents.k * extents.n),
      (Local.result, 4 * extents.m * extents.n),
    ]
    for (local, byteCount) in sizes {
      assembler.move(byteCount, to: .rax)
      assembler.emit(.imul, .rax, .rsi)
      assembler.emit(.add, .at(.rsp, local), .rax)
    }
    assembler.move(0, to: .rax)
    assembler.emit(.mov, .at(.rsp, Local.firstTile), .rax)
    assembler.move(tile.count, to: .rax)
    assembler.emit(.mov, .at(.rsp, Local.endTile), .rax)
    assembler.bind(loop)
    assembler.emit(.mov, .rax, .at(.rsp, Local.batch))
    assembler.emit(.cmp, .rax, .at(.rsp, Local.endBatch))
    assembler.emit(.jge, end)
    writeMatrix(&assembler)
    for (local, byteCount) in sizes {
      assembler.move(byteCount, to: .rax)
      assembler.emit(.add, .at(.rsp, local), .rax)
    }
    assembler.move(1, to: .rax)
    assembler.emit(.add, .at(.rsp, Local.batch), .rax)
    assembler.emit(.jmp, loop)
    assembler.bind(end)
  }

  /// Runs the tiles between the locals over all panels of one product.
  private func writeMatrix(_ assembler: inout Assembler) {
    let n = kernel.extents.n
    let whole = n / tile.columns * tile.columns
    if copiesLeft { writeLeftCopy(&assembler) }
    if whole > 0 {
      let loop = assembler.makeLabel()
      assembler.move(0, to: .r11)
      assembler.bind(loop)
      writePanel(columns: tile.columns, &assembler)
      assembler.emit(.add, .r11, tile.columns)
      assembler.emit(.cmp, .r11, whole)
      assembler.emit(.jl, loop)
    }
    guard whole < n else { return }
    NativeTail(count: (n - whole) % width, isWide: isWide).write(to: &assembler)
    assembler.move(whole, to: .r11)
    writePanel(columns: n - whole, &assembler)
  }

  /// Runs the tiles over one panel of so many columns, from column `r11` on.
  private func writePanel(columns: Int, _ assembler: inout Assembler) {
    let panel = Panel(columns: columns, width: width)
    if tile.packs { writePacking(panel, &assembler) }
    let (loop, end) = (assembler.makeLabel(), assembler.makeLabel())
    assembler.emit(.mov, .rsi, .at(.rsp, Local.firstTile))
    assembler.bind(loop)
    assembler.emit(.cmp, .rsi, .at(.rsp, Local.endTile))
    assembler.emit(.jge, end)
    writeAddresses(&assembler)
    if tile.tallCount > 0, tile.tallCount < tile.count {
      let (short, next) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.emit(.cmp, .rsi, tile.tallCount)
      assembler.emit(.jge, short)
      writeTile(rows: tile.height + 1, panel, &assembler)
      assembler.emit(.jmp, next)
      assembler.bind(short)
      writeTile(rows: tile.height, panel, &assembler)
      assembler.bind(next)
    } else {
      writeTile(rows: tile.height, panel, &assembler)
    }
    assembler.emit(.inc, .rsi)
    assembler.emit(.jmp, loop)
    assembler.bind(end)
  }

  /// Sets `rax` to the first row of tile `rsi`: tile·height, and one later for each taller tile before it.
  func writeFirstRow(_ assembler: inout Assembler) {
    assembler.move(tile.height, to: .rax)
    assembler.emit(.imul, .rax, .rsi)
    guard tile.tallCount > 0 else { return }
    let isFew = assembler.makeLabel()
    assembler.emit(.mov, .rcx, .rsi)
    assembler.emit(.cmp, .rcx, tile.tallCount)
    assembler.emit(.jle, isFew)
    assembler.move(tile.tallCount, to: .rcx)
    assembler.bind(isFew)
    assembler.emit(.add, .rax, .rcx)
  }

  /// Sets the addresses of tile `rsi`.
  private func writeAddresses(_ assembler: inout Assembler) {
    writeFirstRow(&assembler)
    assembler.move(tileRowBytes, to: .r8)
    assembler.emit(.imul, .r8, .rax)
    assembler.emit(.add, .r8, .at(.rsp, copiesLeft ? Local.scratch : Local.left))
    if copiesLeft { assembler.emit(.add, .r8, panelBytes) }
    assembler.move(kernel.extents.n, to: .r10)
    assembler.emit(.imul, .r10, .rax)
    assembler.emit(.add, .r10, .r11)
    assembler.emit(.shl, .r10, 2)
    assembler.emit(.add, .r10, .at(.rsp, Local.result))
    for index in strides.indices { writeStreamBase(index, &assembler) }
    if tile.packs {
      assembler.emit(.mov, .r9, .at(.rsp, Local.scratch))
    } else {
      assembler.emit(.mov, .r9, .at(.rsp, Local.right))
      assembler.emit(.lea, .r9, .at(.r9, index: .r11, scale: 4))
    }
  }

  private func writeStreamBase(_ index: Int, _ assembler: inout Assembler) {
    guard let stream = epilogue?.selection.elements?[index] else { return }
    let base: Register = .gpr(NativeContraction.streamBases[index])
    let size = stream.type.byteCount
    assembler.emit(.mov, base, .at(.rdi, 8 * stream.operand))
    if stream.access.offset != 0 {
      assembler.move(stream.access.offset * size, to: .rcx)
      assembler.emit(.add, base, .rcx)
    }
    if strides[index].row != 0 {
      assembler.move(strides[index].row * size, to: .rcx)
      assembler.emit(.imul, .rcx, .rax)
      assembler.emit(.add, base, .rcx)
    }
    if strides[index].column == 1 {
      assembler.emit(.lea, base, .at(base, index: .r11, scale: size))
    }
  }
}

/// The columns that a tile covers: whole vectors and perhaps a partial one.
struct Panel {
  let columns: Int
  let width: Int

  /// The vectors, the partial one among them.
  var vectors: Int { (columns + width - 1) / width }
  /// Whether the last vector is partial.
  var isPartial: Bool { columns % width != 0 }

  /// Whether a vector is the partial one.
  func isPartial(_ vector: Int) -> Bool { isPartial && vector == vectors - 1 }
}

/// How a contraction is cut, from its shape and the registers there are.
struct ContractionTile {
  /// The vectors side by side in a panel.
  let vectors: Int
  /// The columns of a panel.
  let columns: Int
  /// The number of tiles; the first `tallCount` have one row more than `height`.
  let count: Int
  let height: Int
  let tallCount: Int
  /// Whether panels are copied to scratch memory first.
  let packs: Bool
  /// The bytes of a packed panel.
  let panelBytes: Int
  /// The vector registers that hold no sums.
  let freeVectors: [UInt8]

  init(_ extents: Contraction.Extents, isTransposed: Bool, isWide: Bool) {
    let width = isWide ? 16 : 8
    // Few rows are made up for by a wider panel, so that enough sums are under way to hide their latency.
    let preferred =
      switch extents.m {
      case 1: isWide ? 24 : 12
      case 2: isWide ? 8 : 4
      case 3: isWide ? 4 : 3
      case 4...6: isWide ? 4 : 2
      case 7...9: isWide ? 3 : 2
      default: 2
      }
    // A transposed factor is packed whole, and a narrower panel stays in the cache while it is.
    let widest = isTransposed ? min(preferred, 4) : preferred
    vectors = min(widest, (extents.n + width - 1) / width)
    columns = vectors * width
    // Besides the sums there are the panel's vectors and one row's factor; AVX2 keeps one for its tail. A single row
    // takes the panel straight from memory.
    let registers = isWide ? 32 : 15
    let greatest =
      extents.m == 1 ? 1 : min((registers - 1 - vectors) / vectors, isWide ? 14 : 6)
    // Remainders are spread, so that no thin tile is left at the end.
    count = (extents.m + greatest - 1) / greatest
    height = extents.m / count
    tallCount = extents.m % count
    packs = isTransposed || extents.m >= 128 || (extents.m >= 32 && extents.n % 1024 == 0)
    panelBytes = 4 * extents.k * columns
    let used = (height + (tallCount > 0 ? 1 : 0)) * vectors
    freeVectors = (used..<(isWide ? 32 : 15)).map { UInt8($0) }.reversed()
  }
}

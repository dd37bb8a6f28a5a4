import DescentGraph

/// Groups whose columns fill no vector, taken as one product.
///
/// As products of their own they would leave most of a vector empty, and pass over the left factor once each. Side by
/// side their columns fill vectors; but columns of different groups meet different elements of the left factor. So a
/// vector of these takes the place of one element that is repeated:
///
///     columns       a a a a b b b b c c c c d d d d      4 of each group
///     left factor   0 0 0 0 4 4 4 4 8 8 8 8 12 …         of 16 neighbours, each group's first
struct NarrowGroups: Hashable {
  /// The columns of a group, a power of two.
  let columns: Int
  /// The elements of the left factor that lie side by side for each group, no more than it has columns: its terms or
  /// its rows.
  let elements: Int
  /// Whether these are terms.
  private let sumsElements: Bool

  /// How a vector of the left factor is read.
  enum Reading {
    /// Its elements lie side by side, one for each column.
    case neighbours
    /// One element is repeated: a vector has columns of one group only.
    case repeated
    /// The elements of several groups are read together; those that rows or terms meet are spread out.
    case spread
  }

  /// Looks at a kernel, or returns nil where its groups are wide enough, or its factors do not lie side by side.
  init?(_ kernel: ContractionKernel, width: Int) {
    let (extents, layout) = (kernel.extents, kernel.left.layout)
    guard extents.groups > 1, extents.batch == extents.groups, extents.n > 0,
      extents.n <= width, width % extents.n == 0, layout.batch.count == 1,
      let elements = layout.batch.first?.stride, (1...extents.n).contains(elements),
      kernel.right.layout.groupsLieSideBySide(columns: extents.n)
    else { return nil }
    (columns, self.elements) = (extents.n, elements)
    let neighbours = FactorLayout.Axis(extent: elements, stride: 1)
    sumsElements = layout.summed.last == neighbours
    // Rows and terms of several places have other places in between.
    guard elements == 1 || sumsElements || layout.kept.last == neighbours else { return nil }
  }

  /// Returns the kernel with all groups in one product, whose left factor is that of the first group.
  func joined(_ kernel: ContractionKernel) -> ContractionKernel {
    var kernel = kernel
    let extents = kernel.extents
    kernel.extents = Contraction.Extents(batch: 1, m: extents.m, n: extents.rowLength, k: extents.k)
    kernel.left.layout.batch = []
    kernel.right.layout.batch = []
    kernel.right.layout.kept = [FactorLayout.Axis(extent: extents.rowLength, stride: 1)]
    return kernel
  }

  /// Returns how vectors of a width are read.
  func reading(width: Int) -> Reading {
    if columns == width { return .repeated }
    return columns == 1 ? .neighbours : .spread
  }

  /// Whether terms are told apart by how vectors are spread out rather than by where they are read.
  func spreadsTerms(width: Int) -> Bool {
    reading(width: width) == .spread && sumsElements && elements > 1
  }

  /// Whether rows are; then each has a register that says how.
  func spreadsRows(width: Int) -> Bool {
    reading(width: width) == .spread && !sumsElements && elements > 1
  }

  /// The number of registers that say how vectors are spread out.
  func registerCount(width: Int) -> Int {
    guard reading(width: width) == .spread else { return 0 }
    return spreadsRows(width: width) ? elements : 1
  }

  /// Returns the most vectors of a panel where so many would do for a product without groups.
  ///
  /// A single row takes registers besides its sums, and rows that are told apart by registers are one tile. Nothing is
  /// gained by many rows where each reads vectors of its own: few, and long ones, are the better streams.
  func widestPanel(_ preferred: Int, isSingle: Bool, width: Int) -> Int {
    let registers = width == 16 ? 31 : 14
    if isSingle { return min(preferred, registers / 2) }
    if reading(width: width) == .neighbours { return (registers + 1) / 5 }
    let most = spreadsRows(width: width) ? (registers - elements) / (elements + 1) : registers / 2
    return min(preferred, most)
  }

  /// The elements that the groups of some columns have.
  func elements(columns count: Int) -> Int { (count + columns - 1) / columns * elements }
}

extension NativeContraction {
  /// The mask registers that select what a whole vector of the left factor reads, and a partial one.
  private static let (wholeMask, partialMask) = (Register.k(3), Register.k(4))

  /// The register that says how a row's vectors are spread out: the first without a sum, or one behind it.
  private func spreadRegister(_ row: Int) -> Register {
    let spreadsRows = problem.narrow?.spreadsRows(width: width) == true
    return vector(tile.tallest * tile.vectors + (spreadsRows ? row : 0))
  }

  /// Moves `r8` on to what the columns from `r11` on meet; overwrites `rax`.
  func writeGroups(_ narrow: NarrowGroups, _ panel: Panel, _ assembler: inout Assembler) {
    assembler.emit(.mov, .rax, .r11)
    if narrow.columns > 1 { assembler.emit(.shr, .rax, narrow.columns.trailingZeroBitCount) }
    assembler.emit(.imul, .rax, .rax, 4 * narrow.elements)
    assembler.emit(.add, .r8, .rax)
    guard isWide, narrow.reading(width: width) == .spread else { return }
    for (register, count) in [
      (NativeContraction.wholeMask, width), (NativeContraction.partialMask, panel.columns % width),
    ] where count > 0 && narrow.elements(columns: count) < width {
      assembler.emit(.mov, .eax, (1 << narrow.elements(columns: count)) - 1)
      assembler.emit(.kmovw, register, .eax)
    }
  }

  /// Sets how vectors are spread out for the first of a run of terms.
  func writeSpreading(_ narrow: NarrowGroups, _ rows: Int, _ assembler: inout Assembler) {
    guard narrow.reading(width: width) == .spread else { return }
    for row in 0..<(narrow.spreadsRows(width: width) ? rows : 1) {
      let places = (0..<width).map { $0 / narrow.columns * narrow.elements + row }
      assembler.emit(.vmovups, spreadRegister(row), .constant(constant(places, &assembler)))
    }
  }

  /// Goes on by some terms in the left factor, or to the next one by how the factor's vectors are spread out.
  func writeNextTerms(_ terms: Int, _ assembler: inout Assembler) {
    guard problem.narrow?.spreadsTerms(width: width) == true else {
      return assembler.emit(.add, .r8, terms * tileStrides.k)
    }
    let ones = assembler.constant(
      [Int](repeating: 1, count: width).flatMap { [UInt8($0), 0, 0, 0] })
    assembler.emit(.vpaddd, spreadRegister(0), spreadRegister(0), .constant(ones))
  }

  /// Adds a row's products for one k to the sums of each of the panel's vectors.
  func writeGroupProducts(
    _ narrow: NarrowGroups, _ row: Int, _ panel: Panel, factor: Register,
    _ assembler: inout Assembler, right: (Int, inout Assembler) -> Operand
  ) {
    let rowDistance = narrow.spreadsRows(width: width) ? 0 : row * tileStrides.m
    for column in 0..<panel.vectors {
      let source = Memory.at(.r8, rowDistance + 4 * narrow.elements(columns: column * width))
      let sum = vector(sum(row, column, panel))
      let reading = narrow.reading(width: width)
      let other = right(column, &assembler)
      if case .register = other, let factor = operand(source, reading, panel, column) {
        assembler.emit(.vfmadd231ps, sum, other, factor)
        continue
      }
      switch reading {
      case .neighbours:
        NativeTail.load(factor, from: source, isPartial: panel.isPartial(column), &assembler)
      case .repeated: assembler.emit(.vbroadcastss, factor, source)
      case .spread: writeSpread(narrow, source, row, panel, column, factor, &assembler)
      }
      assembler.emit(.vfmadd231ps, sum, factor, other)
    }
  }

  /// The vector of the left factor, where an instruction takes it from memory as it is.
  private func operand(
    _ source: Memory, _ reading: NarrowGroups.Reading, _ panel: Panel, _ column: Int
  ) -> Memory? {
    switch reading {
    case .neighbours: panel.isPartial(column) ? nil : source
    case .repeated: isWide ? source.broadcast : nil
    case .spread: nil
    }
  }

  /// Reads what the groups of a vector's columns have, and nothing beyond it, and spreads it out.
  private func writeSpread(
    _ narrow: NarrowGroups, _ source: Memory, _ row: Int, _ panel: Panel, _ column: Int,
    _ factor: Register, _ assembler: inout Assembler
  ) {
    let spread = spreadRegister(row)
    let count = narrow.elements(columns: panel.count(column))
    guard count < width else { return assembler.emit(.vpermps, factor, spread, source) }
    if isWide {
      let mask =
        panel.isPartial(column) ? NativeContraction.partialMask : NativeContraction.wholeMask
      assembler.emit(.vmovups, factor, source, mask: .zeroing(mask))
    } else {
      let lanes = (0..<width).map { $0 < count ? -1 : 0 }
      assembler.emit(.vmovups, factor, .constant(constant(lanes, &assembler)))
      assembler.emit(.vmaskmovps, factor, factor, source)
    }
    assembler.emit(.vpermps, factor, spread, factor)
  }
}

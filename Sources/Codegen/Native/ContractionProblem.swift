import DescentGraph

/// A contraction as its generator sees it: a batch of products of a left and a right matrix.
///
/// A product with a single column is turned round, `(a·b)ᵀ = bᵀ·aᵀ`: as a single row it fills vectors. Factors
/// commute in a fused multiply-add, so the bits stay. Rows of a transposed left factor that do not all lie side by side
/// make several products, one for each run of rows that do.
struct ContractionProblem {
  let batch: Int
  /// How many of the kernel's own products follow one another side by side in the result's rows, and into how many
  /// runs of rows each of these was divided.
  let groups: Int
  let rowRuns: Int
  let m: Int
  let n: Int
  let k: Int
  /// How many terms of k are summed by themselves, at least one and no more than there are.
  let chunk: Int
  let left: Factor
  let right: Factor
  /// Whether neighbours of the left factor's rows, rather than its terms, lie side by side.
  let transposeLeft: Bool
  /// Whether the right factor's terms, rather than neighbours of its columns, lie side by side.
  let transposeRight: Bool
  /// The kernel's own groups, if all of them are one product whose columns meet different elements of the left factor.
  let narrow: NarrowGroups?
  /// Whether rows of the result have become columns.
  let isTurned: Bool
  /// What is left out of the sums, if windows reach outside of the left factor.
  ///
  /// In sums over elements, rows are then in runs of one line of windows, or all even, and terms in runs of one
  /// element's channels. In sums over windows, rows are in the runs that tiles are cut from, or all even, and terms in
  /// one as long as an image has windows; where those are is in a table.
  let margins: WindowMargins?
  /// The bytes of the second-level cache, for which blocks are chosen, and of the third.
  ///
  /// Some virtual machines claim to have more than there is, and blocks for more than 1 and 32 MiB were not measured.
  let (level2, level3): (Int, Int)

  /// Where a factor's elements are, in bytes.
  struct Factor {
    let operand: Int
    let offset: Int
    /// From the outermost to the innermost, whose steps are single products.
    var batch: [ContractionSteps.BatchAxis]
    /// The rows of the left factor, or the columns of the right one.
    var kept: Runs
    var summed: Runs
  }

  /// Places along one axis of a product: runs of the same length, whose places are equally far apart.
  struct Runs: Hashable {
    let length: Int
    /// The distance in bytes between neighbours of a run.
    let step: Int
    /// The distance in bytes of each run's first place from the first run's.
    let starts: [Int]

    /// Whether all places are equally far apart.
    var isEven: Bool { starts.count == 1 }

    /// Whether places of a run lie side by side.
    var isDense: Bool { length == 1 || step == 4 }

    /// Whether displacements of 32 bits lead from the first run to every other.
    var isNear: Bool { starts.allSatisfy { abs($0) < 1 << 30 } }

    /// The distance in bytes from one run to the next, or nil where runs are not equally far apart.
    var runStep: Int? {
      guard starts.count > 1 else { return 0 }
      return starts.indices.allSatisfy { starts[$0] == $0 * starts[1] } ? starts[1] : nil
    }

    /// The same places in runs of another length that divides the runs', or nothing.
    func cut(every count: Int) -> Runs? {
      guard count > 0, length % count == 0 else { return nil }
      let parts = length / count
      return Runs(
        length: count, step: step,
        starts: starts.flatMap { start in (0..<parts).map { start + $0 * count * step } })
    }

    /// The same places, each a run of its own.
    var divided: Runs {
      let all = starts.flatMap { start in (0..<length).map { start + $0 * step } }
      return Runs(length: 1, step: 4, starts: all)
    }
  }

  /// Finds what a kernel asks for with vectors of a width, or nothing where windows reach outside in a way that no
  /// generator knows.
  init?(_ kernel: ContractionKernel, width: Int, caches: CacheSizes) {
    (level2, level3) = (min(caches.level2, 1 << 20), min(caches.level3, 1 << 25))
    narrow = NarrowGroups(kernel, width: width)
    let kernel = narrow?.joined(kernel) ?? kernel
    let extents = kernel.extents
    margins = kernel.margins
    (k, groups) = (extents.k, extents.groups)
    chunk = max(1, min(kernel.chunk, k))
    // Columns must be equally far apart; where rows are not, a column stays one.
    isTurned =
      extents.n == 1 && extents.m > 1 && kernel.left.layout.isPlain && margins == nil && groups == 1
    let (first, second) = isTurned ? (kernel.right, kernel.left) : (kernel.left, kernel.right)
    let rows = isTurned ? 1 : extents.m
    n = isTurned ? extents.m : extents.n
    var (left, right) = (
      Factor(first, kept: rows, summed: k), Factor(second, kept: n, summed: k)
    )
    if let margins, margins.sumsWindows {
      guard let rows = left.kept.cut(every: margins.rowsOfRun),
        Convolution.leavesOut(margins.axes.map(\.elements), windows: margins.axes.map(\.windows))
      else { return nil }
      if !left.kept.isEven { left.kept = rows }
      left.summed = Runs(
        length: max(1, margins.windowsOfImage),
        step: 4 * margins.innermost.stride * margins.placeCount, starts: [0])
    } else if let margins {
      guard let terms = left.summed.cut(every: margins.channels), terms.isDense,
        let rows = left.kept.cut(every: margins.innermost.windows),
        margins.lines <= Convolution.mostLines,
        margins.innermost.elements <= Convolution.longestLine
      else { return nil }
      left.summed = terms
      if !left.kept.isEven { left.kept = rows }
    }
    // Vectors of groups are read for one row at a time.
    let isSideBySide = left.kept.length == 1 || left.kept.step == 4 || narrow != nil
    if margins == nil, !isSideBySide, !left.summed.isDense { left.summed = left.summed.divided }
    transposeLeft = margins == nil && !left.summed.isDense
    // Terms in several runs are transposed in any case: only that looks for where they are.
    // Panels that are packed are read in place.
    let arePanels = !right.kept.isEven
    transposeRight = !arePanels && (n > 1 && right.kept.step != 4 || !right.summed.isEven)
    if transposeLeft, !left.kept.isEven {
      // The result's rows stay in order, so only the factors' addresses tell the products apart.
      let outer = first.layout.kept.dropLast()
      left.batch = ContractionProblem.axes(first.layout.batch + outer)
      let count = outer.reduce(1) { $0 * $1.extent }
      right.batch = ContractionProblem.axes(
        second.layout.batch + [FactorLayout.Axis(extent: count, stride: 0)])
      (batch, rowRuns) = (extents.batch * count, count)
      m = left.kept.length
      left.kept = Runs(length: m, step: left.kept.step, starts: [0])
    } else {
      (batch, rowRuns, m) = (extents.batch, 1, rows)
    }
    (self.left, self.right) = (left, right)
  }

  /// Returns axes of a batch with the number of products in one step along each.
  fileprivate static func axes(_ axes: [FactorLayout.Axis]) -> [ContractionSteps.BatchAxis] {
    var products = 1
    return axes.reversed().map { axis in
      defer { products *= axis.extent }
      return ContractionSteps.BatchAxis(products: products, stride: 4 * axis.stride)
    }.reversed()
  }

  /// Whether the result has no elements.
  var isEmpty: Bool { batch == 0 || m == 0 || n == 0 }

  /// The elements of the result from one row to the next.
  var rowLength: Int { groups * n }

  /// Whether there are several chunks of k.
  var isCut: Bool { chunk < k }

  /// The distances in bytes between neighbours of the left factor along m and k, within runs.
  var leftStrides: (m: Int, k: Int) { (left.kept.step, left.summed.step) }

  /// The distances in bytes between neighbours of the right factor along k and n, within runs.
  var rightStrides: (k: Int, n: Int) { (right.summed.step, right.kept.step) }

  /// Whether the right factor lies in panels, one behind the other, as tiles read it.
  var isRightPacked: Bool { !right.kept.isEven }

  /// The distance in bytes from the columns of one packed panel to those of the next.
  var rightPanel: Int { right.kept.runStep ?? 0 }

  /// The distance in bytes from the beginning of a block of the right factor's terms to that of the next, for each term
  /// of it.
  var rightTerm: Int {
    isRightPacked && !right.summed.isEven
      ? (right.summed.runStep ?? 0) / right.summed.length : rightStrides.k
  }

  /// The distance in bytes from the beginning of a panel of the right factor to that of the next, for each column of
  /// it.
  var rightColumn: Int {
    isRightPacked ? rightPanel / ContractionKernel.packedColumns : rightStrides.n
  }

  /// Whether the right factor, if it lies in panels, does so in a way that tiles can read.
  ///
  /// Its terms are in one block, or in several with a whole number in each chunk.
  var hasReadablePanels: Bool {
    guard isRightPacked else { return true }
    let (panels, blocks) = (right.kept, right.summed)
    guard panels.step == 4, panels.length == ContractionKernel.packedColumns,
      panels.runStep.map({ $0 % panels.length == 0 }) == true
    else { return false }
    return blocks.isEven
      || margins == nil && blocks.length * blocks.starts.count == k
        && blocks.runStep.map { $0 % blocks.length == 0 } == true
        && (!isCut || chunk % blocks.length == 0)
  }

  /// Whether the right factor is too large for the second-level cache, so that it pays to ask for it early.
  var isRightLarge: Bool { 4 * n * k > level2 }

  /// Whether the right factor is too large for the second-level cache and for a thread's part of the third.
  var isRightInMemory: Bool { isRightLarge && 4 * n * k > level3 / 2 }

  /// Whether each product has a right factor of its own, of some size, and all of them are too large.
  var hasManyRights: Bool {
    nextRight != 0 && 4 * n * k >= 1 << 16 && batch > level2 / (4 * n * k)
  }

  /// Whether panels of the right factor come from beyond the second-level cache.
  var isRightFar: Bool { isRightLarge || hasManyRights }

  /// The distance in bytes from the right factor of a product to that of the next, of most products.
  var nextRight: Int { right.batch.last?.stride ?? 0 }

  /// What all products are worth, in scalar operations; a vector's fused multiply-add counts as two.
  ///
  /// Fewer than four rows take no less time, for they wait for the right factor's bytes.
  var work: Int {
    let all = max(1, max(m, 4) * n * max(1, k) / 8)
    let (work, overflow) = batch.multipliedReportingOverflow(by: all)
    return overflow ? .max : work
  }
}

extension ContractionProblem.Factor {
  fileprivate init(_ factor: ContractionKernel.Factor, kept: Int, summed: Int) {
    operand = factor.operand
    offset = 4 * factor.layout.offset
    batch = ContractionProblem.axes(factor.layout.batch)
    self.kept = ContractionProblem.Runs(factor.layout.kept, count: kept)
    self.summed = ContractionProblem.Runs(factor.layout.summed, count: summed)
  }
}

extension ContractionProblem.Runs {
  fileprivate init(_ axes: [FactorLayout.Axis], count: Int) {
    // Where there are no places, none is looked for.
    let axes = axes.contains { $0.extent == 0 } ? [] : axes
    length = axes.last?.extent ?? count
    step = 4 * (axes.last?.stride ?? 1)
    starts = FactorLayout.distances(Array(axes.dropLast())).map { 4 * $0 }
  }
}

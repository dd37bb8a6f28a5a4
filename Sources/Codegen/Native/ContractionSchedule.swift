import DescentGraph

/// How a contraction is cut into tiles for the registers, blocks for the caches, and parts for the threads.
///
/// None of it changes a bit: every element takes its products in the order that the contraction states.
struct ContractionSchedule {
  let tile: ContractionTile
  /// The most steps of k that run before sums are put aside.
  let depth: Int
  /// Whether a chunk of k has several such blocks.
  let hasSeveralBlocks: Bool
  /// Whether sums are ever put aside.
  let isDeep: Bool
  /// The most tiles and columns whose sums are put aside together.
  let blockTiles: Int
  let blockColumns: Int
  /// Whether panels are copied to scratch memory: by the first tile that uses them, or beforehand.
  let packsRight: Bool
  /// Whether they are copied row by row before the first tile uses any: memory brings a row's lines one behind the
  /// other faster than single lines of many rows.
  let copiesRows: Bool
  /// The bytes of a packed panel: whole squares of it are transposed.
  let panelBytes: Int
  /// What of the left factor is copied to scratch memory before tiles read it.
  let leftPacking: LeftPacking
  /// How many tiles' columns are copied at once, if they are copied before the first of them runs.
  let copiedTiles: Int?
  /// Where in each block of k the terms of a row that is copied lie, if that is the same for all blocks.
  let pieces: [Piece]?
  /// Whether several tiles read packed panels whose blocks, of terms and of columns, lie one behind the other.
  let readsPackedBlocks: Bool
  /// How many tiles of a block prefetch the right factor's part of the next block, and one line of it in the time of
  /// how many terms.
  let prefetchingTiles: Int
  let termsPerLine: Int
  /// How the elements of windows that reach outside of the left factor are cut, if any do and sums are over these.
  let windows: WindowBlocks?
  /// How such windows are cut, if sums are over them.
  let images: ImageBlocks?
  /// The parts of each product, of about the same work.
  let parts: [Part]
  /// The tiles of a run of rows, in order.
  let variants: [TileVariant]

  /// How a tile's rows lie in scratch memory, if they are copied.
  enum LeftPacking {
    /// They are read where they are.
    case none
    /// Each by itself, term after term: where too few rows or terms are equally far apart.
    case rows
    /// Side by side for each term: where they lie so already, but too few terms are equally far apart, or lines are too
    /// many for the first-level cache, or crowd it.
    case columns
  }

  /// Terms of a row side by side in memory.
  struct Piece: Hashable {
    /// The distance in bytes from the block's first term.
    let start: Int
    let count: Int
  }

  /// Tiles and columns that run together on one thread.
  struct Part: Hashable {
    var tiles: Range<Int>
    var columns: Range<Int>
  }

  /// Decides for a problem and the number of threads among which it is worth dividing.
  init(_ problem: ContractionProblem, isWide: Bool, threads: Int) {
    let division = ContractionSchedule.division(problem, isWide: isWide, threads: threads)
    tile = ContractionTile(
      problem, isWide: isWide, rowParts: division.rows, columnParts: division.columns)
    let isSingle = tile.count == 1
    packsRight = ContractionSchedule.packsRight(problem, tile)
    leftPacking = LeftPacking(
      problem, tile, isWide: isWide, panels: tile.panelCount / division.columns)
    copiesRows =
      packsRight && !isWide && problem.isRightFar && !problem.transposeRight
      && problem.margins == nil && tile.count > 1
    let longest =
      switch (isSingle && leftPacking == .none, problem.transposeRight) {
      case (true, true): 128
      // A single tile uses a panel once, so nothing is gained by blocks as such. But where panels come from memory,
      // few rows at a time of all of them are a few long streams, which the processor foresees.
      case (true, false):
        problem.isRightLarge && !problem.isRightPacked && tile.panelCount > division.columns
          ? (problem.m == 1 ? 6 : 16) : max(1, problem.k)
      case (false, _):
        leftPacking == .columns || !isWide && !problem.isRightPacked ? 256 : 512
      }
    let chunk = problem.chunk
    let packed =
      problem.isRightPacked && !problem.right.summed.isEven ? problem.right.summed.length : nil
    let whole =
      packed ?? (leftPacking == .rows ? problem.wholeDepth(isWide: isWide) : nil)
    windows = WindowBlocks(problem)
    images = ImageBlocks(problem)
    let given = whole ?? windows?.depth ?? images?.depth ?? problem.narrowDepth(longest)
    let blocks = (chunk + (given ?? longest) - 1) / (given ?? longest)
    let even = given ?? (chunk + blocks - 1) / blocks
    let isFixed =
      problem.margins != nil || problem.narrow != nil || whole != nil || longest < 16
      || problem.isRightPacked
    depth = isFixed ? even : (even + 15) / 16 * 16
    pieces = packed == nil ? whole.map { problem.left.summed.pieces(depth: $0) } : nil
    hasSeveralBlocks = blocks > 1
    isDeep = blocks > 1 || problem.isCut
    // Where rows are copied, a line more keeps the panels apart in the cache.
    let rowPadding = copiesRows ? 64 : 0
    panelBytes = 4 * ((depth + 15) / 16 * 16) * tile.columns + rowPadding
    let blockBytes = ContractionSchedule.blockBytes(
      problem, packsRight: packsRight, isWide: isWide)
    // A single tile goes through a packed panel from end to end, unless it lies in blocks.
    let isStream = isSingle && problem.isRightPacked && problem.right.summed.isEven
    let blockPanels =
      isStream ? 1 : min(tile.panelCount, max(1, blockBytes / (panelBytes - rowPadding)))
    blockColumns = blockPanels * tile.columns
    let sumBytes = ContractionSchedule.sumBytes(problem, packsRight: packsRight, isWide: isWide)
    let areas = hasSeveralBlocks && problem.isCut ? 2 : 1
    let kept = max(1, sumBytes / (areas * blockPanels * tile.byteCount))
    let tiles = (tile.count + division.rows - 1) / division.rows
    let groups = isDeep ? (tiles + kept - 1) / kept : 1
    blockTiles = (tiles + groups - 1) / groups
    copiedTiles = isWide || leftPacking != .columns ? nil : min(8, blockTiles)
    parts = tile.parts(of: max(1, problem.n), division.rows, division.columns)
    variants = tile.variants(problem.margins)
    // A tile prefetches, with each panel, one line of every k or, if panels are transposed, of every column; where rows
    // are copied, two of them.
    let lines =
      problem.transposeRight
      ? (depth + 15) / 16 * ((blockColumns + depth - 1) / depth) : (blockColumns + 15) / 16
    readsPackedBlocks =
      problem.isRightPacked && !isSingle && depth == problem.right.summed.length
    let prefetches =
      problem.isRightFar && tile.count > 1
      && (problem.hasManyRights || problem.isWorthPrefetching(problem.k * problem.n, isWide))
      && (readsPackedBlocks || problem.right.summed.isEven && (packsRight || windows != nil))
    let panels = min(blockPanels, max(1, tile.panelCount / division.columns))
    let rowsAreFar =
      tile.count > 1 && leftPacking == .none && problem.hasFarRows
      && (panels <= ContractionSchedule.fewPanels
        || problem.isWorthPrefetching(problem.m * problem.k, isWide))
    rowsAhead = rowsAreFar ? (tile.tallest + panels - 1) / panels : 0
    let passes = copiesRows ? (depth + 1) / 2 : lines
    // Memory and the third-level cache bring a line in the time of several terms, so all tiles take part. Tiles that
    // fetch columns of a transposed left factor take one term at a time.
    let isSpread =
      !copiesRows && !problem.transposeRight && !problem.transposeLeft && windows == nil
      && images == nil && leftPacking == .none && problem.left.summed.isEven
    let terms = isSpread ? problem.unrolledTerms(upTo: depth) : 1
    let tilesOfTerms = { (terms: Int) in (terms * passes + blockPanels - 1) / blockPanels }
    let most = blockTiles
    termsPerLine = [4, 2].first { $0 <= terms && tilesOfTerms($0) <= most } ?? 1
    prefetchingTiles = prefetches ? min(blockTiles, tilesOfTerms(termsPerLine)) : 0
  }

  /// Products of so few panels do not last long enough for the next tile's rows to come by themselves, even from the
  /// third-level cache.
  private static let fewPanels = 8

  /// How many rows of the next tile each panel's products prefetch.
  let rowsAhead: Int

  /// Whether tiles prefetch what the next block will read.
  var prefetchesNextBlock: Bool { prefetchingTiles > 0 }

  /// Returns how much of the right factor the second-level cache is to hold.
  private static func blockBytes(
    _ problem: ContractionProblem, packsRight: Bool, isWide: Bool
  ) -> Int {
    let half = problem.level2 / 2
    if packsRight { return half }
    if problem.isRightPacked { return isWide ? half : half / 2 }
    // Windows that reach outside make many tiles, each of which meets all panels of the block.
    return problem.margins == nil ? Int.max : half / 2
  }

  /// Returns how many bytes of sums are put aside together; for the next ones, panels are copied again.
  ///
  /// Panels, rows and sums share the second-level cache. But what is packed by squares is dear, and with 256-bit
  /// vectors any copy is: sums that come from a thread's part of the third level cost less.
  private static func sumBytes(
    _ problem: ContractionProblem, packsRight: Bool, isWide: Bool
  ) -> Int {
    if packsRight, !isWide { return max(problem.level2, problem.level3 / 16) }
    return packsRight && problem.transposeRight ? problem.level2 : problem.level2 / 2
  }

  /// Whether it pays to copy panels, which tiles then read side by side.
  private static func packsRight(_ problem: ContractionProblem, _ tile: ContractionTile) -> Bool {
    if problem.isRightPacked { return false }
    if problem.transposeRight || tile.count >= 8 { return true }
    // What tiles leave out is packed before the first, which does not pay for few.
    return problem.margins == nil && tile.count > 1 && isCrowding(problem.rightStrides.k)
  }

  /// Returns into how many parts rows and columns are cut, so that the busiest thread has least to do.
  private static func division(
    _ problem: ContractionProblem, isWide: Bool, threads: Int
  ) -> (rows: Int, columns: Int) {
    var best = (rows: 1, columns: 1)
    var least = Double.infinity
    for rows in 1...max(1, min(threads, problem.m)) {
      for columns in 1...max(1, (threads + rows - 1) / rows) {
        let tile = ContractionTile(
          problem, isWide: isWide, rowParts: rows, columnParts: columns)
        guard columns <= tile.panelCount, rows <= tile.count else { break }
        let units = problem.batch * rows * columns
        let cost = Double((units + threads - 1) / threads) * tile.cost(problem, rows, columns)
        if cost < least { (best, least) = ((rows, columns), cost) }
      }
    }
    return best
  }
}

extension ContractionSchedule.LeftPacking {
  /// Decides for a tile's rows, each of which is read once for every panel that a thread has.
  fileprivate init(
    _ problem: ContractionProblem, _ tile: ContractionTile, isWide: Bool, panels: Int
  ) {
    let summed = problem.left.summed
    if problem.narrow != nil {
      self = .none
    } else if problem.transposeLeft {
      let isShort = !summed.isEven && summed.length < 4
      // A tile of 256-bit vectors uses less than half of each line, and many lines leave no room for the panel.
      let isSparse = !isWide && problem.leftStrides.k >= 128 && min(problem.k, problem.chunk) > 64
      let isCopied = isCrowding(problem.leftStrides.k / 2) || isSparse && panels > 4
      self = isShort || tile.count > 1 && isCopied ? .columns : .none
    } else {
      self = problem.isGathered ? .rows : .none
    }
  }
}

/// Whether lines so many bytes apart find room in few sets of a first-level cache only.
///
/// Sets repeat every 4 KiB, as pages do, and have eight places or a few more. A tile's rows together with the panel's
/// want more.
private func isCrowding(_ distance: Int) -> Bool { distance % 2048 == 0 }

extension ContractionProblem {
  /// Whether the left factor's rows are copied whatever the tile: rows or terms that lie side by side are too few to be
  /// worth a beginning of their own.
  fileprivate var isGathered: Bool {
    let (kept, summed) = (left.kept, left.summed)
    return !transposeLeft && margins == nil && narrow == nil
      && (!kept.isEven && kept.length < 7 || (!kept.isEven || !summed.isEven) && summed.length < 32)
  }

  /// Whether rows of the left factor that are read in place find room in few sets of a first-level cache only.
  var hasCrowdingRows: Bool {
    !transposeLeft && !isGathered && isCrowding(left.kept.step)
  }

  /// Whether rows are read where they are, one behind the other, and do not all stay in the second-level cache.
  ///
  /// A tile reads its rows side by side, each of them a short stream that the processor does not foresee.
  fileprivate var hasFarRows: Bool {
    margins == nil && narrow == nil && !transposeLeft && left.kept.isEven && left.summed.isEven
      && left.kept.step >= max(64, 4 * k) && k > 0 && m > 0 && batch > level2 / 2 / (4 * m * k)
  }

  /// Whether it pays to prefetch a factor of so many elements in each product, which all of a block's tiles or panels
  /// read.
  ///
  /// With 256-bit vectors, only if it comes from memory. Elsewhere it gained nothing on Zen 3, and on a shared machine
  /// 512³ and 1024³ took up to twice their least time, for seconds on end, where without it they took a third more.
  fileprivate func isWorthPrefetching(_ elements: Int, _ isWide: Bool) -> Bool {
    isWide || batch > level3 / 2 / max(1, 4 * elements)
  }

  /// How many terms of several rows are taken before a loop of up to so many begins anew.
  ///
  /// At best a core has room to count beside a term's products. But 4 terms at once took up to 9 % less time on Ice
  /// Lake, where the right factor comes from the second-level cache, and on Zen 3, when others used the machine, 8 to
  /// 15 % less.
  func unrolledTerms(upTo terms: Int) -> Int { narrow != nil || terms < 64 ? 1 : 4 }

  /// The rows from which a tile may be cut: all, or those of a run where rows are read in place.
  var runLength: Int {
    if let margins {
      return max(1, margins.sumsWindows ? margins.rowsOfRun : margins.innermost.windows)
    }
    return transposeLeft || left.kept.isEven || isGathered ? max(1, m) : left.kept.length
  }

  /// Returns the depth of blocks that each begin with a whole element of narrow groups, whose terms are read together,
  /// or nil where there are none of several terms, or a single block.
  fileprivate func narrowDepth(_ longest: Int) -> Int? {
    guard let narrow, k > longest, left.summed.length == narrow.elements else { return nil }
    return max(1, longest / narrow.elements) * narrow.elements
  }

  /// Returns how many steps of k make blocks that all begin and end alike in the left factor's runs and in the chunks,
  /// or nil where such blocks were too short.
  fileprivate func wholeDepth(isWide: Bool) -> Int? {
    let runs = left.summed
    guard k > 0 else { return nil }
    let limit = isWide ? 384 : 256
    let count = runs.starts.count
    let parts = (1...max(1, runs.length)).lazy.filter { runs.length % $0 == 0 }.map {
      runs.length / $0
    }
    let several = (1...count).filter { count % $0 == 0 && runs.repeats(every: $0) }
      .map { $0 * runs.length }
    let depths = (several + [parts.first { $0 <= limit } ?? 1]).filter { depth in
      // What is transposed in squares must not end within one.
      let isWhole = right.summed.isEven || depth % 16 == 0
      return depth <= limit && chunk % depth == 0
        && (depth == k || isWhole && depth * 4 >= limit)
    }
    return depths.max()
  }
}

extension ContractionProblem.Runs {
  /// Whether groups of so many runs are all alike.
  fileprivate func repeats(every count: Int) -> Bool {
    starts.indices.allSatisfy { index in
      starts[index] - starts[index / count * count] == starts[index % count] - starts[0]
    }
  }

  /// Returns where the terms of a block lie.
  fileprivate func pieces(depth: Int) -> [ContractionSchedule.Piece] {
    guard depth > length else { return [.init(start: 0, count: depth)] }
    return starts[..<(depth / length)].map { .init(start: $0 - starts[0], count: length) }
  }
}

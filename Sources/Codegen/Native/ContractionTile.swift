/// The rows and columns whose sums are held in registers at once.
struct ContractionTile {
  /// The elements of a vector.
  let width: Int
  /// The vectors side by side in a panel.
  let vectors: Int
  /// The panels side by side.
  let panelCount: Int
  /// How many rows tiles are cut from: all, or those of a run if no tile may reach into the next.
  let runLength: Int
  /// The number of tiles of a run; the first `tallCount` have one row more than `height`.
  let runCount: Int
  /// The number of row tiles.
  let count: Int
  let height: Int
  let tallCount: Int

  /// Chooses a tile for so many parts of a problem.
  init(_ problem: ContractionProblem, isWide: Bool, rowParts: Int, columnParts: Int) {
    // Where there are none, one stands for them: no tile is ever run.
    let (m, n) = (max(1, problem.m), max(1, problem.n))
    width = isWide ? 16 : 8
    let all = (n + width - 1) / width
    let widest = ContractionTile.widestPanel(problem, isWide: isWide)
    // A tile takes whole packed panels, side by side.
    let unit = problem.isRightPacked ? ContractionKernel.packedColumns / width : 1
    let most = max(unit, widest / unit * unit)
    let panels = ContractionTile.roundedUp((all + most - 1) / most, columnParts)
    vectors = ContractionTile.roundedUp((all + panels - 1) / panels, unit)
    panelCount = (all + vectors - 1) / vectors
    // Besides the sums there are the panel's vectors and one row's factor; AVX2 keeps one for its tail. A single row
    // takes the panel straight from memory.
    let registers = (isWide ? 32 : 15) - (problem.narrow?.registerCount(width: width) ?? 0)
    runLength = problem.runLength
    let runs = m / runLength
    let greatest =
      min(m, runLength) == 1 ? 1 : min((registers - 1 - vectors) / vectors, isWide ? 14 : 6)
    // Where there are several runs, each is cut by itself; and rows that are told apart by registers are one tile.
    let isWhole = runs > 1 || problem.narrow?.spreadsRows(width: width) == true
    // Remainders are spread, so that no thin tile is left at the end.
    runCount = min(
      runLength,
      ContractionTile.roundedUp((runLength + greatest - 1) / greatest, isWhole ? 1 : rowParts))
    count = runs * runCount
    height = runLength / runCount
    tallCount = runLength % runCount
  }

  private static func roundedUp(_ count: Int, _ factor: Int) -> Int {
    (count + factor - 1) / factor * factor
  }

  /// Few rows are made up for by a wider panel, so that enough sums are under way to hide their latency.
  private static func widestPanel(_ problem: ContractionProblem, isWide: Bool) -> Int {
    let preferred =
      switch problem.margins == nil ? problem.m : min(problem.m, problem.runLength) {
      // So many streams at once bring more from memory than one does, but less from a cache.
      case 1 where problem.isRightPacked && problem.isRightInMemory: isWide ? 16 : 12
      case 1 where problem.isRightPacked: isWide ? 6 : 12
      case 1:
        problem.isRightLarge && problem.n > (isWide ? 24 * 16 : 12 * 8)
          ? (isWide ? 4 : 8) : (isWide ? 24 : 12)
      case 2: isWide ? 8 : 4
      case 3: isWide ? 4 : 3
      case 4...6: isWide ? 4 : 2
      case 7...9: isWide ? 3 : 2
      // Rows a page apart find no room for more than a few.
      default: isWide && problem.hasCrowdingRows ? 4 : 2
      }
    if let narrow = problem.narrow {
      return narrow.widestPanel(preferred, isSingle: problem.m == 1, width: isWide ? 16 : 8)
    }
    // A transposed factor is packed first, and a narrower panel stays in the cache meanwhile.
    return problem.transposeRight ? min(preferred, 4) : preferred
  }

  /// The vector registers that hold no sums; AVX2 keeps the last for its tail.
  var freeVectors: [UInt8] {
    (tallest * vectors..<(width == 16 ? 32 : 15)).map { UInt8($0) }.reversed()
  }

  /// The columns of a panel.
  var columns: Int { vectors * width }
  /// The rows of the tallest tile.
  var tallest: Int { height + (tallCount > 0 ? 1 : 0) }
  /// The bytes of a tile's sums.
  var byteCount: Int { 4 * tallest * columns }

  /// Returns the tiles and columns of each part.
  func parts(
    of n: Int, _ rowParts: Int, _ columnParts: Int
  ) -> [ContractionSchedule.Part] {
    (0..<rowParts).flatMap { row in
      let tiles = row * count / rowParts..<(row + 1) * count / rowParts
      return (0..<columnParts).map { column in
        let first = column * panelCount / columnParts * columns
        let end = (column + 1) * panelCount / columnParts * columns
        return ContractionSchedule.Part(tiles: tiles, columns: first..<min(end, n))
      }
    }
  }

  /// Returns about how many cycles a part takes: two vectors are loaded or multiplied in one, and memory brings a few
  /// elements.
  func cost(_ problem: ContractionProblem, _ rowParts: Int, _ columnParts: Int)
    -> Double
  {
    let tiles = (count + rowParts - 1) / rowParts
    let panels = (panelCount + columnParts - 1) / columnParts
    let step = max(tallest * vectors, tallest + vectors)
    let traffic = tiles * tallest + 2 * panels * columns
    return Double(problem.k) * (Double(tiles * panels) * Double(step) / 2 + Double(traffic) / 8) + 1
  }
}

import DescentGraph

/// Where the windows of each image lie that find the elements of a tile, in sums over windows.
///
/// An entry is a run of windows, whose elements are equally far apart in the left factor and which find the same rows.
/// There is a list for each block of an image and each element of a window; or, where tiles reach over several
/// elements, for each block and tile.
struct WindowTable {
  /// A run of windows.
  struct Entry: Hashable {
    /// How far along the left factor the run's first window is from the image's, in bytes.
    var left: Int
    /// How far along the panel, or along the right factor, the run's first term is from the block's, in bytes.
    var right: Int
    var count: Int
    /// Which of the rows that a tile finds together these windows find.
    var found: Int

    static let byteCount = 16
  }

  private(set) var entries: [Entry] = []
  /// The most windows of a run.
  var longestRun: Int { entries.map(\.count).max() ?? 0 }
  /// For each list, its first entry and the one behind its last, in bytes.
  private(set) var lists: [Range<Int>] = []
  /// The lists of an element or tile, one for each block of an image.
  let parts: Int
  /// Whether there are lists for each tile rather than for each element.
  let isOfTiles: Bool
  /// The bytes of an image in the left factor, and of a term in the panel or the right factor.
  let imageBytes: Int
  let rightStep: Int

  /// Windows of a line that find the same rows.
  private struct Segment: Hashable {
    var windows: Range<Int>
    var found: Int
  }

  /// Finds the runs, or nothing where they are farther apart than 32 bits can say.
  init?(
    _ margins: WindowMargins, _ images: ImageBlocks, _ tile: ContractionTile, rightStep: Int
  ) {
    (parts, isOfTiles) = (images.parts, margins.spansElements)
    (imageBytes, self.rightStep) = (4 * margins.imageCount, rightStep)
    guard max(imageBytes, images.depth * abs(rightStep)) < 1 << 30 else { return nil }
    let perLine = margins.spansElements ? tile.runCount : margins.innermost.elements
    let places = (0..<perLine).map { WindowTable.segments(margins, tile, $0) }
    for line in 0..<margins.lines {
      // Elements and tiles that find the same windows share their lists.
      var known: [[Segment]: [Range<Int>]] = [:]
      for segments in places {
        let lists = known[segments] ?? add(segments, line, margins, images)
        known[segments] = lists
        self.lists += lists
      }
    }
    // The first window may begin so far outside that the one inside is farther than that.
    guard entries.allSatisfy({ abs($0.left) < 1 << 30 }) else { return nil }
  }

  /// Returns the windows of a line that find an element of a line, or rows of a tile.
  private static func segments(
    _ margins: WindowMargins, _ tile: ContractionTile, _ place: Int
  ) -> [Segment] {
    guard margins.spansElements else {
      let windows = margins.innermost.windows(finding: place)
      return windows.isEmpty ? [] : [Segment(windows: windows, found: 0)]
    }
    let found = tile.found(ofTile: place, margins)
    let rows = margins.rowsByWindow(among: tile.rows(ofTile: place))
    var segments: [Segment] = []
    for window in rows.indices {
      guard let number = found.firstIndex(of: rows[window]) else { continue }
      if let last = segments.last, last.found == number, last.windows.upperBound == window {
        segments[segments.count - 1].windows = last.windows.lowerBound..<window + 1
      } else {
        segments.append(Segment(windows: window..<window + 1, found: number))
      }
    }
    return segments
  }

  /// Adds the lists of all blocks of an image.
  private mutating func add(
    _ segments: [Segment], _ line: Int, _ margins: WindowMargins, _ images: ImageBlocks
  ) -> [Range<Int>] {
    let inner = margins.innermost
    let step = 4 * inner.stride * margins.placeCount
    var blocks = [[Entry]](repeating: [], count: parts)
    for (number, distance) in margins.lines(finding: line) {
      for segment in segments {
        var (term, left) = (
          number * inner.windows + segment.windows.lowerBound,
          4 * distance + segment.windows.lowerBound * step
        )
        let end = number * inner.windows + segment.windows.upperBound
        while term < end {
          let part = term / images.depth
          let count = min(end, (part + 1) * images.depth) - term
          blocks[part].append(
            Entry(
              left: left, right: (term - part * images.depth) * rightStep, count: count,
              found: segment.found), leftStep: step, rightStep: rightStep)
          (term, left) = (term + count, left + count * step)
        }
      }
    }
    return blocks.map { block in
      let first = entries.count
      entries += block
      return first * Entry.byteCount..<entries.count * Entry.byteCount
    }
  }
}

extension [WindowTable.Entry] {
  /// Appends a run, which may go on where the last one ends.
  fileprivate mutating func append(_ entry: WindowTable.Entry, leftStep: Int, rightStep: Int) {
    guard let last, last.found == entry.found, last.left + last.count * leftStep == entry.left,
      last.right + last.count * rightStep == entry.right
    else { return append(entry) }
    self[count - 1].count += entry.count
  }
}

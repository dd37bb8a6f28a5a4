import DescentGraph

/// Tiles of a run that are written alike.
struct TileVariant: Hashable {
  /// Their numbers within the run.
  var places: Range<Int>
  let rows: Int
  /// For each element of a line of a window, the rows whose windows find it; empty where all do.
  let rowsByElement: [Range<Int>]
}

extension ContractionTile {
  /// Returns the kinds of tiles in a run, in order: neighbours that are alike are written once.
  func variants(_ margins: WindowMargins?) -> [TileVariant] {
    var variants: [TileVariant] = []
    for place in 0..<runCount {
      let rows = place < tallCount ? height + 1 : height
      let first = place * height + min(place, tallCount)
      var taken = margins?.rowsByElement(among: first..<first + rows) ?? []
      if taken.allSatisfy({ $0 == 0..<rows }) { taken = [] }
      if let last = variants.last, last.rows == rows, last.rowsByElement == taken {
        variants[variants.count - 1].places = last.places.lowerBound..<place + 1
      } else {
        variants.append(TileVariant(places: place..<place + 1, rows: rows, rowsByElement: taken))
      }
    }
    return variants
  }
}

/// How the terms of windows that reach outside are cut into blocks: whole lines of a window, whole elements, or parts
/// of one, so that what is left out are whole runs of a block.
struct WindowBlocks {
  /// The terms of a block; the last may have fewer.
  let depth: Int
  /// Whether blocks are whole lines.
  let hasWholeLines: Bool
  /// The terms of an element that run together.
  let run: Int

  /// The most terms of a block, whose panels stay in the second-level cache, and of an element that is not cut; and the
  /// fewest that are worth a block of their own.
  private static let (mostTerms, mostChannels, fewestChannels) = (640, 320, 64)

  init?(_ problem: ContractionProblem) {
    guard let margins = problem.margins else { return nil }
    let (channels, most) = (max(1, margins.channels), WindowBlocks.mostTerms)
    let line = channels * margins.innermost.elements
    hasWholeLines = line <= most
    if hasWholeLines {
      let blocks = (margins.lines + most / line - 1) / (most / line)
      (depth, run) = ((margins.lines + blocks - 1) / blocks * line, channels)
    } else if channels <= WindowBlocks.mostChannels {
      (depth, run) = (most / channels * channels, channels)
    } else {
      let fewest = (channels + WindowBlocks.mostChannels - 1) / WindowBlocks.mostChannels
      // Runs of terms that are transposed in squares end with a block.
      let unit = problem.right.summed.isEven ? 1 : 16
      let parts = (fewest...channels / WindowBlocks.fewestChannels).first {
        channels % ($0 * unit) == 0
      }
      run = channels / (parts ?? 1)
      depth = run
    }
  }
}

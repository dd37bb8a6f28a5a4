import DescentGraph

/// Tiles of a run that are written alike.
struct TileVariant: Hashable {
  /// Their numbers within the run.
  var places: Range<Int>
  let rows: Int
  /// For each element of a line of a window, the rows whose windows find it; empty where all do.
  let finders: [Range<Int>]
}

extension ContractionTile {
  /// Returns the kinds of tiles in a run, in order: neighbours that are alike are written once.
  func variants(_ margins: WindowMargins?) -> [TileVariant] {
    var variants: [TileVariant] = []
    for place in 0..<runCount {
      let rows = place < tallCount ? height + 1 : height
      let first = place * height + min(place, tallCount)
      var finders = margins?.finders(among: first..<first + rows) ?? []
      if finders.allSatisfy({ $0 == 0..<rows }) { finders = [] }
      if let last = variants.last, last.rows == rows, last.finders == finders {
        variants[variants.count - 1].places = last.places.lowerBound..<place + 1
      } else {
        variants.append(TileVariant(places: place..<place + 1, rows: rows, finders: finders))
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

  /// The most terms of a block, whose panels stay in the second-level cache, and of an element that is not cut.
  private static let (mostTerms, mostChannels) = (640, 320)

  init(_ margins: WindowMargins) {
    let (channels, most) = (max(1, margins.channels), WindowBlocks.mostTerms)
    let line = channels * margins.line.elements
    hasWholeLines = line <= most
    if hasWholeLines {
      let blocks = (margins.lines + most / line - 1) / (most / line)
      (depth, run) = ((margins.lines + blocks - 1) / blocks * line, channels)
    } else if channels <= WindowBlocks.mostChannels {
      (depth, run) = (most / channels * channels, channels)
    } else {
      let parts = (channels + WindowBlocks.mostChannels - 1) / WindowBlocks.mostChannels
      let divisors = (parts...channels).filter { channels % $0 == 0 }
      run = channels / (divisors.first { channels / $0 % 16 == 0 } ?? divisors[0])
      depth = run
    }
  }
}

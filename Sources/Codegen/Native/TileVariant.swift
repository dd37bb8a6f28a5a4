import DescentGraph

/// Tiles of a run that are written alike.
struct TileVariant: Hashable {
  /// Their numbers within the run.
  var places: Range<Int>
  let rows: Int
  /// The rows that are found together, where not always all are: by each element of a line of a window, or, in sums
  /// over windows, all that there are.
  let found: [Range<Int>]
}

extension ContractionTile {
  /// Returns the kinds of tiles in a run, in order: neighbours that are alike are written once.
  func variants(_ margins: WindowMargins?) -> [TileVariant] {
    var variants: [TileVariant] = []
    for place in 0..<runCount {
      let rows = rows(ofTile: place)
      var found = margins.map { self.found(ofTile: place, $0) } ?? []
      if found.allSatisfy({ $0 == 0..<rows.count }) { found = [] }
      if let last = variants.last, last.rows == rows.count, last.found == found {
        variants[variants.count - 1].places = last.places.lowerBound..<place + 1
      } else {
        variants.append(
          TileVariant(places: place..<place + 1, rows: rows.count, found: found))
      }
    }
    return variants
  }

  /// Returns the rows of a tile within its run.
  func rows(ofTile place: Int) -> Range<Int> {
    let first = place * height + min(place, tallCount)
    return first..<first + (place < tallCount ? height + 1 : height)
  }

  /// Returns which rows of a tile are found together.
  func found(ofTile place: Int, _ margins: WindowMargins) -> [Range<Int>] {
    let rows = rows(ofTile: place)
    guard margins.sumsWindows else { return margins.rowsByElement(among: rows) }
    guard margins.spansElements else { return [] }
    return margins.rowsByWindow(among: rows).reduce(into: []) { found, rows in
      if !rows.isEmpty, !found.contains(rows) { found.append(rows) }
    }
  }
}

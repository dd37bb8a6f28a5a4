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

// Sums over windows: rows are the elements of a window and their channels.

extension WindowMargins {
  /// The windows of an image.
  package var windowsOfImage: Int { axes.reduce(1) { $0 * $1.windows } }

  /// The elements of an image of the operand.
  package var imageCount: Int { axes.reduce(placeCount) { $0 * $1.extent } }

  /// How many neighbouring rows are cut into tiles: those of an element, or of a line of them.
  package var rowsOfRun: Int {
    spansElements ? innermost.elements * channels : channels
  }

  /// Whether tiles reach over several elements of a line: where they have few channels, and the rows of all of them
  /// are equally far apart.
  package var spansElements: Bool {
    channels < WindowMargins.fewChannels && (channels == 1 || hasDenseLines)
      && innermost.elements > 1
  }

  /// The channels below which elements share tiles.
  private static let fewChannels = 32

  /// Returns, for each window of a line, which of some neighbouring rows of a line of elements it finds, counted from
  /// the first of them.
  package func rowsByWindow(among rows: Range<Int>) -> [Range<Int>] {
    (0..<innermost.windows).map { window in
      let elements = innermost.inside(window)
      let all = (elements.lowerBound * channels..<elements.upperBound * channels)
        .clamped(to: rows)
      if all.isEmpty { return 0..<0 }
      return all.lowerBound - rows.lowerBound..<all.upperBound - rows.lowerBound
    }
  }

  /// Returns the lines of an image's windows that find a line of elements: their numbers, and how far along the operand
  /// they are from the first.
  package func lines(finding line: Int) -> [(number: Int, distance: Int)] {
    var element = line
    let found = axes.dropLast().reversed().map { axis in
      defer { element /= axis.elements }
      return axis.windows(finding: element % axis.elements)
    }
    return zip(axes.dropLast(), found.reversed()).reduce([(number: 0, distance: 0)]) {
      outer, next in
      let (axis, windows) = next
      return outer.flatMap { line in
        windows.map { window in
          (line.number * axis.windows + window, line.distance * axis.extent + window * axis.stride)
        }
      }
    }.map { ($0.number, $0.distance * innermost.extent * placeCount) }
  }
}

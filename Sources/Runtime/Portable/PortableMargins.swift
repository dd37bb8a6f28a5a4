import DescentCodegen

/// Where the windows of a convolution find elements, for rows of a left factor that reach outside of its memory.
struct PortableMargins {
  /// Whether rows are elements of windows, and terms are the windows.
  let sumsWindows: Bool
  let images: Int
  /// Three axes, the innermost last; those that a convolution lacks have one window of one element.
  let axes: (Axis, Axis, Axis)
  let channels: Int
  /// Where the rows of a unit begin, and where their terms follow, once they were gathered.
  let rows: UnsafeMutablePointer<Int>
  let terms: UnsafeMutablePointer<Int>

  /// Windows along one spatial axis.
  struct Axis {
    let windows: Int
    let elements: Int
    /// The elements of each window that lie within the operand, and the windows of which each element does.
    let inside: UnsafeMutablePointer<Range<Int>>
    let finding: UnsafeMutablePointer<Range<Int>>
  }

  /// The elements of one window that lie within the operand, axis by axis; or the windows that find an element.
  private struct Box {
    let (outer, middle, inner): (Range<Int>, Range<Int>, Range<Int>)
  }

  private func window(_ row: Int) -> Box {
    let (inner, rest) = (row % axes.2.windows, row / axes.2.windows)
    let (middle, outer) = (rest % axes.1.windows, rest / axes.1.windows % axes.0.windows)
    return Box(
      outer: axes.0.inside[outer], middle: axes.1.inside[middle], inner: axes.2.inside[inner])
  }

  private func windows(finding element: Int) -> Box {
    let (inner, rest) = (element % axes.2.elements, element / axes.2.elements)
    let (middle, outer) = (rest % axes.1.elements, rest / axes.1.elements)
    return Box(
      outer: axes.0.finding[outer], middle: axes.1.finding[middle], inner: axes.2.finding[inner])
  }

  /// Returns the first of some rows, those that have the same terms as the first.
  func alike(_ rows: Range<Int>) -> Range<Int> {
    guard sumsWindows else { return rows }
    let end = (rows.lowerBound / channels + 1) * channels
    return rows.lowerBound..<min(rows.upperBound, end)
  }

  /// Whether some rows have all of their terms.
  func areWhole(_ rows: Range<Int>) -> Bool {
    for row in rows {
      let window = window(row)
      guard window.outer.count == axes.0.elements, window.middle.count == axes.1.elements,
        window.inner.count == axes.2.elements
      else { return false }
    }
    return true
  }

  /// Calls a function with each run of terms that a row has, in their order.
  @inline(__always)
  func forEachRun(_ row: Int, _ body: (Range<Int>) -> Void) {
    if sumsWindows { return forEachRun(ofElement: row / channels, body) }
    let window = window(row)
    for outer in window.outer {
      for middle in window.middle {
        let first = (outer * axes.1.elements + middle) * axes.2.elements
        body(
          (first + window.inner.lowerBound) * channels..<(first + window.inner.upperBound)
            * channels)
      }
    }
  }

  @inline(__always)
  private func forEachRun(ofElement element: Int, _ body: (Range<Int>) -> Void) {
    let windows = windows(finding: element)
    guard !windows.inner.isEmpty else { return }
    for image in 0..<images {
      for outer in windows.outer {
        for middle in windows.middle {
          let line = (image * axes.0.windows + outer) * axes.1.windows + middle
          let first = line * axes.2.windows
          body(first + windows.inner.lowerBound..<first + windows.inner.upperBound)
        }
      }
    }
  }
}

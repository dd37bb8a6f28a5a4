import DescentCodegen

/// Where the windows of a convolution find elements, for rows of a left factor that reach outside of its memory.
struct PortableMargins {
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
    /// The elements of each window that lie within the operand.
    let inside: UnsafeMutablePointer<Range<Int>>
  }

  /// The elements of one window that lie within the operand, axis by axis.
  private struct Window {
    let (outer, middle, inner): (Range<Int>, Range<Int>, Range<Int>)
  }

  private func window(_ row: Int) -> Window {
    let (inner, rest) = (row % axes.2.windows, row / axes.2.windows)
    let (middle, outer) = (rest % axes.1.windows, rest / axes.1.windows % axes.0.windows)
    return Window(
      outer: axes.0.inside[outer], middle: axes.1.inside[middle], inner: axes.2.inside[inner])
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
}

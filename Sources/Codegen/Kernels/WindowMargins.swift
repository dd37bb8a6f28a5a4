package import DescentGraph

/// Which terms of a convolution's sums are left out, since their windows reach outside of the operand.
///
/// Rows of the product are windows: the images one after the other, and the windows of each in row-major order. Terms
/// are the elements of a window in row-major order, and the channels of each. In the gradient of the weights it is the
/// other way round: rows are elements and their channels, and terms are windows.
package struct WindowMargins: Hashable, Sendable, Codable {
  /// Windows along one spatial axis.
  package struct Axis: Hashable, Sendable, Codable {
    /// The number of windows.
    package var windows: Int
    /// The number of a window's elements.
    package var elements: Int
    package var stride: Int
    package var dilation: Int
    /// How far before the operand the first window begins.
    package var low: Int
    /// The extent of the operand.
    package var extent: Int

    package init(
      windows: Int, elements: Int, stride: Int, dilation: Int, low: Int, extent: Int
    ) {
      self.windows = windows
      self.elements = elements
      self.stride = stride
      self.dilation = dilation
      self.low = low
      self.extent = extent
    }

    /// Returns the elements of a window that lie within the operand; they are neighbours.
    package func inside(_ window: Int) -> Range<Int> {
      Axis.places(from: window * stride - low, every: dilation, within: extent, count: elements)
    }

    /// Returns the windows whose element lies within the operand; they are neighbours.
    package func windows(finding element: Int) -> Range<Int> {
      Axis.places(from: element * dilation - low, every: stride, within: extent, count: windows)
    }

    /// Returns which of equally distant places are among the first of all, which may be behind some of them.
    private static func places(
      from start: Int, every step: Int, within extent: Int, count: Int
    ) -> Range<Int> {
      let first = { (place: Int) in
        place <= start ? 0 : min(count, (place - start + step - 1) / step)
      }
      return first(0)..<max(first(0), first(extent))
    }
  }

  /// From the outermost to the innermost.
  package var axes: [Axis]
  /// The channels of a group: the terms of an element, or its rows.
  package var channels: Int
  /// The number of groups, each with a product of its own.
  package var groups: Int
  /// Whether sums are over windows rather than over their elements.
  package var sumsWindows: Bool

  package init(axes: [Axis], channels: Int, groups: Int = 1, sumsWindows: Bool = false) {
    self.axes = axes
    self.channels = channels
    self.groups = groups
    self.sumsWindows = sumsWindows
  }

  /// Finds the margins of bound operands, or nothing where all windows lie within.
  package init?(_ convolution: Convolution, _ x: Shape, _ second: Shape) {
    let (counts, kernel) = (convolution.windowCounts(x, second), convolution.kernel(second))
    axes = (0..<convolution.spatialRank).map { axis in
      Axis(
        windows: counts[axis], elements: kernel[axis], stride: convolution.strides[axis],
        dilation: convolution.dilations[axis], low: convolution.low[axis],
        extent: x.dimensions[axis + 1])
    }
    groups = convolution.groups
    channels = x.dimensions[convolution.spatialRank + 1] / groups
    sumsWindows = convolution.kernel != nil
    let isInside = axes.allSatisfy { axis in
      axis.windows == 0
        || [0, axis.windows - 1].allSatisfy { axis.inside($0) == 0..<axis.elements }
    }
    if isInside { return nil }
  }

  /// The spatial axis along which windows are neighbouring rows.
  package var innermost: Axis { axes[axes.count - 1] }
  /// The elements of the operand from one place to the next.
  package var placeCount: Int { groups * channels }
  /// Whether the elements of a line of a window lie side by side.
  package var hasDenseLines: Bool { innermost.dilation == 1 && groups == 1 }
  /// The lines of a window's elements.
  package var lines: Int { axes.dropLast().reduce(1) { $0 * $1.elements } }

  /// For each line of an image's windows, a bit for each line of their elements: whether it lies within the operand.
  ///
  /// - Precondition: There are at most 64 lines of elements.
  package var masks: [UInt64] {
    var (masks, lines): ([UInt64], Int) = ([1], 1)
    for axis in axes.dropLast() {
      masks = masks.flatMap { outer in
        (0..<axis.windows).map { window in
          let inside = axis.inside(window)
          return (0..<lines).reduce(0) { mask, line in
            guard outer >> line & 1 == 1 else { return mask }
            return inside.reduce(mask) { $0 | 1 << (line * axis.elements + $1) }
          }
        }
      }
      lines *= axis.elements
    }
    return masks
  }

  /// Returns, for each element of a line, which of some neighbouring windows find it, counted from the first of them.
  package func rowsByElement(among windows: Range<Int>) -> [Range<Int>] {
    (0..<innermost.elements).map { element in
      let all = innermost.windows(finding: element).clamped(to: windows)
      if all.isEmpty { return 0..<0 }
      return all.lowerBound - windows.lowerBound..<all.upperBound - windows.lowerBound
    }
  }

  /// Whether a term of a row is added.
  package func contains(row: Int, term: Int) -> Bool {
    var (window, element) =
      sumsWindows ? (term, row / channels) : (row, term / channels)
    for axis in axes.reversed() {
      guard axis.inside(window % axis.windows).contains(element % axis.elements) else {
        return false
      }
      window /= axis.windows
      element /= axis.elements
    }
    return true
  }
}

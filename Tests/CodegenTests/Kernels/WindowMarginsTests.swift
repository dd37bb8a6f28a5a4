import DescentCodegen
import DescentGraph
import DescentTestSupport
import Testing

/// What windows do not find, against the places of all of their elements.
@Suite struct WindowMarginsTests {
  @Test(arguments: 0..<200) func termsExistWhereElementsDo(seed: Int) {
    var random = SplitMix64(seed: UInt64(seed))
    let axes = 0..<random.int(1...3)
    let kernel = axes.map { _ in random.int(1...4) }
    let op = Convolution(
      strides: axes.map { _ in random.int(1...3) }, dilations: axes.map { _ in random.int(1...3) },
      low: axes.map { _ in random.int(0...5) }, high: axes.map { _ in random.int(0...5) })
    let extents = axes.map { axis in
      max(0, (kernel[axis] - 1) * op.dilations[axis] + 1 - op.low[axis] - op.high[axis])
        + random.int(0...4)
    }
    let (batch, channels) = (random.int(1...2), random.int(1...3))
    let x = Shape([batch] + extents + [channels])
    let weights = Shape(kernel + [channels, 2])

    let windows = Self.places(op.windowCounts(x, weights))
    // Each image has the same windows, and each element of a window all channels.
    let rows = (0..<batch).flatMap { _ in windows }
    let terms = Self.places(kernel).flatMap { Array(repeating: $0, count: channels) }
    let expected = rows.map { window in
      terms.map { element in
        axes.allSatisfy { axis in
          let place =
            window[axis] * op.strides[axis] + element[axis] * op.dilations[axis] - op.low[axis]
          return place >= 0 && place < extents[axis]
        }
      }
    }
    let margins = WindowMargins(op, x, weights)
    #expect((margins == nil) == expected.joined().allSatisfy(\.self))
    guard let margins else { return }
    let found = rows.indices.map { row in
      terms.indices.map { margins.contains(row: row, term: $0) }
    }
    #expect(found == expected, "\(op) of \(x) and \(weights)")
    let gradient = WindowMargins(
      op.with(kernel: kernel), x, Shape([batch] + op.windowCounts(x, weights) + [2]))
    let turned = terms.indices.map { term in
      rows.indices.map { gradient?.contains(row: term, term: $0) == true }
    }
    #expect(turned == terms.indices.map { term in rows.indices.map { expected[$0][term] } })
    // Kernels ask for whole lines of windows and of elements.
    let (line, count) = (margins.innermost.elements, margins.innermost.windows)
    let byElement = margins.rowsByElement(among: 0..<count)
    for (row, terms) in expected.enumerated() where count > 0 {
      let mask = margins.masks[row / count % margins.masks.count]
      for (term, isFound) in terms.enumerated() {
        let element = term / channels
        let isInside =
          mask >> (element / line) & 1 == 1 && byElement[element % line].contains(row % count)
        #expect(isInside == isFound, "row \(row) and term \(term) of \(op)")
      }
    }
  }

  /// The lines of windows that find a line of elements, and the windows of a line that find an element or some rows.
  @Test func windowsAreFoundLineByLine() {
    let op = Convolution(
      strides: [2, 1], dilations: [1, 1], low: [1, 1], high: [1, 1], kernel: [3, 3])
    let margins = WindowMargins(op, [2, 8, 5, 4], [2, 4, 5, 6])
    #expect(margins?.sumsWindows == true)
    // Windows begin at the lines −1, 1, 3 and 5 of 20 elements each; the distance is from where the first begins.
    #expect(margins?.lines(finding: 0).map(\.number) == [1, 2, 3])
    #expect(margins?.lines(finding: 0).map(\.distance) == [40, 80, 120])
    #expect(margins?.lines(finding: 2).map(\.number) == [0, 1, 2, 3])
    #expect(margins?.innermost.windows(finding: 0) == 1..<5)
    #expect(margins?.innermost.windows(finding: 2) == 0..<4)
    // The last rows of the first element and the first of the second.
    #expect(margins?.rowsByWindow(among: 3..<6) == [1..<3, 0..<3, 0..<3, 0..<3, 0..<3])
    #expect(margins?.rowsByWindow(among: 7..<9) == [0..<2, 0..<2, 0..<2, 0..<2, 0..<1])
  }

  /// All places in an array of some extents, in row-major order.
  private static func places(_ extents: [Int]) -> [[Int]] {
    extents.reduce([[]]) { places, extent in
      places.flatMap { place in (0..<extent).map { place + [$0] } }
    }
  }
}

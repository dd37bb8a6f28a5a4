import DescentGraph
import Testing

/// Windows and what is pooled from them, against loops over the padded axis.
@Suite struct WindowTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let extent: Int
    let window: Window
    var testDescription: String { "\(extent) \(window)" }
  }

  static let cases: [Case] = [1, 2, 5, 6, 9].flatMap { extent in
    [1, 2, 3].flatMap { size in
      [1, 2, 4].flatMap { stride in
        [1, 2].flatMap { dilation in
          [0, 1].flatMap { padding in
            [false, true].map {
              Case(
                extent: extent,
                window: Window(
                  size: size, stride: stride, dilation: dilation, padding: padding, roundsUp: $0))
            }
          }
        }
      }
    }
  }.filter { test in
    let reach = (test.window.size - 1) * test.window.dilation + 1
    return reach <= test.extent + 2 * test.window.padding.low && test.window.padding.low < reach
  }

  @Test(arguments: cases) func poolsAreLoops(_ test: Case) throws {
    let elements = (0..<test.extent).map { Float(($0 * 7) % 5) - 2 }
    let (w, x) = (test.window, [NDArray(elements)])
    var (sums, greatest, means, indices): ([Float], [Float], [Float], [Float]) = ([], [], [], [])
    var start = -w.padding.low
    let reach = (w.size - 1) * w.dilation + 1
    // A window may begin anywhere in the axis or the padding before it, and end behind only if rounded up.
    while start < test.extent {
      if !w.roundsUp, start + reach > test.extent + w.padding.high { break }
      if w.roundsUp, start + reach - w.stride >= test.extent + w.padding.high,
        start > -w.padding.low
      {
        break
      }
      let places = (0..<w.size).map { start + $0 * w.dilation }.filter {
        (0..<test.extent).contains($0)
      }
      sums.append(places.reduce(0) { $0 + elements[$1] })
      greatest.append(places.map { elements[$0] }.max() ?? -.infinity)
      means.append((sums.last ?? 0) / Float(places.count))
      indices.append(Float(places.first { elements[$0] == greatest.last } ?? 0))
      start += w.stride
    }
    #expect(try evaluate(x) { sumPool($0[0], [0: w]) }.floats == sums)
    #expect(try evaluate(x) { maxPool($0[0], [0: w]) }.floats == greatest)
    guard !greatest.contains(-.infinity) else { return }
    #expect(try evaluate(x) { averagePool($0[0], [0: w], countsPadding: false) }.floats == means)
    #expect(try evaluate(x) { maxPoolIndices($0[0], [0: w]) }.floats == indices)
  }

  @Test func severalAxesKeepTheirPlaces() throws {
    let x = counting([2, 4, 3, 6])
    let windows = [3: Window(size: 3), 1: Window(size: 2)]
    let found = try evaluate([x]) { maxPool($0[0], windows) }
    #expect(found.dimensions == [2, 2, 3, 2])
    // The greatest stands last in each window.
    let first = (1 * 3 + 0) * 6 + 2
    #expect(found.floats[0] == Float(first))
    #expect(found.floats[11] == Float((3 * 3 + 2) * 6 + 5))
    #expect(try evaluate([x]) { maxPoolIndices($0[0], windows) }.floats[0] == Float(1 * 6 + 2))
  }

  @Test func partsOfEveryLength() throws {
    let x = [NDArray([3, 1, 4, 1, 5] as [Float])]
    #expect(try evaluate(x) { $0[0].adaptiveMaxPool([0: 3]) }.floats == [3, 4, 5])
    #expect(try evaluate(x) { $0[0].adaptiveMaxPoolIndices([0: 3]) }.floats == [0, 2, 4])
    #expect(try evaluate(x) { $0[0].resample(axis: 0, to: 3, .area) }.floats == [2, 2, 3])
    #expect(try evaluate(x) { $0[0].resample(axis: 0, to: 2, .nearest) }.floats == [3, 4])
    #expect(
      try evaluate(x) { $0[0].resample(axis: 0, to: 3, .linear, alignsCorners: true) }.floats
        == [3, 4, 5])
  }

  @Test func mistakesAreRecorded() {
    #expect(
      mistakes([[2, 3]]) { $0[0].windows(axis: 1, size: 3, dilation: 2) }
        == ["window: 3 elements, 2 apart, do not fit axis 1 of [2, 3]"])
    #expect(
      mistakes([[2, 3]]) { $0[0].windows(axis: 1, size: 2, stride: 0) }
        == ["window: size 2, stride 0 and dilation 1 are not all at least 1"])
    #expect(
      mistakes([[2, 3]]) { maxPool($0[0], [1: Window(size: 2, padding: 2)]) }
        == ["maxPool: axis 1 of [2, 3]: padding 2, 2 holds a whole window of 2 elements, 1 apart"]
    )
    #expect(
      mistakes([[2, 3]]) { sumPool($0[0], [1: Window(size: 5)]) }
        == [
          "sumPool: axis 1 of [2, 3]: a window of 5 elements, 1 apart, is longer than 3 and padding 0, 0"
        ])
    #expect(
      mistakes([[.batch, 3]]) { sumPool($0[0], [0: Window(size: 2)]) }
        == ["sumPool: axis 0 of [batch, 3] depends on the batch size, or is twice"])
  }
}

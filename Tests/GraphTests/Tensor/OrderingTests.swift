import DescentGraph
import Testing

/// Order, running totals and indices that are data.
@Suite struct OrderingTests {
  @Test func sortingIsStableAndPutsNaNLast() throws {
    let x: [Float] = [3, .nan, 1, 3, -.infinity, 1]
    let indices = try evaluate([NDArray(x)]) { $0[0].argSort() }
    #expect(indices.floats == [4, 2, 5, 0, 3, 1])
    let falling = try evaluate([NDArray(x)]) { $0[0].argSort(descending: true) }
    #expect(falling.floats == [1, 0, 3, 2, 5, 4])
    let matrix = NDArray([3, 1, 2, 9, 7, 8] as [Float], dimensions: [3, 2])
    #expect(try evaluate([matrix]) { $0[0].sort(axis: 0).values }.floats == [2, 1, 3, 8, 7, 9])
    #expect(try evaluate([matrix]) { $0[0].topK(1, axis: 0).values }.floats == [7, 9])
    #expect(
      try evaluate([matrix]) { $0[0].topK(2, axis: 0, largest: false).indices }.floats == [
        1, 0, 0, 2,
      ])
    #expect(mistakes([[3]]) { $0[0].topK(4).values } == ["topK: axis 0 of [3] has no 4 elements"])
  }

  @Test(arguments: [0, 1, 2, 3, 7, 8, 33]) func runningTotals(_ count: Int) throws {
    let x = (0..<count).map { Float(($0 * 5) % 7) - 2 }
    func running(_ start: Float, _ combine: (Float, Float) -> Float) -> [Float] {
      var total = start
      return x.map { element in
        total = combine(total, element)
        return total
      }
    }
    #expect(try evaluate(x) { $0.cumulativeSum() } == running(0, +))
    #expect(try evaluate(x) { $0.cumulativeMax() } == running(-.infinity) { max($0, $1) })
    #expect(try evaluate(x) { $0.cumulativeMin() } == running(.infinity) { min($0, $1) })
    #expect(
      try evaluate(x) { $0.cumulativeProduct() }.map { $0 + 0 } == running(1, *).map { $0 + 0 })
  }

  @Test func elementsAlongAnAxis() throws {
    let x = counting([2, 3])
    let indices = NDArray(.i32([2, 0, 1, 1]), dimensions: [2, 2])
    #expect(try evaluate([x, indices]) { $0[0].takeAlong($0[1], axis: 1) }.floats == [2, 0, 4, 4])
    let updates = NDArray([10, 20, 30, 40] as [Float], dimensions: [2, 2])
    #expect(
      try evaluate([x, indices, updates]) { $0[0].addAlong($0[1], $0[2], axis: 1) }.floats
        == [20, 1, 12, 3, 74, 5])
    #expect(
      try evaluate([x, indices, updates]) { $0[0].putAlong($0[1], $0[2], axis: 1) }.floats
        == [20, 1, 10, 3, 70, 5])
    let places = NDArray(.i64([1, 2, 0, 1]), dimensions: [2, 2])
    #expect(try evaluate([x, places]) { $0[0].gatherND($0[1]) }.floats == [5, 1])
    let rows = NDArray(.i64([1, 1, 0]), dimensions: [3, 1])
    #expect(
      try evaluate([x, rows]) { $0[0].gatherND($0[1]) }.floats == [3, 4, 5, 3, 4, 5, 0, 1, 2])
    #expect(
      mistakes([[2, 3], [2, 2]]) { $0[0].takeAlong($0[1], axis: 1) }
        == ["takeAlong: indices f32[2, 2] do not fit [2, 3] along axis 1"])
  }

  /// In the flattened tensor such an index would point to a neighbour's element.
  @Test(arguments: [-1, 3]) func indicesOutsideTheirAxisAreErrors(_ index: Int32) {
    let indices = NDArray(.i32([0, index]), dimensions: [2, 1])
    #expect(throws: (any Error).self) {
      try evaluate([counting([2, 3]), indices]) { $0[0].takeAlong($0[1], axis: 1) }
    }
    let places = NDArray(.i32([0, index]), dimensions: [1, 2])
    #expect(throws: (any Error).self) {
      try evaluate([counting([2, 3]), places]) { $0[0].gatherND($0[1]) }
    }
  }
}

import DescentGraph
import Testing

/// Axes that come, go, join and part: small cases by hand, and every mistake.
@Suite struct ShapingTests {
  private let matrix = counting([2, 3])

  private func apply(_ body: (Tensor) -> Tensor) throws -> NDArray {
    try evaluate([matrix]) { body($0[0]) }
  }

  @Test func axesComeAndGo() throws {
    #expect(try apply { $0.expandAxis(-1) }.dimensions == [2, 3, 1])
    #expect(try apply { $0.expandAxis(0).squeeze() } == matrix)
    #expect(try apply { $0.flatten() } == counting([6]))
    #expect(try apply { $0.swapAxes(0, -1) }.floats == [0, 3, 1, 4, 2, 5])
    #expect(
      try evaluate([counting([2, 1, 3])]) { $0[0].moveAxes([0], to: [-1]) }.dimensions == [1, 3, 2])
    #expect(
      mistakes([[2, 3]]) { $0[0].squeeze([1]) } == [
        "squeeze: axis 1 of [2, 3] has more than one element"
      ])
    #expect(
      mistakes([[2, 3]]) { $0[0].expandAxis(4) } == [
        "expandAxis: there is no place 4 among the axes of [2, 3]"
      ])
    #expect(
      mistakes([[2, 3]]) { $0[0].moveAxes([0, 1], to: [1, 1]) }
        == ["moveAxes: [0, 1] and [1, 1] are not equally many distinct axes"])
  }

  @Test func partsAndRepetitions() throws {
    #expect(try apply { $0.split([1, 2], axis: 1)[1] }.floats == [1, 2, 4, 5])
    #expect(try apply { $0.split(every: 2, axis: 1)[1] }.floats == [2, 5])
    #expect(try apply { $0.element(-1, axis: 1) }.floats == [2, 5])
    #expect(try apply { stack($0.unstack(axis: 1), axis: 1) } == matrix)
    #expect(try apply { $0.tile([1, 2]) }.floats == [0, 1, 2, 0, 1, 2, 3, 4, 5, 3, 4, 5])
    #expect(
      try apply { $0.repeatElements(2, axis: 1) }.floats == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5])
    #expect(try apply { $0.roll([1], axes: [1]) }.floats == [2, 0, 1, 5, 3, 4])
    #expect(try apply { $0.roll([-10_000], axes: [1]) }.floats == [1, 2, 0, 4, 5, 3])
    #expect(
      mistakes([[2, 3]]) { $0[0].split([1, 1], axis: 1)[0] }
        == ["split: lengths [1, 1] do not add up to axis 1 of [2, 3]"])
    #expect(
      mistakes([[2, 3]]) { $0[0].element(3, axis: 1) } == [
        "element: index 3 is not on axis 1 of [2, 3]"
      ])
    #expect(mistakes([[2], [3]]) { stack($0) } == ["stack: shapes differ: [2] and [3]"])
  }

  @Test func diagonalsAndTriangles() throws {
    #expect(try apply { $0.diagonal() }.floats == [0, 4])
    #expect(try apply { $0.diagonal(offset: 1) }.floats == [1, 5])
    #expect(try apply { $0.diagonal(offset: -1) }.floats == [3])
    #expect(try apply { $0.diagonal(offset: 3) }.dimensions == [0])
    #expect(try evaluate([1, 2]) { $0.diagonalMatrix(offset: 1) } == [0, 1, 0, 0, 0, 2, 0, 0, 0])
    #expect(try evaluate([1, 2]) { $0.diagonalMatrix(offset: -1) } == [0, 0, 0, 1, 0, 0, 0, 2, 0])
    #expect(try apply { $0.lowerTriangle() }.floats == [0, 0, 0, 3, 4, 0])
    #expect(try apply { $0.upperTriangle(offset: 1) }.floats == [0, 1, 2, 0, 0, 5])
    #expect(try apply { $0.trace() }.scalar == 4)
  }

  @Test func padding() throws {
    func pad(_ low: Int, _ high: Int, _ mode: PadMode) throws -> [Float] {
      try evaluate([0, 1, 2, 3]) { $0.pad(low: [low], high: [high], mode: mode) }
    }
    #expect(try pad(2, 1, .edge) == [0, 0, 0, 1, 2, 3, 3])
    #expect(try pad(2, 3, .reflect) == [2, 1, 0, 1, 2, 3, 2, 1, 0])
    #expect(try pad(4, 1, .wrap) == [0, 1, 2, 3, 0, 1, 2, 3, 0])
    #expect(try pad(-1, 2, .constant(7)) == [1, 2, 3, 7, 7])
    #expect(try pad(-4, 5, .edge) == [3, 3, 3, 3, 3])
    #expect(
      mistakes([[4]]) { $0[0].pad(low: [4], high: [0], mode: .reflect) }
        == ["pad: axis 0 of [4] is too short to pad by 4 and 0"])
  }

  /// Whatever number stands in a call, building it comes back.
  @Test(arguments: [Int.min, -1 << 40, -1, 0, 1, 1 << 20, 1 << 40, Int.max])
  func noNumberTraps(_ number: Int) {
    _ = mistakes([[2, 3]]) { $0[0].pad(low: [number, 0], high: [0, number], mode: .edge) }
    _ = mistakes([[2, 3]]) { $0[0].pad(low: [0, number], high: [0, 0], mode: .constant(1)) }
    _ = mistakes([[2, 3]]) { $0[0].pad(low: [0, number], high: [number, 0], mode: .reflect) }
    _ = mistakes([[2, 3]]) { $0[0].roll([number], axes: [1]) }
    _ = mistakes([[2, 3]]) { $0[0].tile([number, number]) }
    _ = mistakes([[2, 3]]) { $0[0].repeatElements(number, axis: 0) }
    _ = mistakes([[2, 3]]) { $0[0].element(number, axis: number) }
    _ = mistakes([[2, 3]]) { $0[0].split([number, number])[0] }
    _ = mistakes([[2, 3]]) { $0[0].diagonal(offset: number) }
    _ = mistakes([[3]]) { $0[0].diagonalMatrix(offset: number) }
    _ = mistakes([[2, 3]]) { $0[0].lowerTriangle(offset: number) }
    _ = mistakes([[2, 3]]) { $0[0].resample(axis: 1, to: number, .linear) }
    _ = mistakes([[2, 3]]) { $0[0].resample(axis: 1, to: number, .nearest) }
    _ = mistakes([[2, 3]]) { $0[0].adaptiveMaxPool([1: number]) }
    _ = mistakes([[2, 3]]) { $0[0].windows(axis: 1, size: number, stride: number) }
    _ = mistakes([[2, 3]]) { $0[0].windows(axis: 1, size: 2, stride: number, dilation: number) }
    _ = mistakes([[2, 3]]) { sumPool($0[0], [1: Window(size: number, stride: 1)]) }
    _ = mistakes([[2, 3]]) { averagePool($0[0], [1: Window(size: 1, stride: number)]) }
    _ = mistakes([[2, 3]]) { maxPool($0[0], [number: Window(size: 2, dilation: number)]) }
    _ = mistakes([[2, 3]]) { localResponseNorm($0[0], size: number) }
    _ = mistakes([[2, 3]]) { groupNorm($0[0], groups: number) }
    _ = mistakes([[2, 3]]) { round($0[0], decimals: number) }
    _ = mistakes([[2, 3]]) { $0[0].topK(number).values }
    _ = mistakes([[2, 3]]) { embedding($0[0].argSort(), $0[0], padding: number) }
    _ = mistakes([[2, 3]]) { $0[0].builder.uniform(Shape([number, number])) }
    _ = mistakes([[2, 3]]) { crossEntropy($0[0], $0[0].argMax(), ignoring: number) }
  }

  @Test func products() throws {
    let (a, b) = (counting([2, 2]), counting([2, 3]))
    #expect(try evaluate([b, b]) { $0[0].inner($0[1]) }.floats == [5, 14, 14, 50])
    #expect(
      try evaluate([counting([2]), counting([3])]) { $0[0].outer($0[1]) }.floats == [
        0, 0, 0, 0, 1, 2,
      ])
    #expect(try evaluate([a]) { $0[0].matrixPower(3) }.floats == [6, 11, 22, 39])
    #expect(try evaluate([a]) { $0[0].matrixPower(0) }.floats == [1, 0, 0, 1])
    #expect(try evaluate([a, b]) { einsum("ik,kj->ji", $0) }.floats == [3, 9, 4, 14, 5, 19])
    #expect(try evaluate([a, b]) { einsum("ik,kj", $0) }.dimensions == [2, 3])
    #expect(
      try evaluate([counting([1, 2]), counting([2, 1])]) { $0[0].kron($0[1]) }.floats == [
        0, 0, 0, 1,
      ])
    let axes = [NDArray([1, 0, 0] as [Float]), NDArray([0, 1, 0] as [Float])]
    #expect(try evaluate(axes) { $0[0].cross($0[1]) }.floats == [0, 0, 1])
    #expect(
      mistakes([[2, 3], [3, 2]]) { einsum("ij,kj->ik", $0) }
        == ["einsum: \"ij,kj->ik\" does not fit [2, 3], [3, 2]"])
    #expect(
      mistakes([[2, 3], [3, 2]]) { $0[0].contract($0[1], axes: [1], [1]) }
        == ["contract: axes [1] of [2, 3] and [1] of [3, 2] do not match"])
  }
}

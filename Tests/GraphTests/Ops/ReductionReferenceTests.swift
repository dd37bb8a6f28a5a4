import DescentGraph
import Testing

@Suite struct ReductionReferenceTests {
  private func reduce(_ kind: Reduction.Kind, _ array: NDArray, axes: [Int]) throws -> NDArray {
    let reduction = Reduction(kind, axes: axes)
    let type = try reduction.resultType(of: [array.type])
    return reduction.reference([array], result: type)
  }

  /// Elements whose sum depends on the order in which they meet.
  private func elements(_ count: Int) -> [Float] {
    Initializer.normal(mean: 0, deviation: 1e3)
      .makeArray(type: TensorType(.f32, Shape([count])), seed: 9, stream: 1).floats
  }

  @Test func aTreeHalvesAtPowersOfTwo() {
    let join = { (a: String, b: String) in "(\(a)\(b))" }
    #expect(Reduction.tree([String](), join) == nil)
    #expect(Reduction.tree(["a"], join) == "a")
    #expect(Reduction.tree(["a", "b", "c"], join) == "((ac)b)")
    #expect(Reduction.tree(["a", "b", "c", "d"], join) == "((ac)(bd))")
    #expect(Reduction.tree(["a", "b", "c", "d", "e", "f"], join) == "(((ae)c)((bf)d))")
  }

  @Test func lanesAreThePowerOfTwoAtOrAbove() {
    #expect(
      [1, 2, 3, 4, 5, 63, 64, 65, 4096].map(Reduction.laneCount) == [1, 2, 4, 4, 8, 64, 64, 64, 64])
  }

  @Test func aShortRowIsOneTree() throws {
    let x = elements(5)
    let expected = ((x[0] + x[4]) + x[2]) + (x[1] + x[3])
    #expect(try reduce(.sum, NDArray(x, dimensions: [1, 5]), axes: [1]) == NDArray([expected]))
  }

  @Test func aLongRowIsDealtToLanesInChunks() throws {
    let x = elements(5000)
    func chunk(_ range: Range<Int>) -> Float {
      var lanes = [Float](repeating: 0, count: 64)
      for i in range { lanes[(i - range.lowerBound) % 64] += x[i] }
      for half in [32, 16, 8, 4, 2, 1] {
        for i in 0..<half { lanes[i] += lanes[i + half] }
      }
      return lanes[0]
    }
    let expected = chunk(0..<4096) + chunk(4096..<5000)
    #expect(try reduce(.sum, NDArray(x), axes: [0]) == NDArray(scalar: expected))
    #expect(expected != x.reduce(0, +))
  }

  @Test func aColumnTakesItsRowsInOrderInChunks() throws {
    let x = elements(600)
    let result = try reduce(.sum, NDArray(x, dimensions: [300, 2]), axes: [0])
    for column in 0..<2 {
      func chunk(_ rows: Range<Int>) -> Float { rows.reduce(0) { $0 + x[2 * $1 + column] } }
      let expected = (chunk(0..<128) + chunk(256..<300)) + chunk(128..<256)
      #expect(result.floats[column] == expected)
    }
  }

  @Test func middleAxesReduceTogether() throws {
    let array = NDArray((0..<24).map { Float($0) }, dimensions: [2, 3, 2, 2])
    #expect(
      try reduce(.sum, array, axes: [1, 2])
        == NDArray([30, 36, 102, 108] as [Float], dimensions: [2, 2]))
  }

  @Test(arguments: [
    (Reduction.Kind.sum, Float(0)), (.product, 1),
  ])
  func nothingGivesTheIdentity(kind: Reduction.Kind, identity: Float) throws {
    let empty = NDArray(zeros: .f32, dimensions: [2, 0])
    let expected = NDArray([identity, identity])
    #expect(try reduce(kind, empty, axes: [1]) == expected)
    #expect(try reduce(kind, NDArray(zeros: .f32, dimensions: [0, 2]), axes: [0]) == expected)
  }

  @Test func truth() throws {
    let array = NDArray(.bool([true, false, true, true, false, false]), dimensions: [3, 2])
    #expect(
      try reduce(.any, array, axes: [1]) == NDArray(.bool([true, true, false]), dimensions: [3]))
    #expect(
      try reduce(.all, array, axes: [1]) == NDArray(.bool([false, true, false]), dimensions: [3]))
    let empty = NDArray(zeros: .bool, dimensions: [0])
    #expect(try reduce(.any, empty, axes: [0]) == NDArray(.bool([false]), dimensions: []))
    #expect(try reduce(.all, empty, axes: [0]) == NDArray(.bool([true]), dimensions: []))
  }

  @Test func extremes() throws {
    let array = NDArray([3, -1, 7, .infinity, -.infinity, 2] as [Float], dimensions: [2, 3])
    #expect(try reduce(.max, array, axes: [1]) == NDArray([7, .infinity]))
    #expect(try reduce(.min, array, axes: [1]) == NDArray([-1, -.infinity]))
    let nan = try reduce(.max, NDArray([1, .nan, 2] as [Float]), axes: [0])
    #expect(nan.scalar.isNaN)
    let least = NDArray(.i32([.min, .min]), dimensions: [2])
    #expect(try reduce(.max, least, axes: [0]) == NDArray(.i32([.min]), dimensions: []))
    let bytes = NDArray(.u8([9, 4, 200]), dimensions: [3])
    #expect(try reduce(.max, bytes, axes: [0]) == NDArray(.u8([200]), dimensions: []))
    #expect(try reduce(.min, bytes, axes: [0]) == NDArray(.u8([4]), dimensions: []))
  }

  @Test func positionsAreFirstAndNaNBeatsAll() throws {
    func position(_ kind: Reduction.Kind, _ x: [Float]) throws -> [Int32] {
      guard case .i32(let positions) = try reduce(kind, NDArray(x), axes: [0]).storage else {
        return []
      }
      return positions
    }
    #expect(try position(.argMax, [1, 5, 5, 2]) == [1])
    #expect(try position(.argMin, [3, 1, 2, 1]) == [1])
    #expect(try position(.argMax, [1, .nan, .infinity, .nan]) == [1])
    #expect(try position(.argMin, [1, .nan, -.infinity]) == [1])
    #expect(try position(.argMax, [0, -0.0]) == [0])
  }

  @Test func integersWrap() throws {
    let array = NDArray(.i32([.max, 1]), dimensions: [2])
    #expect(try reduce(.sum, array, axes: [0]) == NDArray(.i32([.min]), dimensions: []))
    #expect(try reduce(.product, array, axes: [0]) == NDArray(.i32([.max]), dimensions: []))
  }
}

import DescentFormats
import DescentGraph
import DescentLearning
import Testing

@Suite struct DatasetTests {
  /// Examples 0, 1, 2 … of two features and one target.
  static func numbers(_ count: Int) throws -> Dataset {
    try Dataset(
      inputs: NDArray((0..<2 * count).map { Float($0) }, dimensions: [count, 2]),
      targets: NDArray((0..<count).map { Int32($0) }))
  }

  @Test func arraysMustFit() {
    expectError("there are 3 inputs but 2 targets") {
      try Dataset(inputs: NDArray([1, 2, 3] as [Float]), targets: NDArray([1, 2] as [Float]))
    }
    expectError("inputs of type f32[] have no axis of examples") {
      try Dataset(inputs: NDArray(scalar: 1), targets: NDArray([1] as [Float]))
    }
    expectError("targets of type f32[] have no axis of examples") {
      try Dataset(inputs: NDArray([1] as [Float]), targets: NDArray(scalar: 1))
    }
    expectError("there are no examples") {
      try Dataset(inputs: NDArray([] as [Float]), targets: NDArray([] as [Float]))
    }
  }

  @Test func theLastBatchHoldsTheRest() throws {
    let batches = try Self.numbers(5).batches(size: 2)
    #expect(batches.count == 3)
    #expect(batches.map { $0.targets } == [[0, 1], [2, 3], [4]].map { NDArray($0 as [Int32]) })
    #expect(batches.map { $0.inputs.dimensions } == [[2, 2], [2, 2], [1, 2]])
    #expect(Array(batches)[1].inputs.floats == [4, 5, 6, 7])
    #expect(try Self.numbers(4).batches(size: 2).map(\.count) == [2, 2])
    #expect(try Self.numbers(4).batches(size: .max).map(\.count) == [4])
    expectError("batches: the size is 0, not at least 1") { try Self.numbers(5).batches(size: 0) }
    expectError("batches: the size is -2, not at least 1") {
      try Self.numbers(5).batches(size: -2, seed: 1)
    }
  }

  @Test func shufflingIsPinned() throws {
    let order = { (seed: UInt64, epoch: Int) in
      try Self.numbers(8).shuffled(seed: seed, epoch: epoch).targets.doubles.map { Int($0) }
    }
    #expect(try order(42, 0) == [7, 0, 4, 5, 6, 1, 3, 2])
    #expect(try order(42, 1) == [6, 7, 2, 0, 1, 5, 4, 3])
    #expect(try order(43, 0) == [4, 2, 5, 7, 1, 6, 3, 0])
    let shuffled = try Self.numbers(8).shuffled(seed: 42)
    #expect(
      shuffled.inputs.floats.indices.allSatisfy { index in
        Int(shuffled.inputs.floats[index]) == 2 * Int(shuffled.targets.doubles[index / 2]) + index
          % 2
      })
    let batches = try Self.numbers(8).batches(size: 3, seed: 42, epoch: 1)
    #expect(try batches.flatMap { $0.targets.doubles.map { Int($0) } } == order(42, 1))
  }

  @Test func everyOrderIsAPermutationAndAllPlacesAreLikely() throws {
    var firsts = [Int](repeating: 0, count: 6)
    for epoch in 0..<600 {
      let order = try Self.numbers(6).shuffled(seed: 7, epoch: epoch).targets.doubles
      #expect(order.sorted() == [0, 1, 2, 3, 4, 5])
      firsts[Int(order[0])] += 1
    }
    // 100 expected, deviation about 9.
    #expect(firsts.allSatisfy { 60...140 ~= $0 })
  }

  @Test func splittingKeepsEveryExampleOnce() throws {
    let (first, second) = try Self.numbers(10).split(0.7, seed: 3)
    #expect((first.count, second.count) == (7, 3))
    let all = first.targets.doubles + second.targets.doubles
    #expect(all.sorted() == (0..<10).map(Double.init))
    #expect(all != all.sorted())
    #expect(try Self.numbers(10).split(0.7, seed: 3) == (first, second))
    #expect(try Self.numbers(10).split(0.7, seed: 4).0 != first)
  }

  @Test func splittingRefusesWhatLeavesNothing() {
    for (fraction, text) in [(1.5, "1.5"), (-0.1, "-0.1"), (0, "0.0"), (1, "1.0"), (.nan, "nan")] {
      expectError("split: the fraction is \(text), not between 0 and 1") {
        try Self.numbers(10).split(fraction, seed: 1)
      }
    }
    expectError("split: 0.9 of 1 example leaves one part empty") {
      try Self.numbers(1).split(0.9, seed: 1)
    }
    expectError("split: 0.01 of 10 examples leaves one part empty") {
      try Self.numbers(10).split(0.01, seed: 1)
    }
  }

  @Test func scalingAndNormalizing() throws {
    let set = try Dataset(
      inputs: NDArray([1, 5, 3, 5] as [Float], dimensions: [2, 2]),
      targets: NDArray([0, 1] as [Int32]))
    #expect(set.scaled(by: 0.5).inputs.floats == [0.5, 2.5, 1.5, 2.5])
    #expect(set.normalization.means == [2, 5])
    #expect(set.normalization.deviations == [1, 1])
    #expect(set.normalized().inputs.floats == [-1, 0, 1, 0])
    let scale = set.normalization
    #expect(try set.scaled(by: 2).normalized(by: scale).inputs.floats == [0, 5, 4, 5])
    expectError("normalized: an example has 3 features, the normalization 2") {
      try Dataset(
        inputs: NDArray([1, 2, 3] as [Float], dimensions: [1, 3]), targets: NDArray([1] as [Int32])
      ).normalized(by: scale)
    }
  }
}

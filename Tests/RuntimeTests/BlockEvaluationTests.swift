import DescentGraph
import DescentRuntime
import Testing

struct BlockEvaluationTests {
  @Test(arguments: [0, 1, 2, 255, 256, 257, 3001])
  func randomNumbersAreThoseOfTheReference(count: Int) {
    for seed in 1...3 as ClosedRange<UInt64> {
      let expected = RandomNumbers.normal(count, seed: seed, stream: 7)
      let found = RandomNumbers.normal(
        count, seed: seed, stream: 7, evaluator: RandomNumbers.inBlocks)
      #expect(found.map(\.bitPattern) == expected.map(\.bitPattern), "seed \(seed)")
    }
  }
}

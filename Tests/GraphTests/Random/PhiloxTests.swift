import DescentGraph
import Testing

@Suite struct PhiloxTests {
  /// The known answers that the generator's authors publish.
  @Test(arguments: [
    (
      SIMD4<UInt32>(repeating: 0), SIMD2<UInt32>(repeating: 0),
      SIMD4<UInt32>(0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8)
    ),
    (
      SIMD4<UInt32>(repeating: .max), SIMD2<UInt32>(repeating: .max),
      SIMD4<UInt32>(0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd)
    ),
    (
      SIMD4<UInt32>(0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
      SIMD2<UInt32>(0xa409_3822, 0x299f_31d0),
      SIMD4<UInt32>(0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1)
    ),
  ])
  func knownAnswers(counter: SIMD4<UInt32>, key: SIMD2<UInt32>, answer: SIMD4<UInt32>) {
    #expect(Philox(key: key)(counter) == answer)
  }

  @Test func wordsAreBlocksInOrder() {
    let philox = Philox(seed: 0x299f_31d0_a409_3822)
    #expect(philox.key == [0xa409_3822, 0x299f_31d0])
    let words = philox.words(6, stream: 7)
    let blocks = [philox([0, 0, 7, 0]), philox([1, 0, 7, 0])]
    #expect(
      words == [blocks[0][0], blocks[0][1], blocks[0][2], blocks[0][3]] + [
        blocks[1][0], blocks[1][1],
      ])
    #expect(philox.words(0, stream: 7).isEmpty)
  }

  @Test func theProgramsDrawWhatTheFunctionsDraw() {
    let words = Philox(seed: 5).words(64, stream: 3)
    let uniform = RandomNumbers.uniform(64, seed: 5, stream: 3)
    for (word, number) in zip(words, uniform) {
      #expect(RandomNumbers.uniform.evaluate([UInt64(word)]) == UInt64(number.bitPattern))
      #expect(number >= 0 && number < 1)
    }
    let normal = RandomNumbers.normal(5, seed: 5, stream: 3)
    let pair = [UInt64(words[4]), UInt64(words[5])]
    #expect(RandomNumbers.normalCosine.evaluate(pair) == UInt64(normal[4].bitPattern))
    #expect(normal == Array(RandomNumbers.normal(9, seed: 5, stream: 3).prefix(5)))
  }

  /// The extreme words give finite numbers.
  @Test(arguments: [UInt64(0), 0xFFFF_FFFF, 0x7FFF_FFFF, 0xFF])
  func extremeWords(word: UInt64) {
    for program in [RandomNumbers.normalCosine, RandomNumbers.normalSine] {
      for other in [UInt64(0), 0xFFFF_FFFF] {
        let number = Float(bitPattern: UInt32(program.evaluate([word, other])))
        #expect(number.magnitude < 6)
      }
    }
  }
}

import DescentGraph
import Testing

/// The program of 32-bit operations gives the words that the generator does.
@Suite struct PhiloxWordTests {
  @Test(arguments: 0..<4) func aWordIsTheGenerators(_ word: Int) {
    let program = Elementwise.philox(word: word).program(for: [.i32, .i32, .i32, .i32])
    let draws = Philox(seed: 99).words(400, stream: 3)
    for place in 0..<100 {
      var operands = Array(draws[4 * place..<4 * place + 4])
      // Words of all ones carry in every sum there is.
      if place < 16 { for bit in 0..<4 where place >> bit & 1 == 1 { operands[bit] = .max } }
      let expected = Philox(key: [operands[0], operands[1]])([operands[2], operands[3], 0, 0])
      #expect(
        program.evaluate(operands.map { UInt64($0) }) == UInt64(expected[word]),
        "word \(word) of \(operands)")
    }
  }

  @Test func mistakesAreRecorded() {
    let graph = Graph("words") { g in
      let word = g.input("word", [3], .i32)
      let words = [word, word, word, word].map(\.value)
      g.output("y", Tensor(g, g.add(.elementwise(.philox(word: 4)), words)))
      let reals = [Tensor](repeating: g.input("x", [3]), count: 4).map(\.value)
      g.output("z", Tensor(g, g.add(.elementwise(.philox(word: 0)), reals)))
      g.output("b", g.bernoulli(1.5, [3]))
      g.output("d", dropout(g.input("e", [3]), 1))
      g.output("s", g.state("seed", [3], .i32, .seed))
    }
    #expect(
      graph.errors.map(\.message) == [
        "philox: there is no word 4 of 4", "philox: needs words of type i32, not f32[3]",
        "bernoulli: the probability is 1.5, not from 0 to 1",
        "dropout: the probability is 1.0, not at least 0 and below 1",
        "state: a seed is i32[2], not i32[3]",
      ])
  }
}

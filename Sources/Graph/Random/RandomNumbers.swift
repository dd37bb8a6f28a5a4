/// Random numbers made of random words by scalar programs, so that every machine draws the same bits.
package enum RandomNumbers {
  /// A word's upper 24 bits as a number from 0 up to but without 1.
  package static let uniform = ScalarBuilder.program([.i32]) { fraction($0[0]) }

  /// Two words as one Gaussian number of mean 0 and deviation 1 (Box and Muller, 1958).
  package static let normalCosine = ScalarBuilder.program([.i32, .i32]) {
    radius($0[0]) * $0[0].builder.inline(Expansions.cos, [angle($0[1])])
  }

  /// The same two words as another Gaussian number, independent of the first.
  package static let normalSine = ScalarBuilder.program([.i32, .i32]) {
    radius($0[0]) * $0[0].builder.inline(Expansions.sin, [angle($0[1])])
  }

  /// Returns so many numbers from 0 up to but without 1, the element i from word i of the stream.
  package static func uniform(_ count: Int, seed: UInt64, stream: UInt32) -> [Float] {
    Philox(seed: seed).words(count, stream: stream).map { Float($0 >> 8) * 0x1p-24 }
  }

  /// Evaluates a program of words for every element of its arguments.
  package typealias Evaluator = (ScalarProgram, _ columns: [[UInt32]]) -> [Float]

  /// The evaluator that does one step after the other.
  package static func reference(_ program: ScalarProgram, _ columns: [[UInt32]]) -> [Float] {
    program.evaluate(columns: columns.map { $0.map { UInt64($0) } }, count: columns[0].count)
      .map { Float(bits: $0) }
  }

  /// Returns so many Gaussian numbers, elements 2i and 2i + 1 from the words 2i and 2i + 1 of the stream.
  package static func normal(
    _ count: Int, seed: UInt64, stream: UInt32, evaluator: Evaluator = reference
  ) -> [Float] {
    let words = Philox(seed: seed).words(count + count % 2, stream: stream)
    let pairs = words.count / 2
    let columns = [(0..<pairs).map { words[2 * $0] }, (0..<pairs).map { words[2 * $0 + 1] }]
    let (even, odd) = (evaluator(normalCosine, columns), evaluator(normalSine, columns))
    return (0..<count).map { $0 % 2 == 0 ? even[$0 / 2] : odd[$0 / 2] }
  }

  private static func fraction(_ word: ScalarValue) -> ScalarValue {
    whole(word) * 0x1p-24
  }

  /// The upper 24 bits of a word as a number.
  private static func whole(_ word: ScalarValue) -> ScalarValue {
    word.apply(.shiftRightLogical, word.constant(8)).apply(.convert, to: .f32)
  }

  /// √(−2·ln u) with u from 2⁻²⁴ to 1, so that the logarithm is finite.
  private static func radius(_ word: ScalarValue) -> ScalarValue {
    let u = (whole(word) + 1) * 0x1p-24
    return (word.builder.inline(Expansions.log, [u]) * -2).apply(.sqrt)
  }

  private static func angle(_ word: ScalarValue) -> ScalarValue {
    fraction(word) * (2 * Double.pi)
  }
}

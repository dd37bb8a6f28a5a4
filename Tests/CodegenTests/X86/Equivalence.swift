/// The instructions that the outside assembler encodes in another way of the same meaning.
enum Equivalence {
  /// Returns why the two encodings are equivalent, or nil if nothing says so.
  static func explains(_ text: String) -> String? {
    rules.first { text.wholeMatch(of: $0.pattern) != nil }?.reason
  }

  private static var rules: [(pattern: Regex<AnyRegexOutput>, reason: String)] {
    [
      (
        Regex(/(add|or|and|sub|xor|cmp|test) (al|eax|rax), -?\d+/),
        "immediates to the accumulator have an opcode of their own"
      ),
      (Regex(/(shl|shr|sar) .+, 1/), "shifts by one have an opcode of their own"),
      (
        Regex(/v(movups|movaps|movdqu|movdqa) [xy]mm[0-7], [xy]mm(8|9|1[0-5])/),
        "a move stored rather than loaded saves the third byte of VEX"
      ),
      (Regex(/vmovq xmm[0-7], xmm(8|9|1[0-5])/), "the same for a quadword"),
      (Regex(/vmovs[sd] xmm[0-7], xmm\d+, xmm(8|9|1[0-5])/), "the same for a single element"),
    ]
  }
}

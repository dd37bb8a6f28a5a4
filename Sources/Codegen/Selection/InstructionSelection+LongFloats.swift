import DescentGraph

// Between floats and 64-bit integers, from operations that both vector widths have.

extension InstructionSelection {
  /// Truncates floats to integers; what does not fit goes to the nearer end, and NaN to 0.
  ///
  /// The significand is shifted by the exponent, to the left or to the right: of two shifts by opposite numbers one has
  /// a count of 64 and more seen without sign, and leaves nothing. NaN has so great an exponent that both do.
  mutating func long(truncating x: VirtualRegister) -> Pair {
    let magnitude = add(and, [.register(x), .constant(0x7fff_ffff)])
    let fraction = add(and, [.register(x), .constant(0x007f_ffff)])
    let significand = widened(add(or, [.register(fraction), .constant(0x0080_0000)]))
    let exponent = add(.vpsrld, [.register(magnitude), .immediate(23)])
    // 127 for the exponent's bias, 23 for the significand's places behind the point.
    let left = widened(add(.vpsubd, [.register(exponent), .constant(150)]))
    let right = combined(.vpsubq, pair(ofConstant: 0), left)
    let shifted = combined(
      or, combined(.vpsllvq, significand, left), combined(.vpsrlvq, significand, right))
    let sign = widened(add(.vpsrad, [.register(x), .immediate(31)]))
    let value = combined(.vpsubq, combined(xor, shifted, sign), sign)
    let end = combined(xor, sign, pair(ofConstant: UInt64(Int64.max)))
    // At least 2⁶³.
    let isLarge = compare(.register(magnitude), .constant(0x5f00_0000), 29)
    return blend(isLarge, yes: end, no: value)
  }

  /// Rounds half a vector of integers to floats, with AVX2.
  ///
  /// The integers become doubles without rounding, and those floats. A double has room for 53 bits; of larger integers
  /// the lowest twelve bits become one that says whether any is set, for more they do not mean to a float.
  mutating func rounded(_ x: VirtualRegister) -> VirtualRegister {
    let number = { (selection: inout InstructionSelection, bits: UInt64) in
      selection.pair(ofConstant: bits).lower
    }
    let distance = add(.vpaddq, [.register(x), .register(number(&self, 1 << 52))])
    let excess = add(.vpsrlq, [.register(distance), .immediate(53)])
    let isSmall = add(.vpcmpeqq, [.register(excess), .register(number(&self, 0))])
    let low = add(.vpand, [.register(x), .register(number(&self, 0xfff))])
    let carry = add(.vpaddq, [.register(low), .register(number(&self, 0xfff))])
    let isInexact = add(.vpand, [.register(carry), .register(number(&self, 0x1000))])
    let sticky = add(.vpsrlq, [.register(isInexact), .immediate(1)])
    let high = add(.vpsubq, [.register(x), .register(low)])
    let short = add(.vpor, [.register(high), .register(sticky)])
    let exact = add(.vblendvpd, [.register(short), .register(x), .register(isSmall)])
    return add(.vcvtpd2ps, [.register(double(exact, number))], isHalf: true)
  }

  /// Returns integers of at most 53 significant bits as doubles.
  ///
  /// The upper 32 bits are put behind the exponent of 2⁸⁴, the lower behind that of 2⁵²; what that adds is taken away.
  private mutating func double(
    _ x: VirtualRegister, _ number: (inout InstructionSelection, UInt64) -> VirtualRegister
  ) -> VirtualRegister {
    let shifted = add(.vpsrlq, [.register(x), .immediate(32)])
    let upper = add(
      .vpxor, [.register(shifted), .register(number(&self, 0x4530_0000_8000_0000))])
    let lower = add(
      .vpblendd,
      [.register(x), .register(number(&self, 0x4330_0000_0000_0000)), .immediate(0b1010_1010)])
    let excess = number(&self, 0x4530_0000_8010_0000)
    let difference = add(.vsubpd, [.register(upper), .register(excess)])
    return add(.vaddpd, [.register(difference), .register(lower)])
  }
}

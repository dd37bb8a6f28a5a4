/// The prefix of AVX: a third operand, a vector length, and the escape bytes folded away.
///
///       7   6   5   4   3   2   1   0
///     ┌───────────────────────────────┐
///     │             0xC5              │   two bytes, where X, B and W are 0 and the map is 0F
///     ├───┬───────────────┬───┬───────┤
///     │ R̅ │     v̅v̅v̅v̅      │ L │  pp   │
///     └───┴───────────────┴───┴───────┘
///     ┌───────────────────────────────┐
///     │             0xC4              │   three bytes
///     ├───┬───┬───┬───────────────────┤
///     │ R̅ │ X̅ │ B̅ │      m-mmmm       │
///     ├───┼───┴───┴───────┬───┬───────┤
///     │ W │     v̅v̅v̅v̅      │ L │  pp   │
///     └───┴───────────────┴───┴───────┘
///
/// R, X, B and vvvv are stored inverted, so that the bytes mean something else to processors in 32-bit mode.
struct VEX {
  let encoding: Encoding
  let fields: OperandFields

  func append(to code: inout CodeBuffer) {
    let r = fields.reg >> 3 & 1
    let x = fields.indexNumber >> 3 & 1
    let b = fields.baseNumber >> 3 & 1
    var last = (~fields.vvvv & 0b1111) << 3
    last |= encoding.length << 2
    last |= encoding.mandatory.rawValue
    if x == 0 && b == 0 && !encoding.w && encoding.map == .m0F {
      code.append(0xC5)
      code.append((r ^ 1) << 7 | last)
    } else {
      var middle = encoding.map.rawValue
      middle |= (r ^ 1) << 7
      middle |= (x ^ 1) << 6
      middle |= (b ^ 1) << 5
      code.append(0xC4)
      code.append(middle)
      code.append(encoding.w ? last | 0x80 : last)
    }
  }
}

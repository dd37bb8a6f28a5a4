/// The prefix of AVX-512: 32 registers, masks, broadcasts and rounding.
///
///       7   6   5   4   3   2   1   0
///     ┌───────────────────────────────┐
///     │             0x62              │
///     ├───┬───┬───┬───┬───┬───────────┤
///     │ R̅ │ X̅ │ B̅ │ R̅'│ 0 │    mmm    │   P0
///     ├───┼───┴───┴───┴───┼───┬───────┤
///     │ W │     v̅v̅v̅v̅      │ 1 │  pp   │   P1
///     ├───┼───────┬───┬───┼───┴───────┤
///     │ z │  L'L  │ b │ V̅'│    aaa    │   P2
///     └───┴───────┴───┴───┴───────────┘
///
/// R' and V' are the fifth bits of ModRM.reg and vvvv. The fifth bit of a register in ModRM.rm is X, which an
/// index does not need then; that of a vector index is V', for a gather has no vvvv.
/// b: a memory operand is one element repeated; or, between registers, L'L is a rounding.
struct EVEX {
  let encoding: Encoding
  let fields: OperandFields
  let mask: Masking
  let rounding: Rounding?

  func append(to code: inout CodeBuffer) {
    code.append(0x62)
    code.append(p0)
    code.append(p1)
    code.append(p2)
  }

  private var p0: UInt8 {
    let reg = ~fields.reg
    var byte = encoding.map.rawValue
    byte |= (reg >> 3 & 1) << 7
    byte |= (~extendedIndex & 1) << 6
    byte |= (~fields.baseNumber >> 3 & 1) << 5
    byte |= (reg >> 4 & 1) << 4
    return byte
  }

  private var p1: UInt8 {
    var byte: UInt8 = 0b100 | encoding.mandatory.rawValue
    byte |= (~fields.vvvv & 0b1111) << 3
    return encoding.w ? byte | 0x80 : byte
  }

  private var p2: UInt8 {
    var byte = mask.register?.number ?? 0
    byte |= (~(fields.vvvv | fields.vectorIndexNumber) >> 4 & 1) << 3
    if fields.isBroadcast || rounding != nil { byte |= 1 << 4 }
    byte |= (rounding?.rawValue ?? encoding.length) << 5
    return mask.isZeroing ? byte | 0x80 : byte
  }

  /// What goes to X: the fourth bit of an index, or the fifth of a register in ModRM.rm.
  private var extendedIndex: UInt8 {
    fields.memory == nil ? fields.baseNumber >> 4 : fields.indexNumber >> 3
  }
}

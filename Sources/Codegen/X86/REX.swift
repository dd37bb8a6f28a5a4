/// The prefix that brings 64-bit operands and registers 8 to 15 to the old instructions.
///
///       7   6   5   4   3   2   1   0
///     ┌───┬───┬───┬───┬───┬───┬───┬───┐
///     │ 0   1   0   0 │ W │ R │ X │ B │
///     └───┴───┴───┴───┴───┴───┴───┴───┘
///
/// W: the operands have 64 bits. R, X, B: the fourth bit of ModRM.reg, of SIB.index, and of ModRM.rm, SIB.base
/// or the opcode's register.
struct REX {
  let w: Bool
  let fields: OperandFields

  func append(to code: inout CodeBuffer) {
    var byte: UInt8 = 0x40
    if w { byte |= 0b1000 }
    byte |= (fields.reg >> 3) << 2
    byte |= (fields.indexNumber >> 3) << 1
    byte |= fields.baseNumber >> 3
    if byte != 0x40 || fields.needsREX { code.append(byte) }
  }
}

/// How an instruction form becomes bytes: the manual's opcode column, typed.
package struct Encoding: Hashable, Sendable {
  /// Which prefix carries the extension bits.
  package enum Prefix: UInt8, Hashable, Sendable { case legacy, vex, evex }
  /// The prefix byte that VEX and EVEX fold into two bits, pp.
  package enum Mandatory: UInt8, Hashable, Sendable { case none, p66, pF3, pF2 }
  /// The opcode map; VEX and EVEX fold the escape bytes into a number, mmm.
  package enum Map: UInt8, Hashable, Sendable { case primary, m0F, m0F38, m0F3A }
  /// What follows the opcode: nothing, ModRM with a register (/r), or with three opcode bits (/digit).
  package enum ModRMUse: Hashable, Sendable { case absent, register, digit(UInt8) }

  package var prefix: Prefix = .legacy
  package var mandatory: Mandatory = .none
  package var map: Map = .primary
  /// The operand-size bit of REX, VEX or EVEX; WIG counts as 0.
  package var w = false
  /// The length field: 0, 1, 2 for 128, 256, 512 bits; LIG counts as 0.
  package var length: UInt8 = 0
  package var opcode: UInt8 = 0
  /// Whether a register number is added to the opcode (+rd).
  package var addsRegister = false
  /// A second fixed byte after the opcode.
  package var suffix: UInt8?
  package var modRM: ModRMUse = .absent
  /// Bytes of the immediate or the distance: ib iw id io, cb cd.
  package var immediateByteCount = 0
  /// Whether the high half of a trailing byte names a register (/is4).
  package var hasRegisterImmediate = false

  /// The bytes after the displacement; addresses relative to `rip` count from behind them.
  var trailingByteCount: Int { immediateByteCount + (hasRegisterImmediate ? 1 : 0) }
}

/// An operand of an instruction.
package enum Operand: Hashable, Sendable {
  /// No operand in this place.
  case none
  /// A register.
  case register(Register)
  /// A place in memory.
  case memory(Memory)
  /// A number in the instruction itself.
  case immediate(Int64)
  /// A place in the code.
  case label(Label)

  /// Whether there is no operand in this place.
  var isNone: Bool { if case .none = self { true } else { false } }
}

/// What can be written as an operand: registers, memory, integers, labels.
package protocol InstructionOperand {
  /// The operand.
  var operand: Operand { get }
}

extension Operand: InstructionOperand {
  package var operand: Operand { self }
}

extension Register: InstructionOperand {
  package var operand: Operand { .register(self) }
}

extension Memory: InstructionOperand {
  package var operand: Operand { .memory(self) }
}

extension Int: InstructionOperand {
  package var operand: Operand { .immediate(Int64(self)) }
}

extension Label: InstructionOperand {
  package var operand: Operand { .label(self) }
}

/// Which elements of the destination an AVX-512 instruction writes.
package enum Masking: Hashable, Sendable {
  /// All.
  case none
  /// Those whose bit is set; the others keep their value.
  case merging(Register)
  /// Those whose bit is set; the others become zero.
  case zeroing(Register)

  /// The mask register, if there is one.
  package var register: Register? {
    switch self {
    case .none: nil
    case .merging(let register), .zeroing(let register): register
    }
  }

  /// Whether elements that are not written become zero.
  package var isZeroing: Bool { if case .zeroing = self { true } else { false } }
}

/// The rounding an AVX-512 instruction carries in itself; it also keeps exceptions silent.
package enum Rounding: UInt8, Hashable, Sendable, CaseIterable {
  case nearest, down, up, towardZero

  /// The name in assembly.
  package var name: String {
    switch self {
    case .nearest: "{rn-sae}"
    case .down: "{rd-sae}"
    case .up: "{ru-sae}"
    case .towardZero: "{rz-sae}"
    }
  }
}

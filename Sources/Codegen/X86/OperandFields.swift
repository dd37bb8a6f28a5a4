/// The operands of an instruction sorted into the fields of its encoding.
struct OperandFields {
  /// ModRM.reg, or an opcode's digit.
  private(set) var reg: UInt8 = 0
  /// The operand in vvvv; register 0 where there is none, which the prefix stores as 1111.
  private(set) var vvvv: UInt8 = 0
  /// The number of the register in ModRM.rm, of the base, or of the opcode's register.
  private(set) var baseNumber: UInt8 = 0
  private(set) var indexNumber: UInt8 = 0
  /// The number of the index where it is a vector.
  private(set) var vectorIndexNumber: UInt8 = 0
  /// The memory operand, if there is one.
  private(set) var memory: Memory?
  private(set) var immediate = Operand.none
  /// The register in the byte after the displacement.
  private(set) var trailingRegister: UInt8 = 0
  /// Whether a byte register is meant that only REX can name: without it, 4 to 7 are ah to bh.
  private(set) var needsREX = false

  init(_ instruction: Instruction, _ form: InstructionForm) {
    if case .digit(let digit) = form.encoding.modRM { reg = digit }
    for place in 0..<form.operandCount {
      let operand = instruction.operands[place]
      switch form.roles[place] {
      case .reg: reg = number(of: operand)
      case .vvvv: vvvv = number(of: operand)
      case .rm, .opcode: setBase(operand)
      case .immediate: immediate = operand
      case .trailingRegister: trailingRegister = number(of: operand)
      case .fixed: break
      }
      if case .register(let register) = operand, register.kind == .r8, register.number & ~3 == 4 {
        needsREX = true
      }
    }
  }

  private func number(of operand: Operand) -> UInt8 {
    guard case .register(let register) = operand else { preconditionFailure("not a register") }
    return register.number
  }

  var isBroadcast: Bool { memory?.isBroadcast ?? false }

  private mutating func setBase(_ operand: Operand) {
    switch operand {
    case .register(let register): baseNumber = register.number
    case .memory(let memory):
      self.memory = memory
      baseNumber = memory.baseRegister?.number ?? 0
      if let index = memory.index {
        indexNumber = index.number
        if index.kind.isVector { vectorIndexNumber = index.number }
      }
    default: break
    }
  }
}

extension Instruction {
  /// Returns the bytes of this instruction alone, with distances left zero; nil where no form fits.
  package func encoded(with features: CPUFeatures = .avx512Backend) -> [UInt8]? {
    guard let form = form(with: features) else { return nil }
    var code = CodeBuffer()
    append(to: &code, as: form)
    return code.bytes
  }

  /// Appends the bytes of this instruction in a form that matches it.
  ///
  ///     prefix   opcode   ModRM   SIB   displacement   immediate
  func append(to code: inout CodeBuffer, as form: InstructionForm) {
    verify(form)
    let fields = OperandFields(self, form)
    let encoding = form.encoding
    switch encoding.prefix {
    case .legacy: appendLegacyPrefix(to: &code, encoding, fields)
    case .vex: VEX(encoding: encoding, fields: fields).append(to: &code)
    case .evex:
      EVEX(encoding: encoding, fields: fields, mask: mask, rounding: rounding).append(to: &code)
    }
    appendOpcode(to: &code, encoding, fields)
    appendModRM(to: &code, form, fields)
    if encoding.hasRegisterImmediate { code.append(fields.trailingRegister << 4) }
    appendImmediate(to: &code, fields.immediate, byteCount: encoding.immediateByteCount)
  }

  /// 66 comes before REX, REX right before the opcode.
  private func appendLegacyPrefix(
    to code: inout CodeBuffer, _ encoding: Encoding, _ fields: OperandFields
  ) {
    if encoding.mandatory == .p66 { code.append(0x66) }
    REX(w: encoding.w, fields: fields).append(to: &code)
    if encoding.map == .m0F { code.append(0x0F) }
  }

  private func appendOpcode(
    to code: inout CodeBuffer, _ encoding: Encoding, _ fields: OperandFields
  ) {
    let register = encoding.addsRegister ? fields.baseNumber & 7 : 0
    code.append(encoding.opcode | register)
    if let suffix = encoding.suffix { code.append(suffix) }
  }

  private func appendModRM(
    to code: inout CodeBuffer, _ form: InstructionForm, _ fields: OperandFields
  ) {
    guard form.encoding.modRM != .absent else { return }
    let modRM = ModRM(reg: fields.reg)
    if let memory = fields.memory {
      modRM.append(
        to: &code, memory, unit: form.displacementUnit(of: memory),
        trailingByteCount: form.encoding.trailingByteCount)
    } else {
      modRM.append(to: &code, register: fields.baseNumber)
    }
  }

  private func appendImmediate(to code: inout CodeBuffer, _ operand: Operand, byteCount: Int) {
    switch operand {
    case .immediate(let value): code.append(integer: value, byteCount: byteCount)
    case .label(let label): code.appendDistance(to: label, byteCount: byteCount)
    default: break
    }
  }
}

extension InstructionForm {
  /// The N of disp8*N: the bytes the operand reads or writes.
  ///
  /// The manual tells it by "tuple types"; the size of the memory operand says the same.
  func displacementUnit(of memory: Memory) -> Int32 {
    guard encoding.prefix == .evex else { return 1 }
    return Int32(memory.isBroadcast ? broadcastByteCount : max(1, memoryByteCount))
  }

  /// The bytes of one broadcast element.
  var broadcastByteCount: Int { encoding.w ? 8 : 4 }
}

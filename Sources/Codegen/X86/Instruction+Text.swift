extension Instruction {
  /// The instruction in Intel's syntax, as assemblers read it.
  package func text(as form: InstructionForm) -> String {
    var text = "\(mnemonic)"
    for place in 0..<operandCount {
      text += place == 0 ? " " : ", "
      text += operandText(operands[place], form)
      if place == 0 { text += maskText }
    }
    if let rounding { text += ", " + rounding.name }
    return text
  }

  private var maskText: String {
    guard let register = mask.register else { return "" }
    return "{\(register)}" + (mask.isZeroing ? "{z}" : "")
  }

  private func operandText(_ operand: Operand, _ form: InstructionForm) -> String {
    switch operand {
    case .none: ""
    case .register(let register): "\(register)"
    case .immediate(let value): "\(value)"
    case .label(let label): "\(label)"
    case .memory(let memory): memoryText(memory, form)
    }
  }

  private func memoryText(_ memory: Memory, _ form: InstructionForm) -> String {
    guard memory.isBroadcast else { return Self.sizeName(form.memoryByteCount) + "\(memory)" }
    let element = form.broadcastByteCount
    return Self.sizeName(element) + "\(memory){1to\(form.memoryByteCount / element)}"
  }

  private static func sizeName(_ byteCount: Int) -> String {
    switch byteCount {
    case 1: "byte ptr "
    case 2: "word ptr "
    case 4: "dword ptr "
    case 8: "qword ptr "
    case 16: "xmmword ptr "
    case 32: "ymmword ptr "
    case 64: "zmmword ptr "
    default: ""
    }
  }
}

extension Instruction: CustomStringConvertible {
  /// The instruction in Intel's syntax; what no form can encode prints bare operands.
  package var description: String {
    if let form = form() { return text(as: form) }
    let operands = (0..<operandCount).map { "\(self.operands[$0])" }
    return "\(mnemonic) \(operands.joined(separator: ", "))\(maskText)"
  }
}

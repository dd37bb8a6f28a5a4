extension Instruction {
  /// Returns the first form that can encode this instruction with the extensions at hand, if one can.
  package func form(with features: CPUFeatures = .avx512Backend) -> InstructionForm? {
    let table = InstructionTable.shared
    let request = FormRequest(self)
    let position = table.range(of: mnemonic).first {
      features.isSuperset(of: table.forms[$0].features) && table.forms[$0].matches(request)
    }
    return position.map { table.forms[$0] }
  }

  /// Traps on an instruction that a form could encode but the processor would refuse, or read otherwise.
  func verify(_ form: InstructionForm) {
    // Without bytes of memory a form takes none, or only an address.
    if form.memoryByteCount > 0, let memory {
      precondition(
        memory.byteCount > 0 || !form.needsMemorySize, "\(mnemonic): memory of what size?")
      let writes = if case .memory = operands[0] { true } else { false }
      precondition(!(writes && mask.isZeroing), "\(mnemonic): memory cannot be zeroed by a mask")
      if memory.index?.kind.isVector == true { verifyDistinctRegisters() }
    }
    precondition(rounding == nil || memory == nil, "\(mnemonic): a rounding needs registers")
  }

  /// A gather's destination, index and mask differ, or the processor refuses.
  private func verifyDistinctRegisters() {
    guard case .register(let destination) = operands[0], let index = memory?.index else { return }
    var numbers = [destination.number, index.number]
    if operandCount == 3, case .register(let mask) = operands[2] { numbers.append(mask.number) }
    precondition(Set(numbers).count == numbers.count, "\(mnemonic): registers must differ")
  }
}

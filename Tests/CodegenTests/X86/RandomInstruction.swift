import DescentCodegen
import DescentTestSupport

/// Draws operands for a form at random, from everything the form allows.
struct RandomInstruction {
  let form: InstructionForm

  /// Returns an instruction; nil where the form takes a distance or the draw is not legal.
  func draw(_ random: inout SplitMix64) -> Instruction? {
    var operands = [Operand](repeating: .none, count: 4)
    for place in 0..<form.operandCount {
      guard let operand = draw(form.kinds[place], &random) else { return nil }
      operands[place] = operand
    }
    let hasMemory = operands.contains(where: \.isMemory)
    let rounding: Rounding? =
      form.takesRounding && !hasMemory && random.chance(40)
      ? random.pick(Rounding.allCases) : nil
    if isGather(operands) && !hasDistinctRegisters(operands) { return nil }
    let instruction = Instruction(
      form.mnemonic, operands[0], operands[1], operands[2], operands[3],
      mask: drawMask(&random, writesMemory: operands[0].isMemory), rounding: rounding)
    // The draw may suit an earlier form as well, which may then ask for the size of its memory.
    guard let chosen = instruction.form() else { return nil }
    let size = instruction.memory?.byteCount ?? 1
    return chosen.needsMemorySize && size == 0 ? nil : instruction
  }

  private func draw(_ kinds: OperandKinds, _ random: inout SplitMix64) -> Operand? {
    let limit = form.encoding.prefix == .evex ? 31 : 15
    let hasMemory = !kinds.isDisjoint(with: .anyMemory)
    let hasRegister = !kinds.isDisjoint(with: .anyRegister)
    if hasMemory && (!hasRegister || random.chance(50)) {
      return .memory(drawMemory(kinds, limit, &random))
    }
    if hasRegister {
      return Register.sample(of: kinds, number: random.int(0...limit)).map(Operand.register)
    }
    return drawImmediate(kinds, &random).map(Operand.immediate)
  }

  private func drawMemory(
    _ kinds: OperandKinds, _ limit: Int, _ random: inout SplitMix64
  ) -> Memory {
    let base = Register(.r64, random.int(0...15))
    let scale = random.pick([1, 2, 4, 8])
    let isBroadcast = !kinds.isDisjoint(with: .anyBroadcast) && random.chance(50)
    let unit = isBroadcast ? (form.encoding.w ? 8 : 4) : max(1, form.memoryByteCount)
    let displacement = drawDisplacement(unit, &random)
    var memory = Memory.at(base, displacement)
    if let index = Register.vectorIndex(of: kinds, number: random.int(0...limit)) {
      return .at(base, index: index, scale: scale, displacement)
    }
    if random.chance(50) {
      let number = random.pick([0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
      memory = .at(base, index: Register(.r64, number), scale: scale, displacement)
    }
    if form.needsMemorySize { memory = memory.sized(form.memoryByteCount) }
    return isBroadcast ? memory.broadcast : memory
  }

  private func drawDisplacement(_ unit: Int, _ random: inout SplitMix64) -> Int {
    switch random.int(0...4) {
    case 0: 0
    case 1: random.int(-130...130) * unit
    case 2: random.int(-200...200)
    case 3: random.pick([-129, -128, 127, 128]) * unit
    default: random.int(-0x8000_0000...0x7FFF_FFFF)
    }
  }

  private func drawImmediate(_ kinds: OperandKinds, _ random: inout SplitMix64) -> Int64? {
    let value = Int64(bitPattern: random.next())
    if kinds.contains(.imm64) { return value }
    if kinds.contains(.imm32) || kinds.contains(.imm32sx) {
      return Int64(Int32(truncatingIfNeeded: value)) >> Int64(random.pick([0, 8, 16]))
    }
    if kinds.contains(.imm16) { return Int64(Int16(truncatingIfNeeded: value)) }
    if kinds.contains(.imm8sx) { return Int64(Int8(truncatingIfNeeded: value)) }
    return kinds.contains(.imm8) ? Int64(random.int(0...31)) : nil
  }

  private func drawMask(_ random: inout SplitMix64, writesMemory: Bool) -> Masking {
    let mask = Register(.mask, random.int(1...7))
    if form.masking == .required { return .merging(mask) }
    if form.masking == .none || random.chance(50) { return .none }
    let mayZero = form.masking == .mergingOrZeroing && !writesMemory
    return mayZero && random.chance(50) ? .zeroing(mask) : .merging(mask)
  }

  private func isGather(_ operands: [Operand]) -> Bool {
    operands.contains { operand in
      if case .memory(let memory) = operand { memory.index?.kind.isVector == true } else { false }
    }
  }

  private func hasDistinctRegisters(_ operands: [Operand]) -> Bool {
    var numbers: [UInt8] = []
    for operand in operands {
      switch operand {
      case .register(let register): numbers.append(register.number)
      case .memory(let memory): numbers.append(memory.index?.number ?? 0)
      default: break
      }
    }
    return Set(numbers).count == numbers.count
  }
}

import DescentCodegen

/// Chooses operands for a form, so that every corner of every prefix is met somewhere in the table.
struct SampleInstructions {
  /// Numbers for the registers of one instruction, in order: low, high, and each mixed with the other.
  static let legacyBanks: [[Int]] = [
    [1, 2, 3, 4], [9, 10, 11, 12], [0, 15, 7, 8], [13, 5, 6, 14],
  ]
  static let evexBanks: [[Int]] = [
    [17, 2, 3, 4], [1, 18, 3, 4], [9, 2, 24, 4], [31, 30, 29, 28], [16, 8, 15, 7],
  ]

  let form: InstructionForm
  /// The form's place in the table: it decides which corners this form shows.
  let position: Int

  /// The samples of a form, those that it would really encode.
  var instructions: [Instruction] {
    (registerSamples + memorySamples + decoratedSamples).filter { instruction in
      guard let chosen = instruction.form() else { return false }
      return chosen.encoding == form.encoding && chosen.operandCount == form.operandCount
    }
  }

  private var banks: [[Int]] {
    form.encoding.prefix == .evex ? Self.evexBanks : Self.legacyBanks
  }

  private func bank(_ turn: Int) -> [Int] { banks[(position + turn) % banks.count] }

  private var registerSamples: [Instruction] {
    [banks[0], banks[1]].compactMap { make(bank: $0, memory: nil) }
  }

  private var memorySamples: [Instruction] {
    (0..<2).compactMap { turn in
      let shapes = MemoryShape.allCases
      let shape = shapes[(position * 2 + turn) % shapes.count]
      return make(bank: turn == 0 ? banks[3] : bank(1), memory: shape)
    }
  }

  private var decoratedSamples: [Instruction] {
    guard form.encoding.prefix == .evex else { return [] }
    var samples: [Instruction?] = []
    let mask = Register(.mask, 1 + position % 7)
    if form.masking != .none {
      let memory: MemoryShape? = position % 2 == 0 ? .displaced : nil
      samples.append(make(bank: banks[3], memory: memory, mask: .merging(mask)))
    }
    if form.masking == .mergingOrZeroing {
      samples.append(make(bank: bank(1), memory: nil, mask: .zeroing(mask)))
    }
    samples.append(make(bank: bank(3), memory: .displaced, broadcast: true))
    if form.takesRounding {
      let rounding = Rounding.allCases[position % 4]
      samples.append(make(bank: bank(4), memory: nil, rounding: rounding))
    }
    return samples.compactMap(\.self)
  }

  /// Creates an instruction of the form, or nil where the form has no such operand.
  func make(
    bank: [Int], memory shape: MemoryShape?, broadcast: Bool = false, mask: Masking = .none,
    rounding: Rounding? = nil
  ) -> Instruction? {
    var operands = [Operand](repeating: .none, count: 4)
    for place in 0..<form.operandCount {
      guard let operand = operand(at: place, number: bank[place], shape, broadcast) else {
        return nil
      }
      operands[place] = operand
    }
    if shape != nil && !operands.contains(where: \.isMemory) { return nil }
    // Gathers take a mask always.
    let required = form.masking == .required ? Masking.merging(Register(.mask, 3)) : .none
    return Instruction(
      form.mnemonic, operands[0], operands[1], operands[2], operands[3],
      mask: mask == .none ? required : mask, rounding: rounding)
  }

  private func operand(
    at place: Int, number: Int, _ shape: MemoryShape?, _ broadcast: Bool
  ) -> Operand? {
    let kinds = form.kinds[place]
    if !kinds.isDisjoint(with: .anyMemory), shape != nil || kinds.isDisjoint(with: .anyRegister) {
      return memoryOperand(kinds, shape ?? .plain, broadcast)
    }
    if !kinds.isDisjoint(with: .anyRegister) {
      return Register.sample(of: kinds, number: number).map(Operand.register)
    }
    return Self.immediate(for: kinds, position)
  }

  private func memoryOperand(
    _ kinds: OperandKinds, _ shape: MemoryShape, _ broadcast: Bool
  ) -> Operand? {
    if let index = Register.vectorIndex(of: kinds, number: form.encoding.prefix == .evex ? 22 : 14)
    {
      return .memory(.at(.r13, index: index, scale: 4, 8 * form.memoryByteCount))
    }
    let isBroadcast = broadcast && !kinds.isDisjoint(with: .anyBroadcast)
    if broadcast != isBroadcast { return nil }
    let unit = isBroadcast ? (form.encoding.w ? 8 : 4) : max(1, form.memoryByteCount)
    let memory = shape.memory(unit: unit)
    let sized = form.needsMemorySize ? memory.sized(form.memoryByteCount) : memory
    return .memory(isBroadcast ? sized.broadcast : sized)
  }

  private static func immediate(for kinds: OperandKinds, _ position: Int) -> Operand? {
    if kinds.contains(.imm64) { return .immediate(0x0123_4567_89AB_CDEF) }
    if kinds.contains(.imm32) || kinds.contains(.imm32sx) { return .immediate(-0x1234_5678) }
    if kinds.contains(.imm16) { return .immediate(0x1234) }
    if kinds.contains(.imm8sx) { return .immediate(position % 2 == 0 ? -128 : 127) }
    if kinds.contains(.imm8) { return .immediate(Int64(2 + position % 6)) }
    return nil
  }
}

extension Operand {
  var isMemory: Bool { if case .memory = self { true } else { false } }
}

extension Register {
  /// A register that some place accepts; masks have only eight numbers.
  static func sample(of kinds: OperandKinds, number: Int) -> Register? {
    let choices: [(OperandKinds, RegisterClass)] = [
      (.r8, .r8), (.r16, .r16), (.r32, .r32), (.r64, .r64), (.xmm, .xmm), (.ymm, .ymm),
      (.zmm, .zmm), (.mask, .mask),
    ]
    if kinds == .cl { return Register(.r8, 1) }
    guard let kind = choices.first(where: { kinds.contains($0.0) })?.1 else { return nil }
    return Register(kind, number % kind.registerCount)
  }

  /// The vector of indices that a place accepts.
  static func vectorIndex(of kinds: OperandKinds, number: Int) -> Register? {
    if !kinds.isDisjoint(with: [.vm32x, .vm64x]) { return Register(.xmm, number) }
    if !kinds.isDisjoint(with: [.vm32y, .vm64y]) { return Register(.ymm, number) }
    if !kinds.isDisjoint(with: [.vm32z, .vm64z]) { return Register(.zmm, number) }
    return nil
  }
}

/// The shapes of an address that are encoded in different ways.
enum MemoryShape: CaseIterable {
  case plain, displaced, far, negative, lastByte, firstFar, uneven
  case stack, stackTwin, frame, frameTwin
  case indexed, indexedHigh, indexedFrame, indexedStack, constant

  /// An address of this shape; one-byte displacements count in `unit`.
  func memory(unit: Int) -> Memory {
    switch self {
    case .plain: .at(.rax)
    case .displaced: .at(.rdi, 3 * unit)
    case .far: .at(.r9, 0x12345)
    case .negative: .at(.rsi, -128 * unit)
    case .lastByte: .at(.r15, 127 * unit)
    case .firstFar: .at(.rbx, 128 * unit)
    case .uneven: .at(.rcx, unit + 1)
    case .stack: .at(.rsp)
    case .stackTwin: .at(.r12, unit)
    case .frame: .at(.rbp)
    case .frameTwin: .at(.r13)
    case .indexed: .at(.rdx, index: .rcx, scale: 4, 2 * unit)
    case .indexedHigh: .at(.r8, index: .r15, scale: 8)
    case .indexedFrame: .at(.rbp, index: .r12, scale: 2)
    case .indexedStack: .at(.rsp, index: .rbp, -unit)
    case .constant: .constant(Self.someConstant)
    }
  }

  private static let someConstant: Constant = {
    var assembler = Assembler(features: [])
    return assembler.constant(UInt32(1))
  }()
}

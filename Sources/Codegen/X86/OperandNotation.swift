/// Reads the operand column of a row for one vector length.
struct OperandNotation {
  /// What each place accepts.
  private(set) var kinds: [OperandKinds] = []
  private(set) var masking = InstructionForm.MaskUse.none
  private(set) var takesRounding = false
  /// The row's vector length in bytes.
  private let vectorByteCount: Int

  init(_ operands: String, vectorByteCount: Int) {
    self.vectorByteCount = vectorByteCount
    for place in operands.split(separator: ",") { readPlace(place.drop { $0 == " " }) }
  }

  private mutating func readPlace(_ place: Substring) {
    let parts = place.split(separator: "{")
    for decoration in parts.dropFirst() { readDecoration(decoration) }
    let alternatives = parts[0]
    if alternatives.hasPrefix("r/m") {
      let size = alternatives.dropFirst(3)
      kinds.append(named("r" + size).union(named("m" + size)))
    } else {
      kinds.append(alternatives.split(separator: "/").reduce(into: []) { $0.formUnion(named($1)) })
    }
  }

  private mutating func readDecoration(_ decoration: Substring) {
    switch decoration {
    case "k}": masking = .merging
    case "z}": masking = .mergingOrZeroing
    case "k!}": masking = .required
    case "er}": takesRounding = true
    default: preconditionFailure("unknown decoration {\(decoration)")
    }
  }

  private func named(_ name: Substring) -> OperandKinds {
    if let kind = Self.fixedKinds[name] { return kind }
    switch name {
    case "v": return vector(vectorByteCount)
    case "vh": return vector(vectorByteCount / 2)
    case "vq": return vector(vectorByteCount / 4)
    case "mv": return .memory(byteCount: vectorByteCount)
    case "mvh": return .memory(byteCount: vectorByteCount / 2)
    case "mvq": return .memory(byteCount: vectorByteCount / 4)
    case "vm32v": return indices(vectorByteCount, [.vm32x, .vm32y, .vm32z])
    case "vm32vh": return indices(vectorByteCount / 2, [.vm32x, .vm32y, .vm32z])
    case "vm64v": return indices(vectorByteCount, [.vm64x, .vm64y, .vm64z])
    default: preconditionFailure("unknown operand \(name)")
    }
  }

  /// The narrowest registers that hold so many bytes.
  private func vector(_ byteCount: Int) -> OperandKinds {
    byteCount <= 16 ? .xmm : byteCount == 32 ? .ymm : .zmm
  }

  private func indices(_ byteCount: Int, _ choices: [OperandKinds]) -> OperandKinds {
    byteCount <= 16 ? choices[0] : byteCount == 32 ? choices[1] : choices[2]
  }

  private static let fixedKinds: [Substring: OperandKinds] = [
    "r8": .r8, "r16": .r16, "r32": .r32, "r64": .r64, "cl": .cl,
    "xmm": .xmm, "ymm": .ymm, "zmm": .zmm, "k": .mask,
    "m8": .m8, "m16": .m16, "m32": .m32, "m64": .m64, "m128": .m128, "m256": .m256, "m512": .m512,
    "m": .address, "b32": .broadcast32, "b64": .broadcast64,
    "imm8": .imm8, "imm8sx": .imm8sx, "imm16": .imm16, "imm32": .imm32, "imm32sx": .imm32sx,
    "imm64": .imm64, "rel8": .rel8, "rel32": .rel32,
  ]
}

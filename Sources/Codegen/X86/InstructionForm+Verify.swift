extension InstructionForm {
  /// What is wrong with the form of a row, or nil: each rule names a slip that copying a row invites.
  func problem(in row: InstructionRow) -> String? {
    let roles = row.operandEncoding.roles
    guard roles.count == operandCount else { return "as many letters as operands" }
    for place in roles.indices where !accepts(roles[place]).isSuperset(of: kinds[place]) {
      return "an operand \(place) that \(row.operandEncoding) can encode"
    }
    let usesModRM = roles.contains(.rm) || roles.contains(.reg)
    let rules: [(Bool, String)] = [
      (usesModRM == (encoding.modRM != .absent), "ModRM for R and M, and for them only"),
      (roles.contains(.reg) == (encoding.modRM == .register), "/r for R, and for it only"),
      (roles.contains(.opcode) == encoding.addsRegister, "+rd for O, and for it only"),
      (roles.contains(.immediate) == (encoding.immediateByteCount > 0), "bytes for I"),
      (roles.contains(.trailingRegister) == encoding.hasRegisterImmediate, "/is4 for a fourth R"),
      (encoding.prefix != .legacy || !roles.contains(.vvvv), "VEX or EVEX for V"),
      (encoding.prefix == .evex || masking == .none && !takesRounding, "EVEX for decorations"),
      ((masking == .required) == (encoding.prefix == .evex && isVectorIndexed), "{k!} for gathers"),
      ((0..<4).count { !kinds[$0].isDisjoint(with: .anyMemory) } <= 1, "one memory operand"),
      ((encoding.prefix == .legacy) == features.isEmpty, "features for VEX and EVEX"),
      (encoding.prefix != .evex || features.contains(.avx512f), "AVX-512F under every EVEX"),
      (encoding.prefix != .evex || encoding.length < 2 || isMaskable || isUnmaskable, "{k}"),
    ]
    return rules.first { !$0.0 }?.1
  }

  /// Whether a mask can limit what is written, or is what is written.
  private var isMaskable: Bool {
    masking != .none || (0..<4).contains { kinds[$0].contains(.mask) }
  }

  /// Whether this is a form EVEX knows without a mask: a non-temporal store.
  private var isUnmaskable: Bool { mnemonic == .vmovntps }

  private var isVectorIndexed: Bool {
    (0..<4).contains { !kinds[$0].isDisjoint(with: .anyVectorIndexed) }
  }

  private func accepts(_ role: OperandRole) -> OperandKinds {
    switch role {
    case .reg, .vvvv, .opcode: .anyRegister
    case .trailingRegister: [.xmm, .ymm]
    case .rm: .anyRegister.union(.anyMemory)
    case .immediate: .anyImmediate.union(.anyDistance)
    case .fixed: .cl
    }
  }
}

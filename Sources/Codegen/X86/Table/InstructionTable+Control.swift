extension InstructionTable {
  // swift-format-ignore
  static let controlRows: [InstructionRow] = [
    .init(.jmp,         .i,  "rel8",      "EB cb"),
    .init(.jmp,         .i,  "rel32",     "E9 cd"),
    .init(.jmp,         .m,  "r/m64",     "FF /4"),
    .init(.call,        .i,  "rel32",     "E8 cd"),
    .init(.call,        .m,  "r/m64",     "FF /2"),
    .init(.ret,         .zo, "",          "C3"),
    .init(.nop,         .zo, "",          "90"),
    .init(.nop,         .m,  "r/m32",     "0F 1F /0"),
    .init(.int3,        .zo, "",          "CC"),
    .init(.ud2,         .zo, "",          "0F 0B"),
    .init(.cpuid,       .zo, "",          "0F A2"),
    .init(.xgetbv,      .zo, "",          "0F 01 D0"),
    .init(.sfence,      .zo, "",          "0F AE F8"),
    .init(.prefetchnta, .m,  "m8",        "0F 18 /0"),
    .init(.prefetcht0,  .m,  "m8",        "0F 18 /1"),
    .init(.prefetcht1,  .m,  "m8",        "0F 18 /2"),
    .init(.prefetchw,   .m,  "m8",        "0F 0D /1"),
  ] + conditionalRows

  /// The families with a condition in the low four bits of the opcode: Jcc, CMOVcc, SETcc.
  static var conditionalRows: [InstructionRow] {
    Condition.allCases.flatMap { condition -> [InstructionRow] in
      let low = String(condition.rawValue, radix: 16, uppercase: true)
      return [
        .init(condition.jump, .i, "rel8", "7\(low) cb"),
        .init(condition.jump, .i, "rel32", "0F 8\(low) cd"),
        .init(condition.move, .rm, "r32, r/m32", "0F 4\(low) /r"),
        .init(condition.move, .rm, "r64, r/m64", "REX.W + 0F 4\(low) /r"),
        .init(condition.set, .m, "r/m8", "0F 9\(low) /0"),
      ]
    }
  }
}

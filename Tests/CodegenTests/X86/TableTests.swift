import DescentCodegen
import Testing

/// The rows check themselves: what each rule catches.
struct TableTests {
  @Test func `the table is free of problems`() {
    #expect(InstructionTable.problems(in: InstructionTable.allRows).isEmpty)
  }

  @Test(arguments: [
    (
      InstructionRow(.vaddps, .rvm, "v, v/mv", "VEX.128.0F.WIG 58 /r", .avx),
      "vaddps v, v/mv: expected as many letters as operands"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v, v/mv, v", "VEX.128.0F.WIG 58 /r", .avx),
      "vaddps v, v/mv, v: expected an operand 1 that rvm can encode"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v, v, v/mv", "VEX.128.0F.WIG 58", .avx),
      "vaddps v, v, v/mv: expected ModRM for R and M, and for them only"
    ),
    (
      InstructionRow(.neg, .m, "r/m32", "F7 /r"),
      "neg r/m32: expected /r for R, and for it only"
    ),
    (
      InstructionRow(.push, .o, "r64", "50"),
      "push r64: expected +rd for O, and for it only"
    ),
    (
      InstructionRow(.shl, .mi, "r/m32, imm8", "C1 /4"),
      "shl r/m32, imm8: expected bytes for I"
    ),
    (
      InstructionRow(.vblendvps, .rvmr, "v, v, v/mv, v", "VEX.128.66.0F3A.W0 4A /r", .avx),
      "vblendvps v, v, v/mv, v: expected /is4 for a fourth R"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v, v, v/mv", "0F 58 /r"),
      "vaddps v, v, v/mv: expected VEX or EVEX for V"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v{k}{z}, v, v/mv", "VEX.128.0F.WIG 58 /r", .avx),
      "vaddps v{k}{z}, v, v/mv: expected EVEX for decorations"
    ),
    (
      InstructionRow(.vgatherdps, .rm, "v{k}, vm32v", "EVEX.512.66.0F38.W0 92 /r", .avx512f),
      "vgatherdps v{k}, vm32v: expected {k!} for gathers"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v, v, v/mv", "VEX.128.0F.WIG 58 /r"),
      "vaddps v, v, v/mv: expected features for VEX and EVEX"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v{k}{z}, v, v/mv", "EVEX.512.0F.W0 58 /r", .avx512dq),
      "vaddps v{k}{z}, v, v/mv: expected AVX-512F under every EVEX"
    ),
    (
      InstructionRow(.vaddps, .rvm, "v, v, v/mv", "EVEX.512.0F.W0 58 /r", .avx512f),
      "vaddps v, v, v/mv: expected {k}"
    ),
  ])
  func `a slip in a row is named`(row: InstructionRow, problem: String) {
    #expect(InstructionTable.problems(in: [row]) == [problem])
  }

  @Test func `features name what the length adds`() {
    let forms = InstructionTable.shared.range(of: .vpmullq).map {
      InstructionTable.shared.forms[$0]
    }
    #expect(
      forms.map(\.features.description) == [
        "avx512f avx512dq avx512vl", "avx512f avx512dq avx512vl", "avx512f avx512dq",
      ])
  }
}

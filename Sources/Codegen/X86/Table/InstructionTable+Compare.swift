extension InstructionTable {
  // swift-format-ignore
  static let compareRows: [InstructionRow] = [
    // Floats; imm8 is the predicate. VEX fills a vector with ones, EVEX a mask.
    .init(.vcmpps, .rvmi, "v, v, v/mv, imm8",        "VEX.128|256.0F.WIG C2 /r ib",        .avx),
    .init(.vcmpps, .rvmi, "k{k}, v, v/mv/b32, imm8", "EVEX.128|256|512.0F.W0 C2 /r ib",    .avx512f),
    .init(.vcmppd, .rvmi, "v, v, v/mv, imm8",        "VEX.128|256.66.0F.WIG C2 /r ib",     .avx),
    .init(.vcmppd, .rvmi, "k{k}, v, v/mv/b64, imm8", "EVEX.128|256|512.66.0F.W1 C2 /r ib", .avx512f),

    // Integers.
    .init(.vpcmpeqd, .rvm,  "v, v, v/mv",              "VEX.128|256.66.0F.WIG 76 /r",          .avx2),
    .init(.vpcmpeqd, .rvm,  "k{k}, v, v/mv/b32",       "EVEX.128|256|512.66.0F.W0 76 /r",      .avx512f),
    .init(.vpcmpgtd, .rvm,  "v, v, v/mv",              "VEX.128|256.66.0F.WIG 66 /r",          .avx2),
    .init(.vpcmpgtd, .rvm,  "k{k}, v, v/mv/b32",       "EVEX.128|256|512.66.0F.W0 66 /r",      .avx512f),
    .init(.vpcmpeqq, .rvm,  "v, v, v/mv",              "VEX.128|256.66.0F38.WIG 29 /r",        .avx2),
    .init(.vpcmpeqq, .rvm,  "k{k}, v, v/mv/b64",       "EVEX.128|256|512.66.0F38.W1 29 /r",    .avx512f),
    .init(.vpcmpgtq, .rvm,  "v, v, v/mv",              "VEX.128|256.66.0F38.WIG 37 /r",        .avx2),
    .init(.vpcmpgtq, .rvm,  "k{k}, v, v/mv/b64",       "EVEX.128|256|512.66.0F38.W1 37 /r",    .avx512f),
    .init(.vpcmpeqb, .rvm,  "v, v, v/mv",              "VEX.128|256.66.0F.WIG 74 /r",          .avx2),
    .init(.vpcmpeqb, .rvm,  "k{k}, v, v/mv",           "EVEX.128|256|512.66.0F.WIG 74 /r",     [.avx512f, .avx512bw]),
    .init(.vpcmpd,   .rvmi, "k{k}, v, v/mv/b32, imm8", "EVEX.128|256|512.66.0F3A.W0 1F /r ib", .avx512f),
    .init(.vpcmpud,  .rvmi, "k{k}, v, v/mv/b32, imm8", "EVEX.128|256|512.66.0F3A.W0 1E /r ib", .avx512f),
    .init(.vpcmpq,   .rvmi, "k{k}, v, v/mv/b64, imm8", "EVEX.128|256|512.66.0F3A.W1 1F /r ib", .avx512f),
    .init(.vpcmpuq,  .rvmi, "k{k}, v, v/mv/b64, imm8", "EVEX.128|256|512.66.0F3A.W1 1E /r ib", .avx512f),

    // Tests of bits.
    .init(.vptestmd,  .rvm, "k{k}, v, v/mv/b32", "EVEX.128|256|512.66.0F38.W0 27 /r", .avx512f),
    .init(.vptestmq,  .rvm, "k{k}, v, v/mv/b64", "EVEX.128|256|512.66.0F38.W1 27 /r", .avx512f),
    .init(.vptestnmd, .rvm, "k{k}, v, v/mv/b32", "EVEX.128|256|512.F3.0F38.W0 27 /r", .avx512f),
    .init(.vptestmb,  .rvm, "k{k}, v, v/mv",     "EVEX.128|256|512.66.0F38.W0 26 /r", [.avx512f, .avx512bw]),
    .init(.vptest,    .rm,  "v, v/mv",           "VEX.128|256.66.0F38.WIG 17 /r",     .avx),
    .init(.vmovmskps, .rm,  "r32, v",            "VEX.128|256.0F.WIG 50 /r",          .avx),
    .init(.vpmovmskb, .rm,  "r32, v",            "VEX.128|256.66.0F.WIG D7 /r",       .avx2),
    .init(.vucomiss,  .rm,  "xmm, xmm/m32",      "VEX.LIG.0F.WIG 2E /r",              .avx),
    .init(.vucomiss,  .rm,  "xmm, xmm/m32",      "EVEX.LIG.0F.W0 2E /r",              .avx512f),

    // Choices: by imm8, by the sign bits of a vector, by a mask.
    .init(.vblendps,  .rvmi, "v, v, v/mv, imm8",     "VEX.128|256.66.0F3A.WIG 0C /r ib",  .avx),
    .init(.vpblendd,  .rvmi, "v, v, v/mv, imm8",     "VEX.128|256.66.0F3A.W0 02 /r ib",   .avx2),
    .init(.vblendvps, .rvmr, "v, v, v/mv, v",        "VEX.128|256.66.0F3A.W0 4A /r /is4", .avx),
    .init(.vblendvpd, .rvmr, "v, v, v/mv, v",        "VEX.128|256.66.0F3A.W0 4B /r /is4", .avx),
    .init(.vpblendvb, .rvmr, "v, v, v/mv, v",        "VEX.128|256.66.0F3A.W0 4C /r /is4", .avx2),
    .init(.vblendmps, .rvm,  "v{k}{z}, v, v/mv/b32", "EVEX.128|256|512.66.0F38.W0 65 /r", .avx512f),
    .init(.vblendmpd, .rvm,  "v{k}{z}, v, v/mv/b64", "EVEX.128|256|512.66.0F38.W1 65 /r", .avx512f),
    .init(.vpblendmd, .rvm,  "v{k}{z}, v, v/mv/b32", "EVEX.128|256|512.66.0F38.W0 64 /r", .avx512f),
    .init(.vpblendmq, .rvm,  "v{k}{z}, v, v/mv/b64", "EVEX.128|256|512.66.0F38.W1 64 /r", .avx512f),
  ]
}

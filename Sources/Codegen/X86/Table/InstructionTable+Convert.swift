extension InstructionTable {
  // swift-format-ignore
  static let convertRows: [InstructionRow] = [
    // Between floats and integers, and between widths of floats.
    .init(.vcvtdq2ps,  .rm, "v, v/mv",                 "VEX.128|256.0F.WIG 5B /r",        .avx),
    .init(.vcvtdq2ps,  .rm, "v{k}{z}, v/mv/b32{er}",   "EVEX.128|256|512.0F.W0 5B /r",    .avx512f),
    .init(.vcvtps2dq,  .rm, "v, v/mv",                 "VEX.128|256.66.0F.WIG 5B /r",     .avx),
    .init(.vcvtps2dq,  .rm, "v{k}{z}, v/mv/b32{er}",   "EVEX.128|256|512.66.0F.W0 5B /r", .avx512f),
    .init(.vcvttps2dq, .rm, "v, v/mv",                 "VEX.128|256.F3.0F.WIG 5B /r",     .avx),
    .init(.vcvttps2dq, .rm, "v{k}{z}, v/mv/b32",       "EVEX.128|256|512.F3.0F.W0 5B /r", .avx512f),
    .init(.vcvtps2qq,  .rm, "v{k}{z}, vh/mvh/b32{er}", "EVEX.128|256|512.66.0F.W0 7B /r", [.avx512f, .avx512dq]),
    .init(.vcvttps2qq, .rm, "v{k}{z}, vh/mvh/b32",     "EVEX.128|256|512.66.0F.W0 7A /r", [.avx512f, .avx512dq]),
    .init(.vcvtqq2ps,  .rm, "vh{k}{z}, v/mv/b64{er}",  "EVEX.128|256|512.0F.W1 5B /r",    [.avx512f, .avx512dq]),
    .init(.vcvtps2pd,  .rm, "v, vh/mvh",               "VEX.128|256.0F.WIG 5A /r",        .avx),
    .init(.vcvtps2pd,  .rm, "v{k}{z}, vh/mvh/b32",     "EVEX.128|256|512.0F.W0 5A /r",    .avx512f),
    .init(.vcvtpd2ps,  .rm, "vh, v/mv",                "VEX.128|256.66.0F.WIG 5A /r",     .avx),
    .init(.vcvtpd2ps,  .rm, "vh{k}{z}, v/mv/b64{er}",  "EVEX.128|256|512.66.0F.W1 5A /r", .avx512f),
    .init(.vcvtdq2pd,  .rm, "v, vh/mvh",               "VEX.128|256.F3.0F.WIG E6 /r",     .avx),
    .init(.vcvtdq2pd,  .rm, "v{k}{z}, vh/mvh/b32",     "EVEX.128|256|512.F3.0F.W0 E6 /r", .avx512f),
    .init(.vcvttpd2dq, .rm, "vh, v/mv",                "VEX.128|256.66.0F.WIG E6 /r",     .avx),
    .init(.vcvttpd2dq, .rm, "vh{k}{z}, v/mv/b64",      "EVEX.128|256|512.66.0F.W1 E6 /r", .avx512f),
    .init(.vcvtqq2pd,  .rm, "v{k}{z}, v/mv/b64{er}",   "EVEX.128|256|512.F3.0F.W1 E6 /r", [.avx512f, .avx512dq]),
    .init(.vcvttpd2qq, .rm, "v{k}{z}, v/mv/b64",       "EVEX.128|256|512.66.0F.W1 7A /r", [.avx512f, .avx512dq]),

    // Single elements.
    .init(.vcvtsi2ss,  .rvm, "xmm, xmm, r/m32", "VEX.LIG.F3.0F.W0 2A /r", .avx),
    .init(.vcvtsi2ss,  .rvm, "xmm, xmm, r/m64", "VEX.LIG.F3.0F.W1 2A /r", .avx),
    .init(.vcvttss2si, .rm,  "r32, xmm/m32",    "VEX.LIG.F3.0F.W0 2C /r", .avx),
    .init(.vcvttss2si, .rm,  "r64, xmm/m32",    "VEX.LIG.F3.0F.W1 2C /r", .avx),

    // Between widths of integers.
    .init(.vpmovsxbd, .rm, "v, vq/mvq",       "VEX.128|256.66.0F38.WIG 21 /r",      .avx2),
    .init(.vpmovsxbd, .rm, "v{k}{z}, vq/mvq", "EVEX.128|256|512.66.0F38.WIG 21 /r", .avx512f),
    .init(.vpmovzxbd, .rm, "v, vq/mvq",       "VEX.128|256.66.0F38.WIG 31 /r",      .avx2),
    .init(.vpmovzxbd, .rm, "v{k}{z}, vq/mvq", "EVEX.128|256|512.66.0F38.WIG 31 /r", .avx512f),
    .init(.vpmovsxdq, .rm, "v, vh/mvh",       "VEX.128|256.66.0F38.WIG 25 /r",      .avx2),
    .init(.vpmovsxdq, .rm, "v{k}{z}, vh/mvh", "EVEX.128|256|512.66.0F38.W0 25 /r",  .avx512f),
    .init(.vpmovzxdq, .rm, "v, vh/mvh",       "VEX.128|256.66.0F38.WIG 35 /r",      .avx2),
    .init(.vpmovzxdq, .rm, "v{k}{z}, vh/mvh", "EVEX.128|256|512.66.0F38.W0 35 /r",  .avx512f),
    .init(.vpmovdb,   .mr, "vq/mvq{k}{z}, v", "EVEX.128|256|512.F3.0F38.W0 31 /r",  .avx512f),
    .init(.vpmovqd,   .mr, "vh/mvh{k}{z}, v", "EVEX.128|256|512.F3.0F38.W0 35 /r",  .avx512f),

    // Two vectors into one of half the width, saturating.
    .init(.vpackssdw, .rvm, "v, v, v/mv", "VEX.128|256.66.0F.WIG 6B /r",   .avx2),
    .init(.vpackusdw, .rvm, "v, v, v/mv", "VEX.128|256.66.0F38.WIG 2B /r", .avx2),
    .init(.vpacksswb, .rvm, "v, v, v/mv", "VEX.128|256.66.0F.WIG 63 /r",   .avx2),
    .init(.vpackuswb, .rvm, "v, v, v/mv", "VEX.128|256.66.0F.WIG 67 /r",   .avx2),
  ]
}

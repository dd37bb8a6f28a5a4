extension InstructionTable {
  // swift-format-ignore
  static let gatherRows: [InstructionRow] = [
    // AVX2 takes its mask in a vector and clears it; AVX-512 in a mask register, which it clears too.
    .init(.vgatherdps,  .rmv, "v, vm32v, v",     "VEX.128|256.66.0F38.W0 92 /r",      .avx2),
    .init(.vgatherqps,  .rmv, "vh, vm64v, vh",   "VEX.128|256.66.0F38.W0 93 /r",      .avx2),
    .init(.vpgatherdd,  .rmv, "v, vm32v, v",     "VEX.128|256.66.0F38.W0 90 /r",      .avx2),
    .init(.vpgatherdq,  .rmv, "v, vm32vh, v",    "VEX.128|256.66.0F38.W1 90 /r",      .avx2),
    .init(.vpgatherqd,  .rmv, "vh, vm64v, vh",   "VEX.128|256.66.0F38.W0 91 /r",      .avx2),
    .init(.vpgatherqq,  .rmv, "v, vm64v, v",     "VEX.128|256.66.0F38.W1 91 /r",      .avx2),
    .init(.vgatherdps,  .rm,  "v{k!}, vm32v",    "EVEX.128|256|512.66.0F38.W0 92 /r", .avx512f),
    .init(.vgatherqps,  .rm,  "vh{k!}, vm64v",   "EVEX.128|256|512.66.0F38.W0 93 /r", .avx512f),
    .init(.vpgatherdd,  .rm,  "v{k!}, vm32v",    "EVEX.128|256|512.66.0F38.W0 90 /r", .avx512f),
    .init(.vpgatherdq,  .rm,  "v{k!}, vm32vh",   "EVEX.128|256|512.66.0F38.W1 90 /r", .avx512f),
    .init(.vpgatherqd,  .rm,  "vh{k!}, vm64v",   "EVEX.128|256|512.66.0F38.W0 91 /r", .avx512f),
    .init(.vpgatherqq,  .rm,  "v{k!}, vm64v",    "EVEX.128|256|512.66.0F38.W1 91 /r", .avx512f),
    .init(.vscatterdps, .mr,  "vm32v{k!}, v",    "EVEX.128|256|512.66.0F38.W0 A2 /r", .avx512f),
    .init(.vpscatterdd, .mr,  "vm32v{k!}, v",    "EVEX.128|256|512.66.0F38.W0 A0 /r", .avx512f),
    .init(.vpscatterdq, .mr,  "vm32vh{k!}, v",   "EVEX.128|256|512.66.0F38.W1 A0 /r", .avx512f),
  ]
}

/// The instructions the assembler knows, by their names in assembly.
///
/// The raw value is the place in the instruction table's index.
package enum Mnemonic: UInt16, Hashable, Sendable, CaseIterable {
  // Integers.
  case mov, movzx, movsx, movsxd, lea, push, pop, add, or, and, sub, xor, cmp, test, imul, inc,
    dec, not, neg, div, shl, shr, sar, xchg

  // Control.
  case jmp, call, ret, nop, int3, ud2, cpuid, xgetbv, sfence
  case prefetchnta, prefetcht0, prefetcht1, prefetchw

  // Vector moves.
  case vmovups, vmovaps, vmovntps, vmovdqu, vmovdqa, vmovdqu8, vmovdqu32, vmovdqu64, vmovdqa32,
    vmovdqa64, vmaskmovps, vpmaskmovd, vpmaskmovq, vmovss, vmovsd, vmovd, vmovq, vbroadcastss,
    vbroadcastsd, vbroadcastf128, vbroadcastf32x4, vpbroadcastd, vpbroadcastq, vpbroadcastb,
    vzeroupper

  // Floats.
  case vaddps, vaddpd, vaddss, vsubps, vsubpd, vsubss, vmulps, vmulpd, vmulss, vdivps, vdivpd,
    vdivss, vminps, vminpd, vminss, vmaxps, vmaxpd, vmaxss, vsqrtps, vsqrtpd, vsqrtss, vroundps,
    vroundpd, vrndscaleps, vrndscalepd, vscalefps, vfmadd132ps, vfmadd213ps, vfmadd231ps,
    vfmsub132ps,
    vfmsub213ps, vfmsub231ps, vfnmadd132ps, vfnmadd213ps, vfnmadd231ps, vfnmsub132ps,
    vfnmsub213ps, vfnmsub231ps, vfmadd132pd, vfmadd132ss, vfmadd213pd, vfmadd213ss, vfmadd231pd,
    vfmadd231ss, vfnmadd132pd, vfnmadd132ss, vfnmadd213pd, vfnmadd213ss, vfnmadd231pd,
    vfnmadd231ss, vandps, vandpd, vandnps, vandnpd, vorps, vorpd, vxorps, vxorpd

  // Vector integers.
  case vpand, vpandd, vpandq, vpandn, vpandnd, vpandnq, vpor, vpord, vporq, vpxor, vpxord, vpxorq,
    vpternlogd, vpternlogq, vpaddd, vpaddq, vpsubd, vpsubq, vpmulld, vpmullq, vpmuludq, vpmuldq,
    vpminsd, vpminsq, vpminud, vpminuq, vpmaxsd, vpmaxsq, vpmaxud, vpmaxuq, vpabsd, vpabsq,
    vpslld, vpsrld, vpsrad, vpsllq, vpsrlq, vpsraq, vpsllvd, vpsllvq, vpsrlvd, vpsrlvq, vpsravd,
    vpsravq

  // Comparisons and choices.
  case vcmpps, vcmppd, vpcmpeqd, vpcmpgtd, vpcmpeqq, vpcmpgtq, vpcmpeqb, vpcmpd, vpcmpud, vpcmpq,
    vpcmpuq, vptestmd, vptestmq, vptestnmd, vptestmb, vptest, vmovmskps, vpmovmskb, vucomiss,
    vblendps, vpblendd, vblendvps, vblendvpd, vpblendvb, vblendmps, vblendmpd, vpblendmd,
    vpblendmq

  // Conversions.
  case vcvtdq2ps, vcvtps2dq, vcvttps2dq, vcvtps2qq, vcvttps2qq, vcvtqq2ps, vcvtps2pd, vcvtpd2ps,
    vcvtdq2pd, vcvttpd2dq, vcvtqq2pd, vcvttpd2qq, vcvtsi2ss, vcvttss2si, vpmovsxbd, vpmovzxbd,
    vpmovsxdq, vpmovzxdq, vpmovdb, vpmovqd, vpackssdw, vpackusdw, vpacksswb, vpackuswb

  // Shuffles.
  case vpermilps, vpshufd, vpshufb, vshufps, vmovsldup, vmovshdup, vmovhlps, vunpcklps, vunpckhps,
    vunpcklpd, vunpckhpd, vpunpckldq, vpunpckhdq, vpunpcklqdq, vpunpckhqdq, vpermps, vpermd,
    vpermq, vpermt2ps, vpermi2ps, valignd, vperm2f128, vperm2i128, vshuff32x4, vextractf128,
    vinsertf128, vextracti128, vinserti128, vextractf32x4, vinsertf32x4, vextracti32x4,
    vinserti32x4, vextractf64x4, vinsertf64x4, vextracti64x4, vinserti64x4, vpinsrb, vpextrb

  // Gathers and scatters.
  case vgatherdps, vgatherqps, vpgatherdd, vpgatherdq, vpgatherqd, vpgatherqq, vscatterdps,
    vpscatterdd, vpscatterdq

  // Masks.
  case kmovb, kmovw, kmovd, kmovq, kandb, kandw, kandd, kandq, kandnb, kandnw, kandnd, kandnq,
    korb, korw, kord, korq, kxnorb, kxnorw, kxnord, kxnorq, kxorb, kxorw, kxord, kxorq, knotb,
    knotw, knotd, knotq, kortestb, kortestw, kortestd, kortestq, kshiftlb, kshiftlw, kshiftld,
    kshiftlq, kshiftrb, kshiftrw, kshiftrd, kshiftrq, kunpckbw, kunpckwd, kunpckdq, vpmovm2b,
    vpmovb2m, vpmovm2d, vpmovd2m, vpmovm2q, vpmovq2m

  // One of each for every condition, in the order of `Condition`.
  case jo, jno, jb, jae, je, jne, jbe, ja, js, jns, jp, jnp, jl, jge, jle, jg
  case cmovo, cmovno, cmovb, cmovae, cmove, cmovne, cmovbe, cmova, cmovs, cmovns, cmovp, cmovnp,
    cmovl, cmovge, cmovle, cmovg
  case seto, setno, setb, setae, sete, setne, setbe, seta, sets, setns, setp, setnp, setl, setge,
    setle, setg
}

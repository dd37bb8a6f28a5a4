import DescentCodegen
import Testing

/// Labels, distances, constants and listings; the bytes were checked with `as` and `objdump`.
struct AssemblerTests {
  @Test func `a jump back takes the short form`() {
    var asm = Assembler(features: .avx2Backend)
    let loop = asm.makeLabel()
    asm.bind(loop)
    asm.emit(.dec, .rcx)
    asm.emit(.jne, loop)
    asm.emit(.ret)
    #expect(hex(asm.finish().bytes) == "48ffc9" + "75fb" + "c3")
  }

  @Test func `a jump back takes the long form where the short one does not reach`() {
    // The distance counts from behind the jump: 126 bytes of body still fit, 127 do not.
    for (bodyByteCount, tail) in [(126, "7480"), (127, "0f847bffffff")] {
      var asm = Assembler(features: [])
      let loop = asm.makeLabel()
      asm.bind(loop)
      for _ in 0..<bodyByteCount { asm.emit(.nop) }
      asm.emit(.je, loop)
      let text = hex(asm.finish().bytes)
      #expect(text.hasSuffix(tail) && text.utf8.count == 2 * bodyByteCount + tail.utf8.count)
    }
  }

  @Test func `a jump forward is long unless promised near`() {
    var asm = Assembler(features: [])
    let far = asm.makeLabel(), near = asm.makeLabel()
    asm.emit(.jmp, far)
    asm.emit(.jl, near.near)
    asm.emit(.call, far)
    asm.bind(near)
    asm.bind(far)
    asm.emit(.ret)
    #expect(hex(asm.finish().bytes) == "e907000000" + "7c05" + "e800000000" + "c3")
  }

  @Test func `equal constants are stored once, the largest first`() {
    var asm = Assembler(features: .avx512Backend)
    let one = asm.constant(UInt32(0x3F80_0000))
    let lanes = asm.constant(repeating: UInt32(0x4000_0000), count: 4)
    #expect(asm.constant(UInt32(0x3F80_0000)) == one)
    asm.emit(.vbroadcastss, .zmm(1), .constant(one))
    asm.emit(.vmovaps, .xmm(2), .constant(lanes))
    let code = asm.finish()
    #expect(code.codeByteCount == 32 && code.alignment == 16)
    // 0x30 − 10 and 0x20 − 18: from the end of each instruction to its constant.
    let instructions = "62f27d48180d26000000" + "c5f828150e000000"
    let padding = "660f1f840000000000" + "0f1f440000"
    let constants = "00000040000000400000004000000040" + "0000803f"
    #expect(hex(code.bytes) == instructions + padding + constants)
  }

  @Test func `a distance counts from behind the immediate`() {
    var asm = Assembler(features: .avx512Backend)
    let pair = asm.constant(UInt64(5))
    asm.emit(.vcmpps, .k(1), .zmm(2), .constant(pair).broadcast, 1)
    asm.align(to: 8)
    // The instruction ends at 11, the constant stands at 16.
    #expect(hex(asm.finish().bytes).hasPrefix("62f16c58c20d0500000001"))
  }

  @Test func `a constant may be read at a displacement`() {
    var asm = Assembler(features: .avx2Backend)
    let lanes = asm.constant([0, 0, 0, 0, 1, 0, 0, 0])
    let second = Memory(base: .constant(lanes), displacement: 4)
    asm.emit(.vmovss, .xmm(0), second)
    #expect(hex(asm.finish().bytes) == "c5fa100504000000" + "0000000001000000")
  }

  @Test func `padding fills with instructions`() {
    for offset in 0..<16 {
      var asm = Assembler(features: [])
      for _ in 0..<offset { asm.emit(.ret) }
      asm.align(to: 16)
      #expect(asm.byteCount == (offset == 0 ? 0 : 16))
    }
  }

  @Test func `a number moves in the shortest form`() {
    let cases: [(Int, String)] = [
      (0, "b800000000"), (0xFFFF_FFFF, "b8ffffffff"), (-1, "48c7c0ffffffff"),
      (0x1_0000_0000, "48b80000000001000000"),
    ]
    for (value, bytes) in cases {
      var asm = Assembler(features: [])
      asm.move(value, to: .rax)
      #expect(hex(asm.finish().bytes) == bytes)
    }
  }

  @Test func `vex is preferred where it can say the same`() {
    var asm = Assembler(features: .avx512Backend)
    asm.emit(.vaddps, .ymm(1), .ymm(2), .ymm(3))
    #expect(asm.finish().features == .avx)
    var wide = Assembler(features: .avx512Backend)
    wide.emit(.vaddps, .ymm(1), .ymm(2), .ymm(16))
    #expect(wide.finish().features == [.avx512f, .avx512vl])
  }

  @Test func `a listing shows offsets, bytes, text, labels and remarks`() {
    var asm = Assembler(features: .avx512Backend, listing: true)
    let loop = asm.makeLabel()
    asm.remark("sum of products")
    asm.bind(loop)
    asm.emit(
      .vfmadd231ps, .zmm(0), .zmm(1), .at(.rsi, index: .rcx, scale: 4, 64).broadcast,
      mask: .merging(.k(1)))
    asm.emit(.add, .rcx, 16)
    asm.emit(.jne, loop)
    asm.emit(.ret)
    let expected = """
      ; sum of products
      L0:
      00      62 f2 75 59 b8 44 8e 10           vfmadd231ps zmm0{k1}, zmm1, dword ptr [rsi + rcx*4 + 64]{1to16}
      08      48 83 c1 10                       add rcx, 16
      0c      75 f2                             jne L0
      0e      c3                                ret

      """
    #expect(asm.finish().listing == expected)
  }
}

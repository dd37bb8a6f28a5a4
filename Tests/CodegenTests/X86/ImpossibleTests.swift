import DescentCodegen
import Testing

/// What no processor accepts traps in the assembler, before it becomes bytes.
struct ImpossibleTests {
  @Test func `operands no form takes`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: .avx512Backend)
      asm.emit(.vaddps, .zmm(0), .ymm(1), .zmm(2))
    }
  }

  @Test func `an extension that is not allowed`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: .avx2Backend)
      asm.emit(.vaddps, .ymm(0), .ymm(1), .ymm(16))
    }
  }

  @Test func `memory of unstated size`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: [])
      asm.emit(.inc, .at(.rax))
    }
  }

  @Test func `memory zeroed under a mask`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: .avx512Backend)
      asm.emit(.vmovups, .at(.rax), .zmm(1), mask: .zeroing(.k(1)))
    }
  }

  @Test func `a gather onto its own index`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: .avx512Backend)
      asm.emit(.vgatherdps, .zmm(1), .at(.rax, index: .zmm(1)), mask: .merging(.k(1)))
    }
  }

  @Test func `a gather without a mask`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: .avx512Backend)
      asm.emit(.vgatherdps, .zmm(1), .at(.rax, index: .zmm(2)))
    }
  }

  @Test func `the stack pointer as an index`() async {
    await #expect(processExitsWith: .failure) { _ = Memory.at(.rax, index: .rsp) }
  }

  @Test func `k0 as a mask`() async {
    await #expect(processExitsWith: .failure) {
      _ = Instruction(.vaddps, mask: .merging(.k(0)))
    }
  }

  @Test func `a label that is never bound`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: [])
      let label = asm.makeLabel()
      asm.emit(.jmp, label)
      _ = asm.finish()
    }
  }

  @Test func `a label promised near that is far`() async {
    await #expect(processExitsWith: .failure) {
      var asm = Assembler(features: [])
      let label = asm.makeLabel()
      asm.emit(.jmp, label.near)
      for _ in 0..<128 { asm.emit(.nop) }
      asm.bind(label)
      _ = asm.finish()
    }
  }
}

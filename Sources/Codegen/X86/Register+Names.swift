/// The names by which call sites mention registers: `.rax`, `.zmm(3)`, `.k(1)`.
///
/// They stand on the protocol, so that a leading dot finds them wherever an operand is expected.
extension InstructionOperand where Self == Register {
  package static var rax: Register { Register(.r64, 0) }
  package static var rcx: Register { Register(.r64, 1) }
  package static var rdx: Register { Register(.r64, 2) }
  package static var rbx: Register { Register(.r64, 3) }
  package static var rsp: Register { Register(.r64, 4) }
  package static var rbp: Register { Register(.r64, 5) }
  package static var rsi: Register { Register(.r64, 6) }
  package static var rdi: Register { Register(.r64, 7) }
  package static var r8: Register { Register(.r64, 8) }
  package static var r9: Register { Register(.r64, 9) }
  package static var r10: Register { Register(.r64, 10) }
  package static var r11: Register { Register(.r64, 11) }
  package static var r12: Register { Register(.r64, 12) }
  package static var r13: Register { Register(.r64, 13) }
  package static var r14: Register { Register(.r64, 14) }
  package static var r15: Register { Register(.r64, 15) }

  package static var eax: Register { Register(.r32, 0) }
  package static var ecx: Register { Register(.r32, 1) }
  package static var edx: Register { Register(.r32, 2) }
  package static var ebx: Register { Register(.r32, 3) }
  /// The byte that holds a variable shift count.
  package static var cl: Register { Register(.r8, 1) }

  /// The general register of a number, 64 bits wide.
  package static func gpr(_ number: Int) -> Register { Register(.r64, number) }
  /// The general register of a number, 32 bits wide.
  package static func gpr32(_ number: Int) -> Register { Register(.r32, number) }
  /// A vector register of 128 bits.
  package static func xmm(_ number: Int) -> Register { Register(.xmm, number) }
  /// A vector register of 256 bits.
  package static func ymm(_ number: Int) -> Register { Register(.ymm, number) }
  /// A vector register of 512 bits.
  package static func zmm(_ number: Int) -> Register { Register(.zmm, number) }
  /// A mask register.
  package static func k(_ number: Int) -> Register { Register(.mask, number) }
}

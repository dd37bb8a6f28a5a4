/// Small functions in machine code, with the signature of a kernel.
enum MachineCodeSamples {
  /// Stores the sum of the units in the scratch.
  static let sum: [UInt8] = [
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x31, 0xC0,  // xor eax, eax
    0x48, 0x39, 0xD6,  // cmp rsi, rdx
    0x7D, 0x0B,  // jge +11
    0x48, 0x01, 0xF0,  // add rax, rsi
    0x48, 0xFF, 0xC6,  // inc rsi
    0x48, 0x39, 0xD6,  // cmp rsi, rdx
    0x7C, 0xF5,  // jl -11
    0x48, 0x89, 0x01,  // mov [rcx], rax
    0x5D,  // pop rbp
    0xC3,  // ret
  ]

  /// Stores 7 at the first unit of the second operand.
  static let store: [UInt8] = [
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x48, 0x8B, 0x47, 0x08,  // mov rax, [rdi + 8]
    0xC7, 0x04, 0xB0, 0x07, 0x00, 0x00, 0x00,  // mov dword ptr [rax + 4 * rsi], 7
    0x5D,  // pop rbp
    0xC3,  // ret
  ]

  /// Stops at an instruction that does not exist.
  static let undefined: [UInt8] = [
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x0F, 0x0B,  // ud2
  ]

  /// Stores to address 0.
  static let nullStore: [UInt8] = [
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x31, 0xC0,  // xor eax, eax
    0x89, 0x00,  // mov [rax], eax
    0x5D,  // pop rbp
    0xC3,  // ret
  ]
}

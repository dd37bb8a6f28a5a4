/// What the CPUID instruction answers to one question.
package struct CPUIDLeaf: Hashable, Sendable {
  package var eax: UInt32
  package var ebx: UInt32
  package var ecx: UInt32
  package var edx: UInt32

  package init(eax: UInt32 = 0, ebx: UInt32 = 0, ecx: UInt32 = 0, edx: UInt32 = 0) {
    self.eax = eax
    self.ebx = ebx
    self.ecx = ecx
    self.edx = edx
  }
}

/// Questions to the processor itself.
///
/// Swift has no name for these two instructions, so a few bytes of machine code ask.
struct CPUID {
  private let memory: ExecutableMemory

  /// - Throws: `RuntimeError` where no machine code can be run.
  init(calls: MappingCalls = .system) throws(RuntimeError) {
    memory = try ExecutableMemory(Self.code, calls: calls)
  }

  /// Returns what the processor answers to a question and its second part.
  ///
  /// - Precondition: the processor knows the question: see leaves 0 and 0x8000_0000.
  func leaf(_ leaf: UInt32, _ part: UInt32 = 0) -> CPUIDLeaf {
    let answer = call(at: 0, Int(leaf), Int(part))
    return CPUIDLeaf(eax: answer[0], ebx: answer[1], ecx: answer[2], edx: answer[3])
  }

  /// The registers that the operating system saves when it switches threads.
  ///
  /// - Precondition: the system has enabled XSAVE.
  func savedState() -> UInt64 {
    let answer = call(at: Self.savedStateOffset, 0, 0)
    return UInt64(answer[1]) << 32 | UInt64(answer[0])
  }

  /// Calls one of the two functions below, which have a kernel's signature.
  private func call(at offset: Int, _ first: Int, _ end: Int) -> [UInt32] {
    var answer: [UInt32] = [0, 0, 0, 0]
    answer.withUnsafeMutableBytes { bytes in
      guard let scratch = bytes.baseAddress else { return }
      var operand = scratch
      withExtendedLifetime(memory) {
        memory.entry(at: offset)(&operand, first, end, scratch)
      }
    }
    return answer
  }

  private static let savedStateOffset = 32
  private static let code: [UInt8] = [
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x53,  // push rbx, which belongs to the caller and is overwritten by cpuid
    0x49, 0x89, 0xC8,  // mov r8, rcx
    0x89, 0xF0,  // mov eax, esi
    0x89, 0xD1,  // mov ecx, edx
    0x0F, 0xA2,  // cpuid
    0x41, 0x89, 0x00,  // mov [r8], eax
    0x41, 0x89, 0x58, 0x04,  // mov [r8 + 4], ebx
    0x41, 0x89, 0x48, 0x08,  // mov [r8 + 8], ecx
    0x41, 0x89, 0x50, 0x0C,  // mov [r8 + 12], edx
    0x5B,  // pop rbx
    0x5D,  // pop rbp
    0xC3,  // ret
    // The second function, at offset 32.
    0x55,  // push rbp
    0x48, 0x89, 0xE5,  // mov rbp, rsp
    0x49, 0x89, 0xC8,  // mov r8, rcx
    0x31, 0xC9,  // xor ecx, ecx
    0x0F, 0x01, 0xD0,  // xgetbv
    0x41, 0x89, 0x00,  // mov [r8], eax
    0x41, 0x89, 0x50, 0x04,  // mov [r8 + 4], edx
    0x5D,  // pop rbp
    0xC3,  // ret
  ]
}

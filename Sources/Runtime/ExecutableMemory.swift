import Glibc

/// The signature of every kernel in machine code: operands, first unit, end unit, scratch.
///
/// A kernel computes the units from the first up to, but not including, the end.
package typealias KernelFunction =
  @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer>, Int, Int, UnsafeMutableRawPointer)
  -> Void

/// The machine code of a plan in memory that can be executed, and at no time written and executed at once.
///
/// The code is written into fresh pages, which are then sealed. Systems that never let a page
/// become executable are given a file in memory instead, which holds the code before it is mapped.
/// A class, since all sessions of a plan call into one copy; the last one to go frees it.
package final class ExecutableMemory: Sendable {
  /// The number of bytes of code.
  package let byteCount: Int
  private let mappedByteCount: Int
  // An address is inert; the bytes behind it no longer change.
  nonisolated(unsafe) private let base: UnsafeMutableRawPointer

  /// Copies code into executable memory; its first byte lies at the beginning of a page.
  ///
  /// - Throws: `RuntimeError` where this is no x86-64, and where the system refuses. The portable
  ///   backend needs no such memory.
  package init(_ code: [UInt8], calls: MappingCalls = .system) throws(RuntimeError) {
    #if arch(x86_64)
      guard let mapped = Page.rounded(code.count) else {
        throw .executableMemoryRefused(byteCount: code.count)
      }
      // A jump into what is left of the last page shall stop at once: int3.
      let padded = code + [UInt8](repeating: 0xCC, count: mapped - code.count)
      guard let base = Self.seal(padded, calls) ?? Self.mapFile(padded, calls) else {
        throw .executableMemoryRefused(byteCount: code.count)
      }
      self.base = base
      byteCount = code.count
      mappedByteCount = mapped
    #else
      throw .noMachineCode()
    #endif
  }

  deinit {
    munmap(base, mappedByteCount)
  }

  /// The address of the first byte, as profilers and debuggers name it.
  package var address: UInt { UInt(bitPattern: base) }

  /// Returns the kernel that begins at an offset; it can be called as long as this memory is held.
  ///
  /// A local variable is let go after its last use, which may be this one: whoever calls at once
  /// does so inside of `withExtendedLifetime`.
  package func entry(at offset: Int) -> KernelFunction {
    precondition((0..<byteCount).contains(offset), "no code at offset \(offset) of \(byteCount)")
    return unsafeBitCast(base + offset, to: KernelFunction.self)
  }
}

extension ExecutableMemory {
  /// Writes whole pages of code into fresh memory, then takes the right to write away.
  private static func seal(_ code: [UInt8], _ calls: MappingCalls) -> UnsafeMutableRawPointer? {
    guard let base = calls.map(code.count, PROT_READ | PROT_WRITE, -1) else { return nil }
    base.copyMemory(from: code, byteCount: code.count)
    guard calls.protect(base, code.count, PROT_READ | PROT_EXEC) else {
      munmap(base, code.count)
      return nil
    }
    return base
  }

  /// Writes whole pages of code into a file in memory, then maps that for execution.
  ///
  /// The mapping outlives the descriptor, and nothing else can reach the file.
  private static func mapFile(_ code: [UInt8], _ calls: MappingCalls) -> UnsafeMutableRawPointer? {
    guard let file = calls.createFile() else { return nil }
    defer { close(file) }
    var written = 0
    while written < code.count {
      let count = code.withUnsafeBytes { bytes in
        write(file, bytes.baseAddress.map { $0 + written }, bytes.count - written)
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return nil }
      written += count
    }
    return calls.map(code.count, PROT_READ | PROT_EXEC, file)
  }
}

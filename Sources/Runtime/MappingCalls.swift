import Glibc

/// The system calls that executable memory is made with; tests put refusals in their place.
package struct MappingCalls: Sendable {
  /// Maps so many bytes with a protection: of a file, or fresh ones for a file of -1.
  package var map: @Sendable (Int, Int32, _ file: Int32) -> UnsafeMutableRawPointer?
  /// Changes the protection of mapped pages; whether that was granted.
  package var protect: @Sendable (UnsafeMutableRawPointer, Int, Int32) -> Bool
  /// Creates a file that exists in memory only; its descriptor, or nil.
  package var createFile: @Sendable () -> Int32?

  /// The calls themselves.
  package static let system = MappingCalls(
    map: { byteCount, protection, file in
      let flags = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED
      let start = mmap(nil, byteCount, protection, flags, file, 0)
      return start == MAP_FAILED ? nil : start
    },
    protect: { mprotect($0, $1, $2) == 0 },
    createFile: {
      // The C module hides the call from Swift.
      guard let symbol = dlsym(nil, "memfd_create") else { return nil }
      typealias CreateFile = @convention(c) (UnsafePointer<CChar>, UInt32) -> Int32
      let create = unsafeBitCast(symbol, to: CreateFile.self)
      // Where files in memory may not be programs, the system wants to be told that this is none;
      // mapping it stays allowed. Systems before Linux 6.3 do not know that flag.
      let (closeOnExec, isNoProgram): (UInt32, UInt32) = (1, 8)
      for flags in [closeOnExec | isNoProgram, closeOnExec] {
        let file = create("descent", flags)
        if file >= 0 { return file }
      }
      return nil
    })
}

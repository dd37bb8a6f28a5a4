import Glibc

/// How a thread's processor rounds, whether it keeps subnormal numbers, and which operations interrupt it.
///
/// Every bit that is computed depends on these modes, and a caller may have set them for a purpose of its own: audio
/// code flushes subnormal numbers to zero, interval arithmetic rounds upwards. So whatever of ours computes does so
/// under the standard modes, and leaves the caller's as they were.
package enum FloatingPointEnvironment {
  /// Calls a function under the standard modes.
  ///
  /// To find them set already, as nearly always, takes a few nanoseconds, since `run` asks each time.
  package static func withStandard<Result, Failure: Error>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if isStandard { return try body() }
    var callers = fenv_t()
    _ = fegetenv(&callers)
    setStandard()
    defer { _ = fesetenv(&callers) }
    return try body()
  }

  /// Sets the standard modes of this thread: to nearest, subnormal numbers kept, no interrupts.
  static func setStandard() {
    var environment = fenv_t()
    _ = fegetenv(&environment)
    #if arch(x86_64)
      // The C library's own default leaves interrupts by subnormal operands as they are.
      environment.__control_word = UInt16(truncatingIfNeeded: standardModes)
      environment.__mxcsr = UInt32(standardModes >> 32)
      _ = fesetenv(&environment)
    #else
      _ = fesetenv(UnsafePointer(bitPattern: -1))
    #endif
  }

  /// Whether the modes are known to be the standard ones.
  private static var isStandard: Bool {
    guard let getModes else { return false }
    var modes: UInt64 = 0
    return getModes(&modes) == 0 && modes & ~flags == standardModes
  }

  private typealias GetModes = @convention(c) (UnsafeMutableRawPointer) -> Int32

  /// Reads the modes alone, many times faster than all of the environment; the C module hides the call from Swift.
  private static let getModes: GetModes? = dlsym(nil, "fegetmode").map {
    unsafeBitCast($0, to: GetModes.self)
  }

  #if arch(x86_64)
    /// The control word, which matters to `long double` only, and from bit 32 on the register MXCSR.
    private static var standardModes: UInt64 { 0x1F80_0000_037F }
    /// What happened so far stands in MXCSR too, and is no mode.
    private static var flags: UInt64 { 0x3F << 32 }
  #else
    private static var standardModes: UInt64 { 0 }
    private static var flags: UInt64 { 0 }
  #endif
}

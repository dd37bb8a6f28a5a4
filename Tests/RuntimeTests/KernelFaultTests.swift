import DescentRuntime
import DescentTestSupport
import Foundation
import Testing

#if arch(x86_64)
  @Suite(.serialized, .disabled(if: Sanitizer.isActive, "it has a report of its own"))
  struct KernelFaultTests {
    @Test func anUndefinedInstructionIsReportedWithItsCaller() async throws {
      let report = try await withBacktraces {
        await #expect(processExitsWith: .signal(SIGILL), observing: [\.standardErrorContent]) {
          try load(MachineCodeSamples.undefined)
        }
      }
      expectCaller(in: report)
    }

    @Test func aStoreToNowhereIsReportedWithItsCaller() async throws {
      let report = try await withBacktraces {
        await #expect(processExitsWith: .signal(SIGSEGV), observing: [\.standardErrorContent]) {
          try load(MachineCodeSamples.nullStore)
        }
      }
      expectCaller(in: report)
    }
  }

  /// Loads a kernel and calls it, without coming back.
  private func load(_ code: [UInt8]) throws {
    let memory = try ExecutableMemory(code)
    let word = UnsafeMutablePointer<UnsafeMutableRawPointer>.allocate(capacity: 1)
    withExtendedLifetime(memory) { callKernel(memory.entry(at: 0), word) }
  }

  /// What the report must name first: the backtracer would pass over it if the kernel had no frame.
  @inline(never) private func callKernel(
    _ kernel: KernelFunction, _ word: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) {
    kernel(word, 0, 1, UnsafeMutableRawPointer(word))
  }

  private func expectCaller(in report: String) {
    let lines = report.split(separator: "\n")
    #expect(lines.contains { $0.contains("*** Program crashed: ") }, "\(report)")
    let caller = lines.first { $0.hasPrefix("  1 ") }
    #expect(caller?.contains(" callKernel(_:_:) ") == true, "\(report)")
  }

  /// Runs a child with Swift's backtracer, which children of tests do without, and returns its report.
  private func withBacktraces(_ child: () async -> ExitTest.Result?) async throws -> String {
    let name = "SWIFT_BACKTRACE"
    // Reset, not removed: the list of variables then stays in place for those who read it meanwhile.
    let old = getenv(name).map { String(cString: $0) } ?? "enable=no"
    let settings = "enable=yes,color=no,interactive=no,threads=crashed,images=none,registers=none"
    setenv(name, settings, 1)
    defer { setenv(name, old, 1) }
    let result = try #require(await child())
    return String(decoding: result.standardErrorContent, as: UTF8.self)
  }
#endif

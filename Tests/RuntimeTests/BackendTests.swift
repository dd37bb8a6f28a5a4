import DescentCodegen
import DescentRuntime
import Foundation
import Testing

@Suite struct BackendTests {
  static let features: [CPUFeatures] = [[], .avx, .avx2Backend, .avx512Backend]

  @Test func theBestIsWhatTheProcessorRuns() {
    #expect(Self.features.map(Backend.best(for:)) == [.portable, .portable, .avx2, .avx512])
    // Each extension counts.
    for bit in 0..<32 where CPUFeatures.avx512Backend.rawValue >> bit & 1 == 1 {
      let missing = CPUFeatures(rawValue: 1 << bit)
      let best: Backend = CPUFeatures.avx2Backend.contains(missing) ? .portable : .avx2
      #expect(Backend.best(for: .avx512Backend.subtracting(missing)) == best)
    }
  }

  @Test func aNameForcesAChoice() throws {
    for backend in Backend.allCases {
      let chosen = try Backend.chosen(name: backend.rawValue, features: .success(.avx512Backend))
      #expect(chosen == backend)
    }
    for name in [nil, ""] {
      #expect(try Backend.chosen(name: name, features: .success(.avx2Backend)) == .avx2)
    }
  }

  @Test(arguments: ["sse", "AVX2", " avx2", "avx512f"])
  func unknownNamesAreRefused(name: String) {
    let error = #expect(throws: RuntimeError.self) {
      try Backend.chosen(name: name, features: .success(.avx512Backend))
    }
    #expect(
      error?.description == """
        error: backend: there is no backend "\(name)"
          hint: DESCENT_BACKEND is one of portable, avx2, avx512
        """)
  }

  static let missing: [(Backend, CPUFeatures, String)] = [
    (.avx512, .avx2Backend, "portable, avx2"), (.avx512, [], "portable"), (.avx2, [], "portable"),
  ]

  @Test(arguments: missing)
  func whatTheProcessorCannotRunIsRefused(
    backend: Backend, features: CPUFeatures, runs: String
  ) {
    let error = #expect(throws: RuntimeError.self) {
      try Backend.chosen(name: backend.rawValue, features: .success(features))
    }
    #expect(
      error?.description == """
        error: backend: this CPU has no \(backend.rawValue)
          hint: it runs \(runs)
        """)
  }

  #if arch(x86_64)
    @Test func withoutExecutableMemoryPortableCodeRuns() throws {
      let features = Result { () throws(RuntimeError) in
        try CPUFeatures.detect(calls: .refusing(.sealingAndFiles))
      }
      #expect(try Backend.chosen(name: nil, features: features) == .portable)
      #expect(try Backend.chosen(name: "portable", features: features) == .portable)
      let error = #expect(throws: RuntimeError.self) {
        try Backend.chosen(name: "avx2", features: features)
      }
      let message = try #require(error?.message)
      #expect(message.hasPrefix("machine code: the system refused "), "\(message)")
    }
  #endif

  @Test func theEnvironmentIsAsked() async {
    await #expect(processExitsWith: .success) {
      unsetenv("DESCENT_BACKEND")
      let best = try Backend.chosen()
      #expect(best == Backend.best(for: .detected))
      setenv("DESCENT_BACKEND", "portable", 1)
      #expect(try Backend.chosen() == .portable)
      setenv("DESCENT_BACKEND", "abacus", 1)
      #expect(throws: RuntimeError.self) { try Backend.chosen() }
    }
  }
}

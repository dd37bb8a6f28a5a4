import DescentRuntime
import Foundation
import Testing

@Suite struct PerfMapTests {
  @Test func aLineTellsStartSizeAndName() {
    let symbols = [
      PerfMap.Symbol(name: "k0 contract.relu", offset: 0, byteCount: 0x1A4),
      PerfMap.Symbol(name: "two\nlines", offset: 0x200, byteCount: 16),
    ]
    #expect(
      PerfMap.text(of: symbols, at: 0x7F00_0000_1000) == """
        7f0000001000 1a4 k0 contract.relu
        7f0000001200 10 two lines

        """)
    #expect(PerfMap.text(of: [], at: 0) == "")
  }

  #if arch(x86_64)
    @Test func plansAddTheirKernelsWhenAsked() async {
      await #expect(processExitsWith: .success) {
        setenv("DESCENT_PERF_MAP", "1", 1)
        let path = "/tmp/perf-\(getpid()).map"
        // What an earlier process of this number left.
        try "1000 10 stale\n".write(toFile: path, atomically: false, encoding: .utf8)
        defer { unlink(path) }
        let memory = try ExecutableMemory([0xC3, 0xC3])
        let first = [PerfMap.Symbol(name: "first", offset: 0, byteCount: 1)]
        let second = [PerfMap.Symbol(name: "second", offset: 1, byteCount: 1)]
        PerfMap.add(first, in: memory)
        PerfMap.add(second, in: memory)
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text == PerfMap.text(of: first + second, at: memory.address))
      }
    }

    @Test func nothingIsWrittenUnasked() async {
      await #expect(processExitsWith: .success) {
        unsetenv("DESCENT_PERF_MAP")
        PerfMap.add(
          [PerfMap.Symbol(name: "first", offset: 0, byteCount: 1)],
          in: try ExecutableMemory([0xC3]))
        #expect(!FileManager.default.fileExists(atPath: "/tmp/perf-\(getpid()).map"))
      }
    }
  #endif
}

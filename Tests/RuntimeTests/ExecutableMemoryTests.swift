import DescentRuntime
import Foundation
import Synchronization
import Testing

#if arch(x86_64)
  @Suite struct ExecutableMemoryTests {
    typealias Samples = MachineCodeSamples

    @Test func codeRuns() throws {
      let memory = try ExecutableMemory(Samples.sum + Samples.store)
      #expect(memory.byteCount == Samples.sum.count + Samples.store.count)
      #expect(sum(0..<11, in: memory) == 55)
      #expect(sum(-3..<0, in: memory) == -6)
      #expect(sum(5..<5, in: memory) == 0)
      var words: [Int32] = [1, 2, 3, 4]
      words.withUnsafeMutableBytes { bytes in
        var operands = [bytes.baseAddress!, bytes.baseAddress!]
        withExtendedLifetime(memory) {
          memory.entry(at: Samples.sum.count)(&operands, 2, 3, bytes.baseAddress!)
        }
      }
      #expect(words == [1, 2, 7, 4])
    }

    @Test(arguments: [1, 4095, 4096, 4097, 100_000])
    func everySizeIsCopiedWhole(byteCount: Int) throws {
      // nop … nop ret: from every entry it runs to the end.
      let code = [UInt8](repeating: 0x90, count: byteCount - 1) + [0xC3]
      for calls in [MappingCalls.system, .withoutSealing] {
        let memory = try ExecutableMemory(code, calls: calls)
        #expect(memory.address % 4096 == 0)
        #expect(memory.byteCount == byteCount)
        let end = (byteCount + 4095) / 4096 * 4096
        let found = try bytes(of: memory, count: end)
        #expect(found.prefix(byteCount) == code[...])
        #expect(found.dropFirst(byteCount).allSatisfy { $0 == 0xCC })
        var word = 0
        for offset in [0, byteCount / 2, byteCount - 1] { call(memory, at: offset, 0..<0, &word) }
      }
    }

    @Test func noCodeIsNoEntry() async throws {
      #expect(try ExecutableMemory([]).byteCount == 0)
      await #expect(processExitsWith: .failure) {
        _ = try ExecutableMemory([]).entry(at: 0)
      }
    }

    @Test func sealedCodeCannotBeWritten() throws {
      for calls in [MappingCalls.system, .withoutSealing] {
        let memory = try ExecutableMemory(Samples.sum, calls: calls)
        let permissions = try Mapping.permissions(of: memory)
        #expect(permissions?.hasPrefix("r-x") == true)
      }
    }

    /// Looks at all mappings before and after every system call, and while code runs.
    @Test func nothingIsEverWritableAndExecutable() throws {
      for isSealed in [true, false] {
        var calls = isSealed ? MappingCalls.system : .withoutSealing
        let (map, protect, createFile) = (calls.map, calls.protect, calls.createFile)
        calls.map = { byteCount, protection, file in
          expectNothingWritableAndExecutable()
          defer { expectNothingWritableAndExecutable() }
          return map(byteCount, protection, file)
        }
        calls.protect = { start, byteCount, protection in
          expectNothingWritableAndExecutable()
          defer { expectNothingWritableAndExecutable() }
          return protect(start, byteCount, protection)
        }
        calls.createFile = {
          expectNothingWritableAndExecutable()
          return createFile()
        }
        let memory = try ExecutableMemory(Samples.sum, calls: calls)
        let watcher = MappingWatcher()
        for _ in 0..<1000 { _ = sum(0..<10_000, in: memory) }
        #expect(watcher.stop() == false)
      }
    }

    @Test func theScanSeesWhatItLooksFor() async {
      await #expect(processExitsWith: .success) {
        let before = try Mapping.someIsWritableAndExecutable()
        #expect(!before)
        let all = PROT_READ | PROT_WRITE | PROT_EXEC
        let start = mmap(nil, 4096, all, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        #expect(start != MAP_FAILED)
        #expect(try Mapping.someIsWritableAndExecutable())
      }
    }

    @Test func codeIsFreed() async {
      await #expect(processExitsWith: .success) {
        for calls in [MappingCalls.system, .withoutSealing] {
          let address = try loadAndLeave(calls: calls)
          #expect(try Mapping.permissions(at: address) == nil)
          for _ in 0..<100 { _ = try loadAndLeave(calls: calls) }
          #expect(try openCodeFiles() == [])
        }
      }
    }

    @Test func aFileServesWherePagesCannotBecomeExecutable() async {
      await #expect(processExitsWith: .success) {
        typealias Control = @convention(c) (Int32, UInt, UInt, UInt, UInt) -> Int32
        let control = unsafeBitCast(try #require(dlsym(nil, "prctl")), to: Control.self)
        // PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN; kernels before 6.3 do not have it.
        guard control(65, 1, 0, 0, 0) == 0 else { return }
        var calls = MappingCalls.system
        let protect = calls.protect
        calls.protect = { start, byteCount, protection in
          let isGranted = protect(start, byteCount, protection)
          #expect(!isGranted)
          return isGranted
        }
        let memory = try ExecutableMemory(Samples.sum, calls: calls)
        #expect(sum(0..<11, in: memory) == 55)
        #expect(try Mapping.permissions(of: memory) == "r-xs")
        #expect(try Mapping.someIsWritableAndExecutable() == false)
      }
    }

    @Test(arguments: Refusal.allCases)
    func refusalsAreThrown(refusal: Refusal) {
      let error = #expect(throws: RuntimeError.self) {
        try ExecutableMemory(Samples.sum, calls: .refusing(refusal))
      }
      #expect(
        error?.description == """
          error: machine code: the system refused \(Samples.sum.count) bytes of executable memory
            hint: DESCENT_BACKEND=portable needs none
          """)
    }

    @Test func refusalsLeaveNothingMapped() async {
      await #expect(processExitsWith: .success) {
        let code = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        for refusal in Refusal.allCases {
          let granted = Mutex<[UInt]>([])
          var calls = MappingCalls.refusing(refusal)
          let map = calls.map
          calls.map = { byteCount, protection, file in
            let start = map(byteCount, protection, file)
            if let start { granted.withLock { $0.append(UInt(bitPattern: start)) } }
            return start
          }
          #expect(throws: RuntimeError.self) { try ExecutableMemory(code, calls: calls) }
          #expect(granted.withLock { $0.count } == (refusal == .mapping ? 0 : 1))
          for address in granted.withLock({ $0 }) {
            let isLeft = try Mapping.hold(code, at: address)
            #expect(!isLeft)
          }
        }
        #expect(try openCodeFiles() == [])
      }
    }
  }

  private func expectNothingWritableAndExecutable() {
    let found = try? Mapping.someIsWritableAndExecutable()
    #expect(found == false)
  }

  /// The sum of a range, by the sample at the beginning of the memory.
  private func sum(_ range: Range<Int>, in memory: ExecutableMemory) -> Int {
    var result = -1
    call(memory, at: 0, range, &result)
    return result
  }

  /// Calls a kernel whose operand and scratch are one word.
  private func call(
    _ memory: ExecutableMemory, at offset: Int, _ units: Range<Int>, _ word: inout Int
  ) {
    withUnsafeMutableBytes(of: &word) { bytes in
      var operand = bytes.baseAddress!
      withExtendedLifetime(memory) {
        memory.entry(at: offset)(&operand, units.lowerBound, units.upperBound, bytes.baseAddress!)
      }
    }
  }

  private func bytes(of memory: ExecutableMemory, count: Int) throws -> [UInt8] {
    try withExtendedLifetime(memory) {
      let start = try #require(UnsafePointer<UInt8>(bitPattern: memory.address))
      return Array(UnsafeBufferPointer(start: start, count: count))
    }
  }

  /// Where code lay that is gone again.
  private func loadAndLeave(calls: MappingCalls) throws -> UInt {
    let memory = try ExecutableMemory(MachineCodeSamples.sum, calls: calls)
    let permissions = try Mapping.permissions(of: memory)
    #expect(permissions?.hasPrefix("r-x") == true)
    return memory.address
  }

  /// The open files that code was, or could have been, written to; the process may open others at any time.
  private func openCodeFiles() throws -> [String] {
    let folder = "/proc/self/fd"
    return try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
      try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
    }.filter { $0.hasPrefix("/memfd:descent") || $0 == "/dev/full" }
  }
#endif

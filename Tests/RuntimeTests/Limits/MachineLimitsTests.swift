import DescentCodegen
import DescentRuntime
import Glibc
import Testing

#if arch(x86_64)
  @Suite(.enabled(if: Backend.avx2.runs(on: .detected))) struct MachineLimitsTests {
    private let widths = Backend.avx512.runs(on: .detected) ? [128, 256, 512] : [128, 256]

    /// Passes over three arrays of small whole numbers, and returns what they hold then.
    private func run(_ kernel: LimitKernel, _ width: Int, bytes: Int) throws -> [[Float]] {
      let code = try ExecutableMemory(kernel.code(vectorBits: width))
      let count = bytes / 4
      // One number more, which must stay.
      var arrays = (0..<3).map { number in
        (0...count).map { Float($0 % 1000 + 7 * number) }
      }
      let starts = arrays.indices.map { index in
        arrays[index].withUnsafeBytes { source in
          let copy = UnsafeMutableRawPointer.allocate(byteCount: source.count, alignment: 64)
          copy.copyMemory(from: source.baseAddress!, byteCount: source.count)
          return copy
        }
      }
      defer { for start in starts { start.deallocate() } }
      var operands = starts
      withExtendedLifetime(code) { code.entry(at: 0)(&operands, 2, bytes, starts[0]) }
      for index in arrays.indices {
        arrays[index] = (0...count).map {
          starts[index].load(fromByteOffset: 4 * $0, as: Float.self)
        }
      }
      return arrays
    }

    @Test(arguments: [false, true]) func loopsMoveEveryElementOnce(isStreaming: Bool) throws {
      for width in widths {
        for bytes in [512, 1024, 5 * 512] {
          let count = bytes / 4
          let written = try run(.write(isStreaming: isStreaming), width, bytes: bytes)[0]
          #expect(
            written.dropLast().allSatisfy { $0 == 3 } && written[count] == Float(count % 1000))
          let result = try run(.triad(isStreaming: isStreaming), width, bytes: bytes)
          for index in 0..<count {
            #expect(result[0][index] == result[1][index] + 3 * result[2][index])
          }
          #expect(result[0][count] == Float(count % 1000))
          for isStriped in [false, true] {
            let read = try run(.read(isStriped: isStriped), width, bytes: bytes)
            #expect(read[0] == (0...count).map { Float($0 % 1000) })
          }
        }
      }
    }

    /// Pages that nobody has touched are in memory when they have been read.
    @Test(arguments: [false, true]) func readingReachesEveryPage(isStriped: Bool) throws {
      let page = sysconf(Int32(_SC_PAGESIZE))
      let (read, all) = (8, 10)
      let start = mmap(
        nil, all * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      let memory = try #require(start != MAP_FAILED ? start : nil)
      defer { munmap(memory, all * page) }
      for width in widths {
        // Forgets what was read before.
        madvise(memory, all * page, MADV_DONTNEED)
        let code = try ExecutableMemory(
          LimitKernel.read(isStriped: isStriped).code(vectorBits: width))
        var operands = [memory]
        withExtendedLifetime(code) { code.entry(at: 0)(&operands, 1, read * page, memory) }
        var present = [UInt8](repeating: 0, count: all)
        #expect(mincore(memory, all * page, &present) == 0)
        #expect(present.map { $0 & 1 } == (0..<all).map { $0 < read ? 1 : 0 })
      }
    }

    @Test func everyLevelIsMeasured() throws {
      let caches = CacheSizes(level1: 16 << 10, level2: 64 << 10, level3: 256 << 10, line: 64)
      let limits = try MachineLimits(
        threadCount: 2, widths: widths, caches: caches, nanoseconds: 10_000)
      #expect(limits.threadCount == 2)
      #expect(limits.peaks.map(\.vectorBits) == widths)
      #expect(limits.peaks.allSatisfy { $0.gigaflops > 0 })
      #expect(limits.bandwidths.map(\.level) == MachineLimits.Level.allCases)
      #expect(limits.bandwidths.map(\.capacity) == [32 << 10, 128 << 10, 256 << 10, 64 << 20])
      #expect(limits.bandwidths.allSatisfy { $0.read > 0 && $0.write > 0 && $0.triad > 0 })
    }

    @Test func aMachineWithoutThirdLevelHasNone() throws {
      let caches = CacheSizes(level1: 16 << 10, level2: 64 << 10, level3: 0, line: 64)
      let limits = try MachineLimits(threadCount: 1, widths: [256], caches: caches, nanoseconds: 1)
      #expect(limits.bandwidths.map(\.level) == [.level1, .level2, .memory])
    }

    @Test(arguments: [0, -1, 1025]) func threadCountsOutOfRangeAreThrown(count: Int) throws {
      let error = #expect(throws: RuntimeError.self) {
        _ = try MachineLimits(measuringThreads: count)
      }
      #expect(error?.message == "thread pool: expected 1 to 1024 threads, found \(count)")
    }
  }
#endif

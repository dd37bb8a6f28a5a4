import DescentCodegen
import DescentRuntime
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
          let read = try run(.read(isStriped: isStreaming), width, bytes: bytes)
          #expect(read[0] == (0...count).map { Float($0 % 1000) })
        }
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

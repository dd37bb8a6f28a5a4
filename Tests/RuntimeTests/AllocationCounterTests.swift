import DescentTestSupport
import Glibc
import Testing

private final class Something {
  var number = 1
}

@inline(never)
private func consume<Value>(_ value: Value) {
  withExtendedLifetime(value) {}
}

@Suite(.disabled(if: Sanitizer.isActive, "its own allocator is called directly"))
struct AllocationCounterTests {
  @Test func anEmptyRegionCountsNothing() async {
    await #expect(processExitsWith: .success) {
      let count = AllocationCounter.leastCount {}
      #expect(count == .zero)
    }
  }

  @Test func objectsAreCounted() async {
    await #expect(processExitsWith: .success) {
      consume(Something())
      let count = AllocationCounter.leastCount {
        consume(Something())
        consume(Something())
      }
      #expect(count == AllocationCount(objects: 2, mallocs: 2))
    }
  }

  @Test func arraysAreCounted() async {
    await #expect(processExitsWith: .success) {
      let count = 1000
      consume([Int](repeating: 7, count: count))
      let found = AllocationCounter.leastCount { consume([Int](repeating: 7, count: count)) }
      #expect(found == AllocationCount(objects: 1, mallocs: 1))
    }
  }

  @Test func plainMemoryIsCounted() async {
    await #expect(processExitsWith: .success) {
      let count = AllocationCounter.leastCount {
        let aligned = UnsafeMutableRawPointer.allocate(byteCount: 4096, alignment: 128)
        aligned.deallocate()
        for _ in 1...3 { free(malloc(24)) }
        free(realloc(calloc(2, 8), 64))
      }
      #expect(count == AllocationCount(objects: 0, mallocs: 6))
    }
  }

  @Test func otherThreadsAreCounted() async {
    await #expect(processExitsWith: .success) {
      let start: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { _ in
        for _ in 1...1000 { free(malloc(16)) }
        return nil
      }
      let count = AllocationCounter.count {
        var thread = pthread_t()
        pthread_create(&thread, nil, start, nil)
        pthread_join(thread, nil)
      }
      #expect(count.mallocs >= 1000)
    }
  }

  @Test func countingEnds() async {
    await #expect(processExitsWith: .success) {
      _ = AllocationCounter.count { consume(Something()) }
      consume(Something())
      let count = AllocationCounter.leastCount {}
      #expect(count == .zero)
    }
  }
}

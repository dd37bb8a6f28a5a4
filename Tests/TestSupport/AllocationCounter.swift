import Glibc
import Synchronization

/// How often memory was asked for.
package struct AllocationCount: Hashable, Sendable {
  /// Swift objects: class instances, boxes, closures' contexts, arrays' buffers.
  package let objects: Int
  /// Calls of `malloc`, `calloc`, `realloc` and the aligned forms.
  package let mallocs: Int

  package init(objects: Int, mallocs: Int) {
    self.objects = objects
    self.mallocs = mallocs
  }

  package static var zero: AllocationCount { AllocationCount(objects: 0, mallocs: 0) }
}

/// Counts the allocations of the whole process, on all its threads, between two moments.
///
/// Tests run beside one another, so a test that expects a number measures in a process of its own:
/// `await #expect(processExitsWith: .success) { … }`.
///
/// Objects are counted by replacing the Swift runtime's allocation function. Calls of `malloc` are
/// counted by diverting the import tables of all loaded libraries. A preloaded library can count
/// them instead, as a check on this one: compile the following with
/// `cc -shared -fPIC -O2 -o libcount.so count.c`, and run with `LD_PRELOAD` and
/// `DESCENT_MALLOC_COUNTER` both set to its path.
///
/// ```c
/// #include <stddef.h>
/// void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
/// void *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
/// static size_t n;
/// #define COUNT __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED)
/// size_t descent_malloc_count(void) { return __atomic_load_n(&n, __ATOMIC_RELAXED); }
/// void *malloc(size_t s) { COUNT; return __libc_malloc(s); }
/// void *calloc(size_t k, size_t s) { COUNT; return __libc_calloc(k, s); }
/// void *realloc(void *p, size_t s) { COUNT; return __libc_realloc(p, s); }
/// void *memalign(size_t a, size_t s) { COUNT; return __libc_memalign(a, s); }
/// void *aligned_alloc(size_t a, size_t s) { COUNT; return __libc_memalign(a, s); }
/// int posix_memalign(void **p, size_t a, size_t s) {
///   COUNT; return (*p = __libc_memalign(a, s)) ? 0 : 12;
/// }
/// ```
package enum AllocationCounter {
  /// Begins to count from zero.
  ///
  /// - Precondition: Nobody is counting.
  package static func start() {
    // The first use makes the counters, which a hook must not have to do.
    counters.begin(preloaded: 0)
    ObjectHook.install()
    if preloadedCount == nil { MallocHook.install() }
    counters.begin(preloaded: preloadedCount?() ?? 0)
  }

  /// Stops counting, and returns what was counted.
  package static func stop() -> AllocationCount {
    let count = counters.end(preloaded: preloadedCount?())
    MallocHook.remove()
    ObjectHook.remove()
    return count
  }

  /// Returns the allocations made while `body` ran.
  package static func count(_ body: () throws -> Void) rethrows -> AllocationCount {
    start()
    do {
      try body()
    } catch {
      _ = stop()
      throw error
    }
    return stop()
  }

  /// Returns the smallest of several counts of the same work.
  ///
  /// Even a process of its own has threads that the test did not start, and now and then one of them
  /// allocates. Such noise only adds, so the least count is that of the work alone.
  package static func leastCount(of repetitions: Int = 5, _ body: () throws -> Void) rethrows
    -> AllocationCount
  {
    var least = try count(body)
    for _ in 1..<max(repetitions, 1) {
      let next = try count(body)
      if next.objects + next.mallocs < least.objects + least.mallocs { least = next }
    }
    return least
  }

  /// The function of a preloaded counting library, if there is one.
  private static let preloadedCount: (@convention(c) () -> Int)? = {
    guard getenv("DESCENT_MALLOC_COUNTER") != nil else { return nil }
    return dlsym(nil, "descent_malloc_count").map {
      unsafeBitCast($0, to: (@convention(c) () -> Int).self)
    }
  }()
}

/// The numbers that the hooks write; raw memory, because a hook must not allocate.
struct Counters: @unchecked Sendable {
  private let objects = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
  private let mallocs = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)
  private let preloadedStart = UnsafeMutablePointer<Atomic<Int>>.allocate(capacity: 1)

  init() {
    objects.initialize(to: Atomic(0))
    mallocs.initialize(to: Atomic(0))
    preloadedStart.initialize(to: Atomic(0))
  }

  func countObject() { objects.pointee.add(1, ordering: .relaxed) }

  func countMalloc() { mallocs.pointee.add(1, ordering: .relaxed) }

  func begin(preloaded: Int) {
    preloadedStart.pointee.store(preloaded, ordering: .relaxed)
    objects.pointee.store(0, ordering: .relaxed)
    mallocs.pointee.store(0, ordering: .relaxed)
  }

  func end(preloaded: Int?) -> AllocationCount {
    let start = preloadedStart.pointee.load(ordering: .relaxed)
    return AllocationCount(
      objects: objects.pointee.load(ordering: .relaxed),
      mallocs: preloaded.map { $0 - start } ?? mallocs.pointee.load(ordering: .relaxed))
  }
}

let counters = Counters()

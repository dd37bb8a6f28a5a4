/// A fixed set of threads that run one function together.
///
/// A caller of `run` works as thread 0, the pool's own threads as 1, 2 and so on. Waiting threads
/// spin for a while, then sleep. `run` allocates nothing and, when nobody else uses the pool,
/// enters the kernel only to wake threads that sleep and to await ones that are late. A pool of
/// one thread starts none and never synchronises. Any threads may call `run`; they take turns.
package final class ThreadPool: Sendable {
  /// A function of a context and the index of the thread, from 0 to below the thread count.
  ///
  /// A plain function pointer: a closure's context would be an allocation.
  package typealias Body = @convention(c) (UnsafeMutableRawPointer, Int) -> Void

  /// The number of threads that run a body, the caller among them.
  package let threadCount: Int
  private let crew: Crew

  /// The number of threads a pool has when nobody says otherwise: the usable cores.
  package static var defaultThreadCount: Int { min(CPUTopology.usableCoreCount, threadLimit) }
  /// How long a thread waits awake when nobody says otherwise.
  package static var defaultSpinNanoseconds: UInt64 { 40_000 }
  private static var threadLimit: Int { 1024 }

  /// Creates a pool and starts its threads.
  ///
  /// - Parameters:
  ///   - threadCount: the number of threads, with the caller.
  ///   - spinNanoseconds: how long a thread waits awake before it sleeps; never, where there are
  ///     more threads than cores, because waiting then takes time from working.
  /// - Throws: `RuntimeError` when the count is out of range or the system refuses a thread.
  package init(
    threadCount: Int = ThreadPool.defaultThreadCount,
    spinNanoseconds: UInt64 = ThreadPool.defaultSpinNanoseconds
  ) throws(RuntimeError) {
    guard 1...Self.threadLimit ~= threadCount else {
      throw .threadCount(threadCount, limit: Self.threadLimit)
    }
    Futex.prepare()
    let isCrowded = threadCount > CPUTopology.usableCoreCount
    self.threadCount = threadCount
    crew = Crew(threadCount: threadCount, spinNanoseconds: isCrowded ? 0 : spinNanoseconds)
    // When this throws, the deinitialiser still runs, and dismisses those already at work.
    try crew.hire()
  }

  deinit {
    crew.dismiss()
  }

  /// Calls `body` once on each thread, and returns when all calls have returned.
  ///
  /// - Precondition: `body` does not call `run` of the same pool.
  package func run(_ body: Body, _ context: UnsafeMutableRawPointer) {
    guard threadCount > 1 else { return body(context, 0) }
    crew.run(body, context)
  }

  /// The barrier of this pool's threads, for bodies that work in waves.
  ///
  /// - Precondition: Only bodies call its `wait`, and all threads of a run equally often.
  package var barrier: Barrier { crew.waves }
}

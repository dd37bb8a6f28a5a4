/// Runs loops on all threads at once and takes the time.
///
/// Runs are many and short: some fall between the moments at which the system lets others work.
final class LimitMeter {
  private let pool: ThreadPool
  private let memory: Arena
  private let bytesPerThread: Int
  private let nanoseconds: Int
  private static var runCount: Int { 25 }

  /// Creates a meter whose threads have some memory each; runs are about as long as stated.
  init(threadCount: Int, byteCount: Int, nanoseconds: Int) throws(RuntimeError) {
    pool = try ThreadPool(threadCount: threadCount)
    bytesPerThread = byteCount
    memory = try Arena(byteCount: byteCount * threadCount)
    self.nanoseconds = nanoseconds
    // Fresh pages are all one page of zeros until they are written to.
    memory.base.initializeMemory(as: UInt8.self, repeating: 0, count: byteCount * threadCount)
  }

  /// Returns how many passes a nanosecond all threads make together, at best.
  func passes(
    _ kernel: LimitKernel, _ vectorBits: Int, byteCount: Int
  ) throws(RuntimeError) -> Double {
    let code = try ExecutableMemory(kernel.code(vectorBits: vectorBits))
    let entry = code.entry(at: 0)
    var passCount = 1
    var time = best(of: passCount, entry, byteCount)
    while time < shortest, passCount < 1 << 40 {
      passCount *= 2
      time = best(of: passCount, entry, byteCount)
    }
    withExtendedLifetime(code) {}
    return Double(passCount * pool.threadCount) / Double(max(1, time))
  }

  /// Below this, starting the threads would count too much.
  private var shortest: UInt64 { UInt64(nanoseconds / 2) }

  /// Returns the shortest time of several runs; the first that is too short to count is enough.
  ///
  /// One run alone would not tell: a thread that had to wait for its turn makes any run look long.
  private func best(of passCount: Int, _ entry: KernelFunction, _ byteCount: Int) -> UInt64 {
    var time = UInt64.max
    for _ in 0..<Self.runCount where time >= shortest {
      time = min(time, run(entry, passCount, byteCount))
    }
    return time
  }

  /// Makes some passes on every thread; returns the nanoseconds until the last one was done.
  private func run(_ entry: KernelFunction, _ passCount: Int, _ byteCount: Int) -> UInt64 {
    var job = LimitJob(
      entry: entry, memory: memory.base, bytesPerThread: bytesPerThread, passCount: passCount,
      byteCount: byteCount)
    let start = MonotonicClock.nanoseconds
    withUnsafeMutablePointer(to: &job) { job in
      pool.run({ context, thread in runLimitJob(context, thread) }, job)
    }
    return MonotonicClock.nanoseconds - start
  }
}

/// What the threads of one run share.
private struct LimitJob {
  let entry: KernelFunction
  let memory: UnsafeMutableRawPointer
  let bytesPerThread: Int
  let passCount: Int
  let byteCount: Int
}

/// Passes over the arrays of one thread, which lie side by side in its memory.
private func runLimitJob(_ context: UnsafeMutableRawPointer, _ thread: Int) {
  let job = context.assumingMemoryBound(to: LimitJob.self).pointee
  let base = job.memory + thread * job.bytesPerThread
  var operands = (base, base + job.byteCount, base + 2 * job.byteCount)
  withUnsafeMutablePointer(to: &operands) { operands in
    operands.withMemoryRebound(to: UnsafeMutableRawPointer.self, capacity: 3) { operands in
      job.entry(operands, job.passCount, job.byteCount, base)
    }
  }
}

import Glibc

/// The memory a pool shares with its threads, which do not keep the pool itself alive.
struct Crew: @unchecked Sendable {
  private let memory: UnsafeMutableRawPointer
  private let threadCount: Int
  /// Who may call `run`.
  private let lock: FutexLock
  /// Opened once a run.
  private let start: Gate
  /// Written before `start` opens, read after.
  private let job: UnsafeMutablePointer<Job>
  /// All threads arrive; the caller waits.
  private let finish: Barrier
  /// The barrier for bodies.
  let waves: Barrier

  /// What to do: no body means to go home.
  private struct Job {
    var body: ThreadPool.Body?
    var context: UnsafeMutableRawPointer?
  }

  /// What a thread is told on its first day.
  private struct Seat {
    let crew: Crew
    let index: Int
    var thread: pthread_t?
  }

  /// Lays the parts out on lines of their own, then one seat a thread.
  init(threadCount: Int, spinNanoseconds: UInt64) {
    let line = lineByteCount
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: Self.seatOffset(threadCount), alignment: line)
    self.memory = memory
    self.threadCount = threadCount
    lock = FutexLock(at: memory, spinNanoseconds: spinNanoseconds)
    start = Gate(at: memory + line, spinNanoseconds: spinNanoseconds)
    job = (memory + 2 * line).bindMemory(to: Job.self, capacity: 1)
    job.initialize(to: Job())
    finish = Barrier(
      at: memory + 3 * line, participantCount: threadCount, spinNanoseconds: spinNanoseconds)
    waves = Barrier(
      at: memory + 5 * line, participantCount: threadCount, spinNanoseconds: spinNanoseconds)
    for index in 0..<threadCount {
      let seat = (memory + Self.seatOffset(index)).bindMemory(to: Seat.self, capacity: 1)
      seat.initialize(to: Seat(crew: self, index: index))
    }
  }

  private static func seatOffset(_ index: Int) -> Int {
    7 * lineByteCount + index * MemoryLayout<Seat>.stride
  }

  private func seat(_ index: Int) -> UnsafeMutablePointer<Seat> {
    (memory + Self.seatOffset(index)).assumingMemoryBound(to: Seat.self)
  }

  func run(_ body: ThreadPool.Body, _ context: UnsafeMutableRawPointer) {
    lock.acquire()
    job.pointee.body = body
    job.pointee.context = context
    start.open()
    body(context, 0)
    finish.wait()
    lock.release()
  }

  private func work(index: Int) {
    // Every thread sees every opening: the next one comes only after all have arrived.
    var ticket: UInt32 = 0
    while true {
      start.wait(past: ticket)
      ticket = start.ticket
      guard let body = job.pointee.body, let context = job.pointee.context else { return }
      body(context, index)
      finish.arrive()
    }
  }
}

extension Crew {
  /// Starts the threads.
  func hire() throws(RuntimeError) {
    guard threadCount > 1 else { return }
    let mask = SignalMask.blockForNewThreads()
    defer { mask.restore() }
    for index in 1..<threadCount {
      var thread = pthread_t()
      let status = pthread_create(&thread, nil, { Crew.main($0) }, seat(index))
      guard status == 0 else { throw .threadNotStarted(index, of: threadCount) }
      seat(index).pointee.thread = thread
      ThreadName.set(thread, "descent-\(index)")
    }
  }

  private static func main(_ seat: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let seat = seat?.assumingMemoryBound(to: Seat.self) else { return nil }
    // A thread begins with its creator's modes.
    FloatingPointEnvironment.setStandard()
    seat.pointee.crew.work(index: seat.pointee.index)
    return nil
  }

  /// Ends the threads, waits until they are gone, and frees the memory.
  func dismiss() {
    // Nobody can be running now; taking the lock orders this after the last run of any thread.
    lock.acquire()
    job.pointee.body = nil
    start.open()
    for index in 1..<max(threadCount, 1) {
      if let thread = seat(index).pointee.thread { pthread_join(thread, nil) }
    }
    memory.deallocate()
  }
}

/// The signals that reach the pool's threads: their own faults, and no business of others.
private struct SignalMask {
  private var old = sigset_t()

  /// Blocks signals for threads created from now on; a crash handler must still see faults.
  static func blockForNewThreads() -> SignalMask {
    var blocked = sigset_t()
    sigfillset(&blocked)
    for fault in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGPROF] {
      sigdelset(&blocked, fault)
    }
    var mask = SignalMask()
    pthread_sigmask(SIG_SETMASK, &blocked, &mask.old)
    return mask
  }

  func restore() {
    var old = old
    pthread_sigmask(SIG_SETMASK, &old, nil)
  }
}

/// The names that debuggers and profilers show.
private enum ThreadName {
  private typealias SetName = @convention(c) (pthread_t, UnsafePointer<CChar>) -> Int32

  /// The C module hides the call from Swift.
  private static let setName: SetName? = dlsym(nil, "pthread_setname_np").map {
    unsafeBitCast($0, to: SetName.self)
  }

  static func set(_ thread: pthread_t, _ name: String) {
    _ = setName?(thread, name)
  }
}

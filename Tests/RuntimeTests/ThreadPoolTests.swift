import DescentRuntime
import DescentTestSupport
import Foundation
import Synchronization
import Testing

/// What the bodies below see: plain memory, as a session's would be.
private struct Board {
  let cells: UnsafeMutablePointer<Int>
  let barrier: Barrier
  let threadCount: Int
  let waveCount: Int

  static let stride = 16

  /// Calls `body` with the address of a board of zeroed cells.
  static func with<Result>(
    _ pool: ThreadPool, waveCount: Int = 1, _ body: (UnsafeMutablePointer<Board>) throws -> Result
  ) rethrows -> Result {
    let cells = UnsafeMutablePointer<Int>.allocate(capacity: pool.threadCount * stride)
    cells.initialize(repeating: 0, count: pool.threadCount * stride)
    defer { cells.deallocate() }
    var board = Board(
      cells: cells, barrier: pool.barrier, threadCount: pool.threadCount, waveCount: waveCount)
    return try withUnsafeMutablePointer(to: &board, body)
  }

  func cell(_ index: Int) -> UnsafeMutablePointer<Int> { cells + index * Self.stride }
}

/// Adds one to the thread's own cell.
private let countCall: ThreadPool.Body = { context, index in
  context.assumingMemoryBound(to: Board.self).pointee.cell(index).pointee += 1
}

/// In each wave, writes the own cell, then checks that all others have written theirs.
///
/// A cell that is late or early is marked by a number that no wave has.
private let workInWaves: ThreadPool.Body = { context, index in
  let board = context.assumingMemoryBound(to: Board.self).pointee
  var isRight = true
  var wave = 1
  while wave <= board.waveCount {
    board.cell(index).pointee = wave
    board.barrier.wait()
    var other = 0
    while other < board.threadCount {
      if board.cell(other).pointee != wave { isRight = false }
      other += 1
    }
    board.barrier.wait()
    wave += 1
  }
  if !isRight { board.cell(index).pointee = -1 }
}

/// Thread counts, and whether waiting threads go to sleep at once.
private let configurations: [(Int, UInt64)] = [1, 2, 3, 4, 8].flatMap { count in
  [(count, ThreadPool.defaultSpinNanoseconds), (count, 0)]
}

@Suite struct ThreadPoolTests {
  @Test(arguments: configurations)
  func eachThreadRunsEachBodyOnce(threadCount: Int, spinNanoseconds: UInt64) throws {
    let pool = try ThreadPool(threadCount: threadCount, spinNanoseconds: spinNanoseconds)
    #expect(pool.threadCount == threadCount)
    Board.with(pool) { board in
      for iteration in 1...2000 {
        pool.run(countCall, board)
        for index in 0..<threadCount where board.pointee.cell(index).pointee != iteration {
          Issue.record("thread \(index) of \(threadCount) in iteration \(iteration)")
          return
        }
      }
    }
  }

  @Test(arguments: configurations)
  func wavesAreOrdered(threadCount: Int, spinNanoseconds: UInt64) throws {
    let pool = try ThreadPool(threadCount: threadCount, spinNanoseconds: spinNanoseconds)
    Board.with(pool, waveCount: 100) { board in
      for _ in 1...10 {
        pool.run(workInWaves, board)
        for index in 0..<threadCount { #expect(board.pointee.cell(index).pointee == 100) }
      }
    }
  }

  @Test(arguments: configurations)
  func callersTakeTurns(threadCount: Int, spinNanoseconds: UInt64) throws {
    let pool = try ThreadPool(threadCount: threadCount, spinNanoseconds: spinNanoseconds)
    let rightRuns = Atomic<Int>(0)
    let callers = (0..<3).map { _ in
      Thread {
        Board.with(pool, waveCount: 5) { board in
          for _ in 1...100 {
            pool.run(workInWaves, board)
            let isRight = (0..<threadCount).allSatisfy { board.pointee.cell($0).pointee == 5 }
            if isRight { rightRuns.add(1, ordering: .relaxed) }
          }
        }
      }
    }
    for caller in callers { caller.start() }
    while callers.contains(where: { !$0.isFinished }) { usleep(500) }
    #expect(rightRuns.load(ordering: .relaxed) == 300)
  }

  @Test func sleepingThreadsWake() throws {
    let pool = try ThreadPool(threadCount: 2, spinNanoseconds: 1000)
    Board.with(pool) { board in
      for iteration in 1...20 {
        usleep(1000)
        pool.run(countCall, board)
        #expect(board.pointee.cell(1).pointee == iteration)
      }
    }
  }

  @Test func threadsAreNamedAndJoined() async {
    await #expect(processExitsWith: .success) {
      for _ in 1...50 {
        let pool = try ThreadPool(threadCount: 3)
        #expect(descentThreads() == ["descent-1", "descent-2"])
        Board.with(pool) { pool.run(countCall, $0) }
      }
      #expect(descentThreads() == [])
      let single = try ThreadPool(threadCount: 1)
      #expect(descentThreads() == [])
      Board.with(single) { single.run(countCall, $0) }
    }
  }

  @Test func runningAllocatesNothing() async {
    await #expect(processExitsWith: .success) {
      for (threadCount, spinNanoseconds) in configurations {
        let pool = try ThreadPool(threadCount: threadCount, spinNanoseconds: spinNanoseconds)
        Board.with(pool, waveCount: 3) { board in
          let body = workInWaves
          let count = AllocationCounter.leastCount {
            var turn = 0
            while turn < 200 {
              pool.run(body, board)
              turn += 1
            }
          }
          #expect(count == .zero)
          #expect(board.pointee.cell(threadCount - 1).pointee == 3)
        }
      }
    }
  }

  @Test(arguments: [0, -1, Int.min, 1025, Int.max])
  func foolishCountsAreRefused(count: Int) {
    let error = #expect(throws: RuntimeError.self) { try ThreadPool(threadCount: count) }
    #expect(
      error?.description
        == "error: thread pool: expected 1 to 1024 threads, found \(count)")
  }

  @Test(.disabled(if: Sanitizer.isActive, "it maps more than the limit"))
  func aRefusedThreadIsAnErrorAndTheOthersGoHome() async {
    await #expect(processExitsWith: .success) {
      // Eight megabytes of stack a thread do not fit into this address space a thousand times.
      var limit = rlimit(rlim_cur: 3 << 30, rlim_max: 3 << 30)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit) == 0)
      let error = #expect(throws: RuntimeError.self) { try ThreadPool(threadCount: 1024) }
      #expect(
        error?.message.hasPrefix("thread pool: the system refused to start thread ") == true)
      #expect(error?.message.hasSuffix(" of 1024") == true)
      #expect(descentThreads() == [])
    }
  }
}

/// The names of this process's threads that belong to a pool, sorted.
private func descentThreads() -> [String] {
  let tasks = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/task")) ?? []
  return tasks.compactMap { task in
    let name = try? String(contentsOfFile: "/proc/self/task/\(task)/comm", encoding: .utf8)
    return name?.trimmingCharacters(in: .whitespacesAndNewlines)
  }
  .filter { $0.hasPrefix("descent-") }
  .sorted()
}

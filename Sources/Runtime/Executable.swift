import DescentCodegen
import DescentGraph
import Synchronization

/// A program bound to memory: flat steps with raw pointers, ready to run.
///
/// Everything `run` touches is allocated here, once. The dispatch loop walks an array of trivial structs; it allocates
/// nothing, takes no lock, and calls nothing in the Swift runtime that might.
final class Executable {
  let program: Program
  /// Constants, inputs, outputs and temporaries.
  private let work: Arena
  /// Parameters and states, which other plans of the family may share.
  let state: StateMemory
  private let pool: ThreadPool?
  /// The machine code that steps call; held, so that it stays.
  private let code: ExecutableMemory?
  private let bases: [UnsafeMutableRawPointer]
  private let control: UnsafeMutablePointer<RunControl>
  /// What is freed at the end.
  private var allocations: [UnsafeMutableRawPointer] = []
  /// The steps of the preparation, and those of a run.
  private let spans: (preparation: StepSpan, run: StepSpan)
  /// What the preparation leaves to runs, if there is one; other sessions on the same state may share it.
  private let prepared: PreparedMemory?
  /// The slots of the state that a run changes.
  private let changedSlots: [Int]

  init(
    _ program: Program, code: ExecutableMemory?, state: StateMemory, pool: ThreadPool?
  ) throws(RuntimeError) {
    self.program = program
    self.code = code
    self.state = state
    let sizes = program.memory.segmentBytes.map { MemoryPlan.aligned($0) }
    let (constants, io) = (sizes[Segment.constants.rawValue], sizes[Segment.io.rawValue])
    let arena = sizes[Segment.arena.rawValue] + MemoryPlan.redZone
    let used = constants + io + arena
    work = try Arena(byteCount: max(64, used))
    prepared = try state.preparedMemory(for: program)
    let io0 = work.base + constants
    bases = [work.base, state.base, io0, io0 + io, prepared?.base ?? work.base]
    changedSlots = program.states.indices.filter {
      program.states[$0].updated != program.states[$0].value
    }
    let slices = program.slices(isNative: code != nil)
    self.pool = slices.joined().contains { $0.count > 1 } ? pool : nil
    control = .allocate(capacity: 1)
    let builder = StepBuilder(program: program, slices: slices, code: code, bases: bases)
    spans = builder.spans
    control.initialize(
      to: RunControl(
        steps: builder.steps, span: spans.run, kernelCount: program.kernels.count,
        scratch: builder.scratch,
        barrier: self.pool?.barrier, faults: builder.faults, commitStep: builder.commitStep,
        hasFaults: !program.faults.isEmpty, poison: builder.poison))
    allocations = builder.allocations
    writeConstants()
    if program.isPoisoned {
      work.fill(constants..<used, with: Poison.dead)
    }
  }

  deinit {
    control.pointee.faults.deallocate()
    control.deinitialize(count: 1)
    control.deallocate()
    for allocation in allocations { allocation.deallocate() }
  }

  /// Runs the program once and takes the time before each kernel and behind the last, in nanoseconds.
  ///
  /// - Parameter times: Receives one more than there are kernels; those that did not run stay as they are, and so do
  ///   those of the preparation, which is not timed.
  /// - Returns: The fault that stopped the run, or nil.
  func run(timing times: inout [UInt64]) -> Int? {
    precondition(times.count > control.pointee.kernelCount, "a run has more kernels than times")
    return times.withUnsafeMutableBufferPointer { buffer in
      control.pointee.times = buffer.baseAddress
      defer { control.pointee.times = nil }
      return run()
    }
  }

  /// Runs the program once; the fault that stopped it, or nil.
  func run() -> Int? {
    control.pointee.begin()
    if control.pointee.isCancelled.load(ordering: .relaxed) {
      control.pointee.stopStep.store(0, ordering: .relaxed)
    } else {
      FloatingPointEnvironment.withStandard {
        if prepare() { runSteps(of: spans.run) }
      }
      noteChanges()
    }
    if wasCancelled { control.pointee.isCancelled.store(false, ordering: .relaxed) }
    return control.pointee.faults.reported
  }

  /// Runs the preparation if it must run, and returns whether the run goes on.
  private func prepare() -> Bool {
    guard let prepared, prepared.isNeeded(for: state) else { return true }
    prepared.begin()
    let times = control.pointee.times
    control.pointee.times = nil
    runSteps(of: spans.preparation)
    control.pointee.times = times
    guard control.pointee.stopStep.load(ordering: .relaxed) == Int.max else { return false }
    prepared.end(on: state)
    return true
  }

  /// How often the preparation has run to its end, for this session or another that shares what it leaves.
  var preparationRunCount: Int { prepared?.runCount ?? 0 }

  /// Tells all that share the state what a run may have changed.
  private func noteChanges() {
    var index = 0
    while index < changedSlots.count {
      state.noteChange(of: changedSlots[index])
      index += 1
    }
  }

  /// Runs steps: the caller alone those before and behind the ones that threads share.
  private func runSteps(of span: StepSpan) {
    control.pointee.span = span
    guard let pool, !span.shared.isEmpty else {
      control.runAlone(from: span.steps.lowerBound, to: span.steps.upperBound)
      return
    }
    guard control.runAlone(from: span.steps.lowerBound, to: span.shared.lowerBound) else { return }
    pool.run({ context, thread in runThread(context, thread) }, control)
    guard control.pointee.stopStep.load(ordering: .relaxed) == Int.max else { return }
    control.runAlone(from: span.shared.upperBound, to: span.steps.upperBound)
  }

  /// Makes one run end before its next kernel, this one or the next to begin; safe to call from any thread.
  func cancel() { control.pointee.isCancelled.store(true, ordering: .relaxed) }

  /// Whether the last run ended because of `cancel`.
  var wasCancelled: Bool {
    control.pointee.stopStep.load(ordering: .relaxed) != Int.max
      && control.pointee.faults.reported == nil
  }

  /// Returns the address of a buffer.
  func address(of buffer: BufferID) -> UnsafeMutableRawPointer {
    let place = program.memory.placements[buffer]
    return bases[place.segment.rawValue] + place.offset
  }

  private func writeConstants() {
    for (index, buffer) in program.buffers.enumerated() {
      guard case .constant(let array) = buffer.role else { continue }
      array.copyBytes(to: address(of: index))
    }
  }
}

/// One part of a kernel, ready to run.
struct ExecutableStep {
  /// What compiled Swift executes, where machine code does not.
  enum Portable {
    case loop(PortableLoop)
    case contraction(PortableContraction)
    case scatter(PortableScatter)
    case sort(PortableSort)
    case copy(from: UnsafeMutableRawPointer, to: UnsafeMutableRawPointer, byteCount: Int)
    case strips(StripSteps)
  }

  /// The machine code, or nil.
  let function: KernelFunction?
  /// What runs instead; apart, so that the steps themselves are small.
  let portable: UnsafeMutablePointer<Portable>?
  /// The addresses of the operands of thread 0, and how far behind them those of the next thread are.
  let operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  let operandStride: Int
  /// The units each thread runs.
  let slices: UnsafeMutablePointer<Range<Int>>
  let sliceCount: Int
  /// The kernel, and whether this is its first part.
  let kernel: Int
  let isFirst: Bool
  /// Whether all threads meet before the step.
  let meetsBefore: Bool
  /// The first step at or behind this one that threads share.
  let nextShared: Int
}

/// Steps that run one after the other.
struct StepSpan {
  let steps: Range<Int>
  /// Those from the first that threads share to the last; empty where one thread runs all.
  let shared: Range<Int>
}

/// What the threads of one executable share.
struct RunControl: ~Copyable {
  let steps: UnsafeMutablePointer<ExecutableStep>
  /// The steps under way, of the preparation or of a run; written while no other thread runs.
  var span: StepSpan
  let kernelCount: Int
  let scratch: UnsafeMutablePointer<ThreadScratch>
  let barrier: Barrier?
  let faults: FaultCell
  /// The first step that changes a state: a run with a fault ends before it, and none is cancelled after it.
  let commitStep: Int
  let hasFaults: Bool
  /// Receives the time before each step and behind the last, where somebody asked.
  var times: UnsafeMutablePointer<UInt64>?
  /// What poison mode fills and checks around each step, or nil.
  let poison: UnsafeMutablePointer<PoisonPlan>?
  /// Set from any thread to end a run early; stays until one has ended for it.
  let isCancelled = Atomic<Bool>(false)
  /// The step at which every thread ends; written while all others wait.
  let stopStep = Atomic<Int>(Int.max)

  /// Forgets the last run.
  func begin() {
    faults.clear()
    stopStep.store(Int.max, ordering: .relaxed)
  }
}

/// What poison mode does around one step.
struct PoisonPlan {
  /// Bytes no later step reads.
  var dead: UnsafeMutablePointer<UnsafeMutableRawBufferPointer>
  var deadCount: Int
  /// Bytes behind what the step writes.
  var redZone: UnsafeMutableRawBufferPointer
}

/// The body of every thread of a run: the steps that threads share, and what lies between them.
///
/// Where threads meet, the one that comes last runs what is to be run alone, and decides whether to stop: all that
/// came before is over then, and nobody else runs.
private func runThread(_ context: UnsafeMutableRawPointer, _ thread: Int) {
  let control = context.assumingMemoryBound(to: RunControl.self)
  let shared = control.pointee.span.shared
  let end = shared.upperBound
  var index = shared.lowerBound
  while index < end {
    var step = control.pointee.steps + index
    if step.pointee.meetsBefore, let barrier = control.pointee.barrier {
      let next = step.pointee.nextShared
      barrier.wait { control.runAlone(from: index, to: next) }
      if control.pointee.stopStep.load(ordering: .relaxed) != Int.max { return }
      index = next
      step = control.pointee.steps + index
    } else if thread == 0, step.pointee.isFirst {
      control.takeTime(step.pointee.kernel)
    }
    // A pool shared with another plan may have more threads than this one has scratch memory for.
    if thread < step.pointee.sliceCount {
      step.run(control.pointee.scratch, thread)
    }
    index += 1
  }
}

extension UnsafeMutablePointer<RunControl> {
  /// Runs steps while no other thread runs any, and does what is to be done before the step behind them.
  ///
  /// - Returns: Whether the run goes on.
  @discardableResult
  fileprivate func runAlone(from start: Int, to end: Int) -> Bool {
    let (steps, scratch) = (pointee.steps, pointee.scratch)
    let isObserved = pointee.poison != nil || pointee.times != nil
    // Whoever runs a step alone may take the first thread's memory, which else has nothing to do.
    for index in start..<end {
      if isObserved {
        guard begin(index) else { return false }
      } else if mustStop(at: index) {
        pointee.stopStep.store(index, ordering: .relaxed)
        return false
      }
      (steps + index).run(scratch, 0)
    }
    return begin(end)
  }

  /// Does what is to be done before a step by one thread alone, and returns whether the run goes on.
  private func begin(_ index: Int) -> Bool {
    poison(before: index)
    guard index < pointee.span.steps.upperBound else {
      takeTime(pointee.kernelCount)
      return true
    }
    guard !mustStop(at: index) else {
      pointee.stopStep.store(index, ordering: .relaxed)
      return false
    }
    if pointee.steps[index].isFirst { takeTime(pointee.steps[index].kernel) }
    return true
  }

  /// Whether the run ends before a step: it was cancelled, or a fault is known and state would change.
  fileprivate func mustStop(at index: Int) -> Bool {
    // Once a state has changed the run goes on to its end, so that no step is done by halves.
    if index <= pointee.commitStep, pointee.isCancelled.load(ordering: .relaxed) { return true }
    return pointee.hasFaults && index == pointee.commitStep && pointee.faults.reported != nil
  }

  /// Notes when a kernel begins, if somebody asked.
  fileprivate func takeTime(_ index: Int) {
    pointee.times?[index] = MonotonicClock.nanoseconds
  }

  /// In poison mode, checks and fills what the step before is done with, and marks what this one writes.
  fileprivate func poison(before index: Int) {
    guard let poison = pointee.poison else { return }
    let steps = pointee.span.steps
    if index > steps.lowerBound { poison[index - 1].finish() }
    if index < steps.upperBound { poison[index].prepare() }
  }
}

extension UnsafeMutablePointer<ExecutableStep> {
  /// Runs a thread's units of the step's grid.
  @inline(__always)
  func run(_ scratch: UnsafeMutablePointer<ThreadScratch>, _ thread: Int) {
    let units = pointee.slices[thread]
    guard let function = pointee.function else { return runPortable(units, scratch, thread) }
    guard !units.isEmpty else { return }
    function(
      pointee.operands + thread * pointee.operandStride, units.lowerBound, units.upperBound,
      scratch[thread].native)
  }

  @inline(never)
  private func runPortable(
    _ units: Range<Int>, _ scratch: UnsafeMutablePointer<ThreadScratch>, _ thread: Int
  ) {
    guard let portable = pointee.portable else { return }
    let operands = pointee.operands + thread * pointee.operandStride
    switch portable.pointee {
    case .loop(let loop): loop.run(units, scratch[thread], operands)
    case .contraction(var contraction):
      contraction.machine = contraction.machine.with(scratch[thread], operands)
      contraction.run(units)
    case .scatter(let scatter): if !units.isEmpty { scatter.run() }
    case .sort(let sort): sort.run(units, scratch[thread])
    case .copy(let from, let to, let byteCount):
      if !units.isEmpty { to.copyMemory(from: from, byteCount: byteCount) }
    case .strips(let strips): strips.run(units, operands, scratch, thread)
    }
  }
}

extension PoisonPlan {
  /// Marks the bytes behind what is about to be written.
  func prepare() {
    fill(redZone, Poison.redZone)
  }

  /// Checks those bytes and fills what is dead now with NaN.
  func finish() {
    let words = redZone.bindMemory(to: UInt8.self)
    for index in words.indices {
      precondition(
        words[index] == UInt8(truncatingIfNeeded: Poison.redZone >> UInt32(8 * (index % 4))),
        "a kernel wrote \(index) bytes beyond its buffer")
    }
    for index in 0..<deadCount { fill(dead[index], Poison.dead) }
  }

  private func fill(_ bytes: UnsafeMutableRawBufferPointer, _ pattern: UInt32) {
    for index in bytes.indices {
      bytes[index] = UInt8(truncatingIfNeeded: pattern >> UInt32(8 * (index % 4)))
    }
  }
}

import DescentCodegen
import DescentGraph

/// Turns a program's kernels, part by part, into flat steps over given memory.
struct StepBuilder {
  let program: Program
  let slices: [[[Range<Int>]]]
  /// The parts of all kernels.
  private let parts: [Part]
  let code: ExecutableMemory?
  let bases: [UnsafeMutableRawPointer]
  private let threadCount: Int
  private(set) var allocations: [UnsafeMutableRawPointer] = []
  private(set) var steps: UnsafeMutablePointer<ExecutableStep>
  private(set) var scratch: UnsafeMutablePointer<ThreadScratch>
  private(set) var poison: UnsafeMutablePointer<PoisonPlan>?
  let faults = FaultCell()
  /// For each step the first at or behind it that threads share, or the number of steps.
  private var nextShared: [Int] = []

  /// What is run by itself: the number of its kernel, its own within that, and that of its first piece of code.
  private struct Part {
    let kernel: Int
    let number: Int
    let piece: Int
    let part: Kernel
  }

  init(
    program: Program, slices: [[[Range<Int>]]], code: ExecutableMemory?,
    bases: [UnsafeMutableRawPointer]
  ) {
    self.program = program
    self.slices = slices
    self.code = code
    self.bases = bases
    var piece = 0
    parts = program.kernels.enumerated().flatMap { index, kernel in
      kernel.parts.enumerated().map { number, part in
        defer { piece += part.pieces.count }
        return Part(kernel: index, number: number, piece: piece, part: part)
      }
    }
    steps = .allocate(capacity: max(1, parts.count))
    // However many threads were allowed, memory is needed only for those with work.
    threadCount = slices.joined().reduce(1) { max($0, $1.count) }
    scratch = .allocate(capacity: threadCount)
    allocations = [UnsafeMutableRawPointer(steps), UnsafeMutableRawPointer(scratch)]
    allocateScratch()
    nextShared = Array(repeating: parts.count, count: parts.count)
    for index in parts.indices.reversed() {
      let isLast = index + 1 == parts.count
      nextShared[index] = isShared(index) ? index : isLast ? parts.count : nextShared[index + 1]
    }
    for index in parts.indices { (steps + index).initialize(to: makeStep(index)) }
    if program.isPoisoned { makePoison() }
  }

  var stepCount: Int { parts.count }

  /// The steps of the preparation, which come first, and those of a run.
  var spans: (preparation: StepSpan, run: StepSpan) {
    let count = preparationStepCount
    return (span(0..<count), span(count..<parts.count))
  }

  private var preparationStepCount: Int {
    parts.firstIndex { $0.kernel >= program.preparationCount } ?? parts.count
  }

  /// The first step of the first kernel that changes a state, or the number of steps.
  var commitStep: Int {
    parts.firstIndex { $0.kernel == program.commitKernel } ?? parts.count
  }

  private mutating func allocate<T>(_ elements: [T]) -> UnsafeMutablePointer<T> {
    let memory = UnsafeMutablePointer<T>.allocate(capacity: max(1, elements.count))
    memory.initialize(from: elements, count: elements.count)
    allocations.append(UnsafeMutableRawPointer(memory))
    return memory
  }

  private mutating func allocateScratch() {
    let slots = program.code.joined().reduce(1) { max($0, $1.slotCount) }
    let pieces = parts.flatMap(\.part.pieces)
    let partials = pieces.reduce(64) { max($0, $1.partialBytes) }
    let locals = pieces.reduce(64) { most, piece in
      guard case .loop(let loop) = piece.body else { return most }
      return max(most, loop.localOffsets.last ?? 0)
    }
    for thread in 0..<threadCount {
      let raw = { (byteCount: Int) in
        UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 64)
      }
      let memory = [
        raw(slots * BlockMachine.slotBytes), raw(BlockMachine.blockSize * 8),
        raw(2 * Shape.maximumRank * 8), raw(partials),
        raw(max(64, program.native?.scratchBytes ?? 0)), raw(locals),
      ]
      allocations += memory
      (scratch + thread).initialize(
        to: ThreadScratch(
          slots: memory[0], addresses: memory[1].assumingMemoryBound(to: Int.self),
          places: memory[2].assumingMemoryBound(to: Int.self), partials: memory[3],
          native: memory[4], locals: memory[5]))
    }
  }

  private func address(of buffer: BufferID) -> UnsafeMutableRawPointer {
    let place = program.memory.placements[buffer]
    return bases[place.segment.rawValue] + place.offset
  }

  /// Whether several threads work on a step.
  private func isShared(_ index: Int) -> Bool {
    slices[parts[index].kernel][parts[index].number].count > 1
  }

  private func span(_ steps: Range<Int>) -> StepSpan {
    guard let first = steps.first(where: isShared), let last = steps.last(where: isShared) else {
      return StepSpan(steps: steps, shared: 0..<0)
    }
    return StepSpan(steps: steps, shared: first..<last + 1)
  }

  private mutating func makeStep(_ index: Int) -> ExecutableStep {
    let part = parts[index]
    let own = slices[part.kernel][part.number]
    let work: Work
    if case .strips(let strips) = part.part.body {
      let operands = makeOperands(part.part)
      work = Work(
        function: nil, operands: operands,
        portable: .strips(makeStrips(strips, part.part, part.piece)))
    } else {
      work = makeWork(part.part, part.piece)
    }
    return ExecutableStep(
      function: work.function, portable: work.portable.map { allocate([$0]) },
      operands: work.operands.first, operandStride: work.operands.stride, slices: allocate(own),
      sliceCount: own.count, kernel: part.kernel, isFirst: part.number == 0,
      meetsBefore: index > 0 && index != preparationStepCount && isShared(index - 1)
        && (part.number == 0 && program.startsWave[part.kernel] || !isShared(index)
          || program.isPoisoned),
      nextShared: nextShared[index])
  }

  /// The addresses of a kernel's operands: those of thread 0, and how far behind them the next thread's are.
  private struct OperandTable {
    var first: UnsafeMutablePointer<UnsafeMutableRawPointer>
    var stride: Int
  }

  /// What runs a kernel, and on what.
  private struct Work {
    var function: KernelFunction?
    var operands: OperandTable
    var portable: ExecutableStep.Portable?
  }

  /// Returns what runs a piece of code.
  private mutating func makeWork(_ kernel: Kernel, _ piece: Int) -> Work {
    let operands = makeOperands(kernel)
    let function = program.native?.kernels[piece].flatMap { code?.entry(at: $0.offset) }
    return Work(
      function: function, operands: operands,
      portable: function == nil ? makePortable(kernel, piece, operands.first) : nil)
  }

  /// Returns the addresses of a kernel's operands, behind those of its locals, of which each thread has its own.
  private mutating func makeOperands(_ kernel: Kernel) -> OperandTable {
    let shared =
      kernel.operands.map { address(of: $0.buffer) + $0.bytes.lowerBound } + [faults.address]
    var locals: [Int] = []
    var distances = [Int](repeating: 0, count: shared.count)
    switch kernel.body {
    case .loop(let loop): locals = loop.localOffsets.dropLast().reversed()
    case .strips(let strips): distances = strips.threadStrides + [0]
    case .bundle, .contraction, .scatter, .sort, .copy: break
    }
    guard !locals.isEmpty || distances.contains(where: { $0 > 0 }) else {
      return OperandTable(first: allocate(shared), stride: 0)
    }
    let all = (0..<threadCount).flatMap { thread in
      locals.map { scratch[thread].locals + $0 }
        + zip(shared, distances).map { $0 + thread * $1 }
    }
    return OperandTable(
      first: allocate(all) + locals.count, stride: locals.count + shared.count)
  }

  /// Returns what runs kernels strip by strip: each thread has tables of its own, which each strip sets anew.
  private mutating func makeStrips(
    _ strips: StripKernel, _ kernel: Kernel, _ piece: Int
  ) -> StripSteps {
    let pieces = kernel.pieces
    let stages = strips.stages.enumerated().map { number, stage in
      var work = makeWork(pieces[number], piece + number)
      if work.operands.stride == 0 {
        let count = pieces[number].operands.count + 1
        let shared = (0..<count).map { work.operands.first[$0] }
        work.operands = OperandTable(
          first: allocate((0..<threadCount).flatMap { _ in shared }), stride: count)
      }
      let isNative = work.function != nil
      let grid = (isNative ? program.native?.kernels[piece + number]?.grid : nil) ?? stage.grid
      let step = ExecutableStep(
        function: work.function, portable: work.portable.map { allocate([$0]) },
        operands: work.operands.first, operandStride: work.operands.stride,
        slices: allocate((0..<threadCount).map { _ in 0..<grid.units }), sliceCount: threadCount,
        kernel: 0, isFirst: false, meetsBefore: false, nextShared: 0)
      return StripSteps.Stage(
        step: allocate([step]), operands: allocate(stage.operands.map(\.position)),
        operandCount: stage.operands.count,
        strides: allocate(
          stage.operands.flatMap { operand in
            strips.isLocal(operand.position) ? operand.strides.map { _ in 0 } : operand.strides
          }))
    }
    return StripSteps(
      counts: allocate(strips.counts), rank: strips.counts.count, stages: allocate(stages),
      stageCount: stages.count)
  }

  private mutating func makePortable(
    _ kernel: Kernel, _ piece: Int,
    _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) -> ExecutableStep.Portable {
    let machines = program.code[piece].map { machine($0, operands) }
    switch kernel.body {
    case .loop(let loop): return .loop(makeLoop(loop, machines))
    case .contraction(let contraction):
      return .contraction(
        PortableContraction(
          extents: contraction.extents, chunk: contraction.chunk,
          left: makeFactor(contraction.left),
          right: makeFactor(contraction.right),
          margins: contraction.margins.map { makeMargins($0, terms: contraction.extents.k) },
          stores: allocate(contraction.stores), storeCount: contraction.stores.count,
          hasEpilogue: !contraction.isPlain, machine: machines[0]))
    case .scatter(let scatter):
      return .scatter(PortableScatter(kernel: scatter, operands: operands, faults: faults))
    case .sort(let sort): return .sort(PortableSort(kernel: sort, operands: operands))
    case .bundle, .strips: preconditionFailure("\(kernel.name) is run part by part")
    case .copy(let byteCount):
      return .copy(from: operands[0], to: operands[1], byteCount: byteCount)
    }
  }

  private mutating func makeFactor(
    _ factor: ContractionKernel.Factor
  ) -> PortableContraction.Factor {
    let layout = factor.layout
    return PortableContraction.Factor(
      operand: factor.operand,
      batch: allocate(FactorLayout.distances(layout.batch)),
      kept: allocate(FactorLayout.distances(layout.kept).map { layout.offset + $0 }),
      summed: allocate(FactorLayout.distances(layout.summed)))
  }

  private mutating func makeMargins(_ margins: WindowMargins, terms: Int) -> PortableMargins {
    let images = terms / max(1, margins.windowsOfImage)
    let missing = Array(
      repeating: WindowMargins.Axis(
        windows: 1, elements: 1, stride: 1, dilation: 1, low: 0, extent: 1),
      count: Convolution.spatialRanks.upperBound - margins.axes.count)
    let axes = (missing + margins.axes).map { axis in
      PortableMargins.Axis(
        windows: axis.windows, elements: axis.elements,
        inside: allocate((0..<axis.windows).map(axis.inside)),
        finding: allocate((0..<axis.elements).map(axis.windows(finding:))))
    }
    let terms = margins.sumsWindows ? 0 : terms
    return PortableMargins(
      sumsWindows: margins.sumsWindows, images: images, axes: (axes[0], axes[1], axes[2]),
      channels: margins.channels,
      rows: allocate((0..<ContractionKernel.rowsPerUnit).map { $0 * terms }),
      terms: allocate(Array(0..<terms)))
  }

  private mutating func makeLoop(_ loop: LoopKernel, _ machines: [BlockMachine]) -> PortableLoop {
    let stages = zip(loop.stages, machines).map { stage, machine in
      PortableLoop.Stage(
        isSweep: stage.isSweep, machine: machine, stores: allocate(stage.stores),
        storeCount: stage.stores.count, accumulations: allocate(stage.accumulations),
        accumulationCount: stage.accumulations.count, taps: allocate(stage.taps),
        tapCount: stage.taps.count)
    }
    let (outer, extent, inner) = loop.view
    return PortableLoop(
      loopClass: loop.loopClass, outer: outer, extent: extent, inner: inner,
      stages: allocate(stages), stageCount: stages.count, locals: allocate(loop.locals),
      localCount: loop.locals.count, hasLines: loop.locals.contains { $0.isLine },
      rowsPerChunk: loop.rowsPerChunk, rowsPerUnit: loop.rowsPerUnit)
  }

  private mutating func machine(
    _ code: PortableCode, _ operands: UnsafeMutablePointer<UnsafeMutableRawPointer>
  ) -> BlockMachine {
    BlockMachine(
      instructions: allocate(code.instructions), instructionCount: code.instructions.count,
      accesses: allocate(code.accesses), domain: allocate(code.domain), rank: code.domain.count,
      results: allocate(code.results), operands: operands, scratch: scratch[0], faults: faults,
      core: operands[0])
  }

  private mutating func makePoison() {
    var lastUse = [Int](repeating: -1, count: program.buffers.count)
    for (index, part) in parts.enumerated() {
      for operand in part.part.operands { lastUse[operand.buffer] = index }
    }
    let plans = parts.indices.map { index -> PoisonPlan in
      let operands = parts[index].part.operands
      let written = operands.filter { $0.access != .read }.map(\.buffer)
      let dead = Set(operands.map(\.buffer)).sorted().filter { buffer in
        isTemporary(buffer) && lastUse[buffer] == index
          && !written.contains { $0 != buffer && sharesMemory($0, buffer) && lastUse[$0] > index }
      }
      let ranges = dead.map { bytes(of: $0) }
      return PoisonPlan(
        dead: allocate(ranges), deadCount: ranges.count,
        redZone: written.first { isTemporary($0) }.map { redZone(behind: $0) }
          ?? UnsafeMutableRawBufferPointer(start: nil, count: 0))
    }
    poison = allocate(plans)
  }

  private func isTemporary(_ buffer: BufferID) -> Bool {
    program.memory.placements[buffer].segment == .arena
  }

  private func sharesMemory(_ a: BufferID, _ b: BufferID) -> Bool {
    isTemporary(a) && program.memory.placements[a].offset == program.memory.placements[b].offset
  }

  private func bytes(of buffer: BufferID) -> UnsafeMutableRawBufferPointer {
    UnsafeMutableRawBufferPointer(
      start: address(of: buffer), count: program.memory.placements[buffer].byteCount)
  }

  private func redZone(behind buffer: BufferID) -> UnsafeMutableRawBufferPointer {
    let byteCount = program.memory.placements[buffer].byteCount
    return UnsafeMutableRawBufferPointer(
      start: address(of: buffer) + byteCount,
      count: MemoryPlan.aligned(byteCount) - byteCount + MemoryPlan.redZone)
  }
}

extension Kernel {
  /// The scratch memory for partial results that a thread needs, in bytes.
  fileprivate var partialBytes: Int {
    switch body {
    case .loop(let loop): PortableLoop.scratchBytes(loop)
    case .contraction(let kernel): PortableContraction.scratchBytes(kernel)
    case .bundle, .strips: preconditionFailure("\(name) is run part by part")
    case .sort(let sort): PortableSort.scratchBytes(sort)
    case .scatter, .copy: 0
    }
  }
}

extension NDArray {
  /// Copies the elements to memory, each truth value as a byte.
  func copyBytes(to target: UnsafeMutableRawPointer) {
    func copy<T: BitwiseCopyable>(_ elements: [T]) {
      elements.withUnsafeBytes { bytes in
        guard let base = bytes.baseAddress else { return }
        target.copyMemory(from: base, byteCount: bytes.count)
      }
    }
    switch storage {
    case .f32(let elements): copy(elements)
    case .f64(let elements): copy(elements)
    case .i32(let elements): copy(elements)
    case .i64(let elements): copy(elements)
    case .u8(let elements): copy(elements)
    case .bool(let elements): copy(elements)
    }
  }

  /// Creates an array from memory.
  init(bytes: UnsafeMutableRawPointer, type: TensorType) {
    let count = type.shape.count
    func read<T>(_ type: T.Type) -> [T] {
      Array(UnsafeBufferPointer(start: bytes.assumingMemoryBound(to: T.self), count: count))
    }
    let storage: Storage =
      switch type.dataType {
      case .f32: .f32(read(Float.self))
      case .f64: .f64(read(Double.self))
      case .i32: .i32(read(Int32.self))
      case .i64: .i64(read(Int64.self))
      case .u8: .u8(read(UInt8.self))
      case .bool: .bool(read(UInt8.self).map { $0 != 0 })
      }
    self.init(storage, dimensions: type.shape.dimensions)
  }
}

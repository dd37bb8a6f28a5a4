import DescentGraph

/// A stage of a loop kernel with its instructions, and where they find memory.
struct NativeStage {
  let stage: LoopKernel.Stage
  let emitter: VectorEmitter
  /// The addresses the stage needs: of its streams, then of its stores; nil for streams that are no operands.
  private(set) var pointers: [Pointer?]
  /// Which address each of them is found from, numbered without gaps, and how many bytes behind it.
  private(set) var origins: [Origin]
  /// What is asked for ahead of its use.
  private(set) var prefetches: [Prefetch] = []
  /// Where the values of each accumulation gather.
  let accumulators: Accumulators
  /// The accumulation whose NaNs are gathered apart, in `gatheredNaNs`.
  ///
  /// To look at what was gathered before each meeting would take longer than the meeting.
  let apart: Int?
  /// The lanes, of whatever vector, in which that accumulation has met a NaN.
  static let gatheredNaNs: Register = .k(6)
  /// Three vector registers that hold nothing between programs.
  let temporaries: [Int]
  /// The vector registers of taps.
  let taps: [Int]

  /// An address that others are found from.
  struct Origin: Hashable {
    var number: Int
    var distance: Int
  }

  /// An address that moves with the places.
  struct Pointer: Hashable {
    /// The kernel operand, or local.
    var operand: Int
    /// The bytes before the element at the domain's first place.
    var offset: Int
    /// The bytes between neighbours along each axis of the domain.
    var strides: [Int]
    /// The bytes of an element.
    var size: Int
    /// Whether all places of a vector have the same element.
    var isSplat: Bool
    /// The bytes between rows of a column sweep that are neighbours along the last reduced axis.
    var rowBytes: Int
    /// Whether the memory begins at the unit's block of columns.
    var isOfBlock: Bool
    /// Where along each axis but the last there are elements at all.
    ///
    /// If a unit is elsewhere, the address is the operand's own. Under a mask nothing would be read from beyond the
    /// operand, but processors take hundreds of cycles to leave out what lies on no page.
    var guards: [Access.Guard] = []
  }

  /// Memory that is asked for while vectors of a line are worked on.
  struct Prefetch {
    /// The number of the address.
    var pointer: Int
    /// How many bytes behind it.
    var distance: Int
  }

  /// Where values gather during a sweep.
  enum Accumulators {
    case none
    /// In registers: those of accumulation a, vector v begin at a number and go down.
    case registers(highest: Int)
    /// In scratch memory.
    case memory
  }

  /// The registers that hold addresses; those beyond lie in the frame.
  static let bases = [8, 9, 10, 11, 12, 13, 14, 15, 3, 6, 2]

  /// Selects instructions, or nothing where that is not possible.
  init?(_ stage: LoopKernel.Stage, of kernel: LoopKernel, isWide: Bool) {
    let count = stage.accumulations.count
    let meetings = stage.accumulations + stage.taps
    let kept = stage.kept.map { stage.program.types[Int($0)] }
    let accumulated = Array(kept[stage.stores.count...])
    guard count <= (isWide ? 12 : 5), accumulated.filter({ $0 == .bool }).count <= 4,
      let selection = InstructionSelection(
        stage.program, kept: stage.kept, domain: kernel.domain(of: stage), isWide: isWide)
    else { return nil }
    for (accumulation, type) in zip(meetings, accumulated)
    where !NativeCombination.exists(accumulation.kind, type) { return nil }
    let isRow = kernel.loopClass == .row
    let vectors = 64 / (isWide ? 16 : 8)
    // The last register is a temporary of stores, or AVX2's tail.
    let top = isWide ? 30 : 14
    var available = VectorEmitter.vectors(for: selection).count
    // What is left of the registers when the last and the temporaries are taken.
    if !meetings.isEmpty { available = top - 2 - stage.taps.count }
    if count > 0 {
      if !isRow {
        available -= count
        accumulators = .registers(highest: top - 3)
      } else if isWide, count * vectors <= 16 {
        available -= count * vectors
        accumulators = .registers(highest: top - 3 - stage.taps.count)
      } else {
        accumulators = .memory
      }
    } else {
      accumulators = .none
    }
    // No instruction reads more than three registers, and what accumulates stays in its own.
    guard available >= meetings.count + 3 else { return nil }
    temporaries = [top, top - 1, top - 2]
    taps = stage.taps.indices.map { top - 3 - $0 }
    self.stage = stage
    let extremes = meetings.indices.filter { index in
      NativeCombination(kind: meetings[index].kind, type: accumulated[index], isWide: isWide)
        .takesSecondOfNaNs
    }
    let gathered = extremes.filter { $0 < count }
    if isWide, isRow, gathered.count == 1, case .registers = accumulators {
      apart = gathered[0]
    } else {
      apart = nil
    }
    var taken: [Register] = apart == nil ? [] : [NativeStage.gatheredNaNs]
    // Truth values that the program leaves wait for their turn while extremes meet.
    if !extremes.isEmpty, accumulated.contains(.bool) {
      taken.append(NativeCombination.scratchMask)
    }
    let masks = VectorEmitter.masks.filter { number in !taken.contains { $0.number == number } }
    emitter = VectorEmitter(
      selection, stores: stage.stores.count,
      // At places of its own an element is stored where nothing lies, or what was read once for its sake.
      early: Set(stage.stores.indices.filter { stage.stores[$0].access != nil }),
      vectors: (0..<available).map { UInt8($0) },
      masks: masks,
      hoisting: NativeStage.hoisting(stage, of: kernel, width: isWide ? 16 : 8),
      inPairs: NativeStage.mayPair(stage, of: kernel, selection))
    let loads = selection.streams.map { stream -> Pointer? in
      guard case .element(let operand, let access, let type) = stream else { return nil }
      return Pointer(operand: operand, access: access, type: type, kernel)
    }
    let stores = zip(stage.stores, kept).map { store, type -> Pointer? in
      store.access.map { Pointer(operand: store.operand, access: $0, type: type, kernel) }
        ?? Pointer(storing: type, to: store.operand, in: stage, of: kernel)
    }
    pointers = loads + stores
    origins = NativeStage.origins(of: pointers, areShared: kernel.loopClass == .map)
    guard pointers.allSatisfy({ abs($0?.rowBytes ?? 0) < 1 << 27 }) else { return nil }
  }

  /// Numbers addresses; those that stay equally far apart, such as of a tile's elements, may be found from one.
  private static func origins(of pointers: [Pointer?], areShared: Bool) -> [Origin] {
    guard areShared else { return pointers.indices.map { Origin(number: $0, distance: 0) } }
    var leaders: [Pointer: (number: Int, offset: Int)] = [:]
    var count = 0
    return pointers.map { pointer in
      guard var key = pointer else { return Origin(number: -1, distance: 0) }
      let offset = key.offset
      key.offset = 0
      if let leader = leaders[key], abs(offset - leader.offset) < farthest {
        return Origin(number: leader.number, distance: offset - leader.offset)
      }
      if leaders[key] == nil { leaders[key] = (count, offset) }
      count += 1
      return Origin(number: count - 1, distance: 0)
    }
  }

  /// How far apart addresses may be of which one is found from the other.
  private static let farthest = 1 << 30

  /// The addresses that others are found from, by their numbers.
  var leaders: [(number: Int, pointer: Pointer)] {
    var next = 0
    return zip(pointers, origins).compactMap { pointer, origin in
      guard let pointer, origin.number >= next else { return nil }
      next = origin.number + 1
      return (origin.number, pointer)
    }
  }

  /// What to do before the loop over a line's vectors, if there are enough of them to make up for it.
  private static func hoisting(
    _ stage: LoopKernel.Stage, of kernel: LoopKernel, width: Int
  ) -> LoopSplit.Hoisting {
    let vectors = (kernel.domain(of: stage).last ?? 1) / width
    guard vectors >= 4 || kernel.stages.count == 1 && vectors >= 2 else { return .nothing }
    // A column sweep visits several rows between the vectors of one.
    return kernel.loopClass == .column ? .constants : .row
  }

  /// Whether the place in memory is all that distinguishes neighbouring vectors.
  ///
  /// Taps have registers for one vector, columns visit several rows at once instead.
  private static func mayPair(
    _ stage: LoopKernel.Stage, of kernel: LoopKernel, _ selection: InstructionSelection
  ) -> Bool {
    let last = kernel.domain.count - 1
    return kernel.loopClass != .column && stage.isSweep && stage.taps.isEmpty
      && selection.streams.allSatisfy {
        switch $0 {
        case .element: true
        case .place(let axis): axis != last
        case .core, .faults: false
        }
      }
  }

  /// Asks, with each vector of this sweep, for a vector of what another reads first of the line after the next.
  mutating func prefetch(
    linesOf other: NativeStage, notOf earlier: some Sequence<NativeStage>, after axis: Int,
    in kernel: LoopKernel
  ) {
    let known = Set(earlier.flatMap { $0.pointers.compactMap { $0?.operand } })
    let streams = other.emitter.selection.streams.indices
    for case .some(let pointer) in other.pointers[streams]
    where pointer.operand >= 0 && !known.contains(pointer.operand) && !pointer.isSplat
      && pointer.strides[axis] != 0
    {
      let lineBytes = (kernel.domain.last ?? 1) * pointer.size
      guard abs(pointer.strides[axis]) >= lineBytes,
        abs(pointer.strides[axis]) < 1 << 24,
        kernel.domain.reduce(pointer.size, *) >= NativeStage.prefetchedByteCount
      else { continue }
      let known = pointers[..<emitter.selection.streams.count].firstIndex { $0 == pointer }
      let index = known ?? pointers.count
      guard index < NativeStage.bases.count else { continue }
      if known == nil {
        pointers.append(pointer)
        origins.append(Origin(number: index, distance: 0))
      }
      prefetches.append(Prefetch(pointer: index, distance: 2 * pointer.strides[axis]))
    }
  }

  /// Asks, with each vector of a column sweep, for one of a row some way behind.
  mutating func prefetchRows(of kernel: LoopKernel) {
    // Few rows are soon over: what comes behind them is the next unit's.
    let isShort = kernel.view.extent <= FusionGroup.mostRowsSweptAgain
    let bytes = isShort ? NativeStage.shortColumnsAhead : NativeStage.rowsAhead
    for index in emitter.selection.streams.indices {
      guard let pointer = pointers[index], pointer.operand >= 0, !pointer.isSplat,
        pointer.rowBytes > 0, index < NativeStage.bases.count,
        kernel.domain.reduce(pointer.size, *) >= NativeStage.prefetchedByteCount
      else { continue }
      let rows = (bytes + pointer.rowBytes - 1) / pointer.rowBytes
      prefetches.append(Prefetch(pointer: index, distance: rows * pointer.rowBytes))
    }
  }

  /// Asks, with each vector of a map that reads only where elements exist, for one some way behind: processors do not
  /// foresee loads under a mask.
  mutating func prefetchGuardedLines(of kernel: LoopKernel) {
    guard kernel.domain.indices.contains(where: stage.program.guards) else { return }
    for index in emitter.selection.streams.indices {
      guard let pointer = pointers[index], !pointer.isSplat, origins[index].distance == 0,
        origins[index].number < NativeStage.bases.count,
        kernel.domain.reduce(pointer.size, *) >= NativeStage.prefetchedByteCount
      else { continue }
      prefetches.append(Prefetch(pointer: index, distance: NativeStage.rowsAhead))
    }
  }

  /// How many bytes ahead the rows of columns are asked for.
  private static let rowsAhead = 4096
  private static let shortColumnsAhead = 8192
  /// From this size on memory is not in the second-level cache anyway.
  private static let prefetchedByteCount = 1 << 20

  /// The addresses of streams and stores, and of the accumulators of a column sweep or of taps.
  var pointerCount: Int { pointers.count + max(stage.accumulations.count, stage.taps.count) }

  /// The rows a column sweep visits at a time: fewer where the program is long.
  var rowsAtOnce: Int {
    switch stage.program.instructions.count {
    case ...24: 4
    case ...60: 2
    default: 1
    }
  }
}

extension NativeStage.Pointer {
  fileprivate init(operand: Int, access: Access, type: DataType, _ kernel: LoopKernel) {
    let isOfBlock = operand < 0 && !kernel.locals[-1 - operand].isLine
    self.init(
      operand: operand, offset: access.offset * type.byteCount, elements: access.strides,
      type: type, isOfBlock: isOfBlock, kernel)
    guards = access.guards.filter { $0.axis != kernel.domain.count - 1 }
  }

  fileprivate init(
    storing type: DataType, to operand: Int, in stage: LoopKernel.Stage, of kernel: LoopKernel
  ) {
    let domain = kernel.domain(of: stage)
    var strides = [Int](repeating: 0, count: domain.count)
    var stride = 1
    for axis in domain.indices.reversed() {
      // A row's single element is stored once, whatever the place along it.
      let isFixed = !stage.isSweep && kernel.reduced.contains(axis)
      strides[axis] = isFixed ? 0 : stride
      stride *= domain[axis]
    }
    let isOfBlock = operand < 0 && !kernel.locals[-1 - operand].isLine
    if operand < 0, !isOfBlock {
      for axis in strides.indices where !kernel.reduced.contains(axis) { strides[axis] = 0 }
    }
    self.init(
      operand: operand, offset: 0, elements: strides, type: type, isOfBlock: isOfBlock, kernel)
  }

  private init(
    operand: Int, offset: Int, elements: [Int], type: DataType, isOfBlock: Bool,
    _ kernel: LoopKernel
  ) {
    self.operand = operand
    self.offset = offset
    size = type.byteCount
    self.isOfBlock = isOfBlock
    isSplat = (elements.last ?? 0) == 0
    let size = size
    rowBytes =
      kernel.loopClass == .column ? elements[kernel.reduced.upperBound - 1] * size : 0
    // Memory of a block has no places but those along the vector axis.
    strides = isOfBlock ? [] : elements.map { $0 * size }
  }
}

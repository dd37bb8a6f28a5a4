import DescentGraph

/// What happens to a contraction's sums, and where it finds what it reads and stores.
struct ContractionEpilogue {
  /// What a stream is, and how it moves: distances in elements, or in places along an axis.
  struct Stream {
    enum Kind {
      /// An element of an operand.
      case element(operand: Int, offset: Int)
      /// A vector's first place along an axis.
      case place
      /// A tile's sums, where they lie in memory.
      case sums
      /// The address of the cell that takes faults, at this place among those of the operands.
      case faults(operand: Int)
    }

    let kind: Kind
    let byteCount: Int
    let steps: ContractionSteps
    /// The register of its address while a tile is finished; nil where that waits in the frame.
    let base: Register?

    /// Whether it is reached from an address of its own.
    var moves: Bool {
      switch kind {
      case .element, .place: true
      case .sums, .faults: false
      }
    }
  }

  let emitter: VectorEmitter
  /// Whether a tile's sums are all put in memory before they are finished, rather than each vector where it is.
  ///
  /// Sums leave few registers. A program that needs more runs faster over memory in the first-level cache, with all
  /// registers, than with values that come and go. Two vectors at once were not faster than one after the other.
  let readsSums: Bool
  /// Whether the sums in memory are finished while the next products are taken, row by row between terms.
  ///
  /// Divisions and roots take long, and leave the multipliers free meanwhile.
  let isDeferred: Bool
  /// What the program reads, then what it stores.
  let streams: [Stream]
  /// How the elements of each stream are asked for ahead of a tile, if they are.
  private let prefetches: [Mnemonic?]
  /// Whether all that is asked for is more than stays in second-level caches.
  let asksForMuch: Bool
  /// Whether results pass the caches by.
  ///
  /// What a long program stores comes too slowly for that, a few bytes of each of many lines far apart.
  let streamsResults: Bool
  var spillBytes: Int { emitter.spillBytes }

  /// The most instructions that finish sums where they are, though registers would do for more: its constants are
  /// fetched for every vector, and its values wait for each other.
  private static let longProgram = 16

  /// The registers that hold the streams' addresses while a tile is finished; the loops' variables lie in the frame.
  private static let bases = [12, 13, 14, 15, 3, 8, 9, 1, 6, 7].map(Register.gpr)

  /// Creates an epilogue, or nothing where it needs what no instruction here does.
  ///
  /// While there are sums in registers it has the others, `vectors`. Results may pass the caches by if their vectors
  /// are whole and aligned; if they do not, they may be asked for ahead.
  init?(
    _ kernel: ContractionKernel, _ problem: ContractionProblem, faultCell: Int, isWide: Bool,
    vectors: [UInt8], mayBeDeferred: Bool, mayStream: Bool, asksForResults: Bool
  ) {
    // Vectors run along the last axis of the domain.
    guard problem.n == 1 || kernel.domain.last != 1 else { return nil }
    func select(inMemory: Bool) -> InstructionSelection? {
      InstructionSelection(
        kernel.epilogue, kept: kernel.stores.map(\.register), domain: kernel.domain,
        isCoreInMemory: inMemory, isWide: isWide)
    }
    func streams(
      _ selection: InstructionSelection, bases: [Register] = ContractionEpilogue.bases
    ) -> [Stream]? {
      ContractionEpilogue.streams(
        of: selection, kernel, problem, faultCell: faultCell, bases: bases[...])
    }
    if mayBeDeferred, let selection = select(inMemory: true),
      ContractionEpilogue.divides(selection),
      vectors.count >= ContractionEpilogue.fewestVectors(selection)
    {
      let emitter = VectorEmitter(
        selection, stores: kernel.stores.count, vectors: vectors, masks: [])
      if emitter.spillBytes == 0 {
        guard let streams = streams(selection, bases: []) else { return nil }
        self.init(
          emitter, streams, problem, readsSums: true, isDeferred: true, streamsResults: false,
          asksForResults)
        return
      }
    }
    if kernel.epilogue.instructions.count <= ContractionEpilogue.longProgram {
      guard let selection = select(inMemory: false) else { return nil }
      // What stores bytes works in registers that its values must leave alone.
      let free = Set(VectorEmitter.vectors(for: selection))
      let own = vectors.filter { free.contains($0) }
      if own.count >= ContractionEpilogue.fewestVectors(selection) {
        let inPlace = VectorEmitter(selection, stores: kernel.stores.count, vectors: own)
        if inPlace.spillBytes == 0 {
          guard let streams = streams(selection) else { return nil }
          self.init(
            inPlace, streams, problem, readsSums: false, isDeferred: false,
            streamsResults: mayStream, asksForResults)
          return
        }
      }
    }
    guard let selection = select(inMemory: true), let streams = streams(selection) else {
      return nil
    }
    let emitter = VectorEmitter(
      selection, stores: kernel.stores.count, vectors: VectorEmitter.vectors(for: selection),
      hoisting: .constants)
    self.init(
      emitter, streams, problem, readsSums: true, isDeferred: false, streamsResults: false,
      asksForResults)
  }

  private init(
    _ emitter: VectorEmitter, _ streams: [Stream], _ problem: ContractionProblem, readsSums: Bool,
    isDeferred: Bool, streamsResults: Bool, _ asksForResults: Bool
  ) {
    self.emitter = emitter
    self.streams = streams
    self.readsSums = readsSums
    self.isDeferred = isDeferred
    self.streamsResults = streamsResults
    prefetches = streams.enumerated().map { index, stream in
      guard case .element = stream.kind, stream.steps.row != 0, stream.steps.column == 1 else {
        return nil
      }
      if index < emitter.selection.streams.count { return .prefetcht0 }
      return asksForResults && !streamsResults ? .prefetchw : nil
    }
    let bytes = zip(streams, prefetches).reduce(0) { $0 + ($1.1 == nil ? 0 : $1.0.byteCount) }
    asksForMuch = bytes * problem.batch * problem.m * problem.n > problem.level2 / 2
  }

  /// Returns whether a program divides or takes roots, needs nothing but vectors, addresses and sums for it, and stores
  /// 32-bit elements.
  private static func divides(_ selection: InstructionSelection) -> Bool {
    selection.operations.contains { [.vdivps, .vsqrtps].contains($0.mnemonic) }
      && selection.banks.allSatisfy { $0 == .vector }
      && selection.resultTypes.allSatisfy { $0.byteCount == 4 }
      && selection.streams.allSatisfy { stream in
        switch stream {
        case .element, .core: true
        case .place, .faults: false
        }
      }
  }

  /// Returns what a program reads and stores, or nothing where tiles do not reach it.
  private static func streams(
    of selection: InstructionSelection, _ kernel: ContractionKernel,
    _ problem: ContractionProblem, faultCell: Int, bases: ArraySlice<Register>
  ) -> [Stream]? {
    let (domain, rank) = (kernel.domain, kernel.domain.count)
    var streams: [Stream] = []
    var (bases, sums) = (bases, bases.isEmpty ? nil : Register.gpr(10))
    let append = { (kind: Stream.Kind, byteCount: Int, strides: [Int]) -> Bool in
      guard let steps = ContractionSteps(strides, over: domain, problem),
        // Rows of a tile are reached by displacements of 32 bits.
        abs(steps.row) <= 1 << 24, steps.column == 0 || steps.column == 1
      else { return false }
      let base: Register? =
        switch kind {
        case .element, .place: bases.popFirst()
        case .sums: sums
        case .faults: nil
        }
      streams.append(Stream(kind: kind, byteCount: byteCount, steps: steps, base: base))
      return true
    }
    let still = Array(repeating: 0, count: rank)
    for stream in selection.streams {
      let isReached =
        switch stream {
        case .element(let operand, let access, let type):
          append(.element(operand: operand, offset: access.offset), type.byteCount, access.strides)
        case .place(let axis): append(.place, 1, (0..<rank).map { $0 == axis ? 1 : 0 })
        case .core: append(.sums, 4, still)
        case .faults: append(.faults(operand: faultCell), 1, still)
        }
      guard isReached else { return nil }
    }
    let places = domain.indices.map { domain[($0 + 1)...].reduce(1, *) }
    for (store, type) in zip(kernel.stores, selection.resultTypes) {
      let kind = Stream.Kind.element(operand: store.operand, offset: 0)
      guard append(kind, type.byteCount, places) else { return nil }
    }
    return streams
  }

  /// Returns the vectors that an operation needs at once: what it reads, and what it makes where that takes the place
  /// of something that is read again.
  private static func fewestVectors(_ selection: InstructionSelection) -> Int {
    selection.operations.lazy.map { operation in
      let read = Set(operation.uses.filter { selection.banks[Int($0)] == .vector })
      return read.count + (operation.isDestructive ? 1 : 0)
    }.max() ?? 0
  }

  /// Sets the streams' registers to their first elements for the tile at row `rax` and column `r11`; overwrites `r10`
  /// and `rdx`.
  func writeBases(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() where stream.moves {
      let base = stream.base ?? .rdx
      assembler.emit(.mov, base, contraction.stream(index))
      if stream.steps.row != 0 {
        assembler.move(stream.steps.row * stream.byteCount, to: .r10)
        assembler.emit(.imul, .r10, .rax)
        assembler.emit(.add, base, .r10)
      }
      if stream.steps.column == 1 {
        assembler.emit(.lea, base, .at(base, index: .r11, scale: stream.byteCount))
      }
      if stream.base == nil { assembler.emit(.mov, contraction.address(index), .rdx) }
    }
  }

  /// Sets the address of sums in memory to `r10`.
  func writeSumsBase(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() where stream.base == nil {
      if case .sums = stream.kind { assembler.emit(.mov, contraction.address(index), .r10) }
    }
  }

  /// Moves the streams' addresses on to the next row; overwrites `rdx`.
  func writeNextRow(
    _ contraction: NativeContraction, sumBytes: Int, _ assembler: inout Assembler
  ) {
    for (index, stream) in streams.enumerated() {
      let step =
        if case .sums = stream.kind { sumBytes } else { stream.steps.row * stream.byteCount }
      if step == 0 { continue }
      if let base = stream.base {
        assembler.emit(.add, base, step)
      } else {
        assembler.emit(.mov, .rdx, contraction.address(index))
        assembler.emit(.add, .rdx, step)
        assembler.emit(.mov, contraction.address(index), .rdx)
      }
    }
  }

  /// Finds the elements that the tile at row `rax` and column `r11` will read and store; overwrites `rdx` and `r8`.
  func writePrefetchBases(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() where prefetches[index] != nil {
      assembler.emit(.mov, .rdx, contraction.stream(index))
      assembler.move(stream.steps.row * stream.byteCount, to: .r8)
      assembler.emit(.imul, .r8, .rax)
      assembler.emit(.add, .rdx, .r8)
      assembler.emit(.lea, .rdx, .at(.rdx, index: .r11, scale: stream.byteCount))
      assembler.emit(.mov, contraction.next(index), .rdx)
    }
  }

  /// Asks for the elements of the next rows of a tile, and goes on to those behind; overwrites `rdx`.
  func writePrefetch(
    _ contraction: NativeContraction, rows: Int, _ panel: Panel, _ assembler: inout Assembler
  ) {
    for (index, stream) in streams.enumerated() {
      guard let prefetch = prefetches[index] else { continue }
      assembler.emit(.mov, .rdx, contraction.next(index))
      let rowBytes = stream.steps.row * stream.byteCount
      for row in 0..<rows {
        for line in 0..<(stream.byteCount * panel.columns + 63) / 64 {
          assembler.emit(prefetch, .at(.rdx, row * rowBytes + 64 * line))
        }
      }
      assembler.emit(.add, .rdx, rows * rowBytes)
      assembler.emit(.mov, contraction.next(index), .rdx)
    }
  }

  /// Finishes and stores one vector of sums; overwrites `rax` and `rdx`.
  ///
  /// - Parameters:
  ///   - contraction: Whose sums they are.
  ///   - row: The row within the tile.
  ///   - column: The first column within the tile.
  ///   - sum: The register of the sums, where they are not read from memory.
  ///   - count: How many elements exist.
  ///   - assembler: Receives the code.
  func emit(
    _ contraction: NativeContraction, _ row: Int, _ column: Int,
    sum: UInt8 = VectorEmitter.coreRegister, count: Int,
    _ assembler: inout Assembler
  ) {
    func distance(_ stream: Stream) -> Int {
      stream.byteCount * (row * stream.steps.row + column * stream.steps.column)
    }
    for (index, stream) in streams.enumerated() {
      guard case .place = stream.kind else { continue }
      if stream.base == nil { assembler.emit(.mov, .rdx, contraction.address(index)) }
      assembler.emit(.lea, .rax, .at(stream.base ?? .rdx, distance(stream)))
      assembler.emit(.mov, contraction.place(index), .rax)
    }
    _ = emitter.emit(
      to: &assembler, count: count, core: sum,
      streams: { index, _, assembler in
        let stream = streams[index]
        switch stream.kind {
        case .element:
          if stream.base == nil { assembler.emit(.mov, .rdx, contraction.address(index)) }
          return .at(stream.base ?? .rdx, distance(stream))
        case .sums:
          if stream.base == nil { assembler.emit(.mov, .rdx, contraction.address(index)) }
          return .at(stream.base ?? .rdx, 4 * column)
        case .place: return contraction.place(index)
        case .faults: return contraction.stream(index)
        }
      }, isStreamed: { _ in streamsResults })
  }
}

extension NativeContraction {
  /// Sets the addresses of the epilogue's streams for this product; `rdi` holds the operands.
  func writeStreamBases(_ assembler: inout Assembler) {
    guard let epilogue else { return }
    for (index, stream) in epilogue.streams.enumerated() {
      switch stream.kind {
      case .sums: continue
      case .element(let operand, let offset):
        assembler.emit(.mov, .rax, .at(.rdi, 8 * operand))
        if offset != 0 {
          assembler.move(offset * stream.byteCount, to: .rcx)
          assembler.emit(.add, .rax, .rcx)
        }
      case .place: assembler.move(0, to: .rax)
      case .faults(let operand): assembler.emit(.mov, .rax, .at(.rdi, 8 * operand))
      }
      let axes = stream.steps.batch.map {
        ContractionSteps.BatchAxis(products: $0.products, stride: $0.stride * stream.byteCount)
      }
      writeProductDistance(axes, &assembler)
      assembler.emit(.mov, self.stream(index), .rax)
    }
  }

  /// Adds to `rax` how many bytes this product's elements are from the first product's; overwrites `rcx` and `rdx`.
  func writeProductDistance(
    _ axes: [ContractionSteps.BatchAxis], _ assembler: inout Assembler
  ) {
    guard axes.contains(where: { $0.stride != 0 }) else { return }
    load(.batch, to: .rcx, &assembler)
    for (index, axis) in axes.enumerated() {
      guard index < axes.count - 1 else {
        // What is left counts steps along the last axis.
        assembler.move(axis.stride, to: .rdx)
        assembler.emit(.imul, .rcx, .rdx)
        assembler.emit(.add, .rax, .rcx)
        return
      }
      let (top, done) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.move(axis.stride, to: .rdx)
      assembler.bind(top)
      assembler.emit(.cmp, .rcx, axis.products)
      assembler.emit(.jl, done)
      assembler.emit(.sub, .rcx, axis.products)
      assembler.emit(.add, .rax, .rdx)
      assembler.emit(.jmp, top)
      assembler.bind(done)
    }
  }
}

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
      /// The address of the cell that takes faults, at this place among those of the operands.
      case faults(operand: Int)
    }

    let kind: Kind
    let byteCount: Int
    let steps: ContractionSteps
  }

  let emitter: VectorEmitter
  /// The register that receives the sums one vector after the other, once a tile's are all in memory; nil where each
  /// vector is finished where it is.
  ///
  /// Sums leave few registers. A program that needs more runs faster over memory in the first-level cache, with all
  /// registers, than with values that come and go.
  let core: UInt8?
  /// What the program reads, then what it stores.
  let streams: [Stream]
  /// Whether a stream is read and has other elements for each row and column.
  private let isRead: [Bool]
  /// Whether all that is read is more than stays in second-level caches.
  let readsMuch: Bool
  var spillBytes: Int { emitter.spillBytes }

  /// The most instructions that finish sums where they are, though registers would do for more: its constants are
  /// fetched for every vector, and its values wait for each other.
  private static let longProgram = 16

  /// The registers that hold the streams' addresses while a tile is finished; the loops' variables lie in the frame.
  private static let bases = [12, 13, 14, 15, 3, 8, 9, 1, 6, 7]

  /// Creates an epilogue, or nothing where it needs what no instruction here does.
  init?(
    _ kernel: ContractionKernel, _ problem: ContractionProblem, faultCell: Int, isWide: Bool,
    vectors: [UInt8]
  ) {
    // Vectors run along the last axis of the domain.
    guard problem.n == 1 || kernel.domain.last != 1,
      let selection = InstructionSelection(
        kernel.epilogue, kept: kernel.stores.map(\.register), domain: kernel.domain,
        isWide: isWide)
    else { return nil }
    let (domain, rank) = (kernel.domain, kernel.domain.count)
    var streams: [Stream] = []
    let append = { (kind: Stream.Kind, byteCount: Int, strides: [Int]) -> Bool in
      guard let steps = ContractionSteps(strides, over: domain, problem),
        // Rows of a tile are reached by displacements of 32 bits.
        abs(steps.row) <= 1 << 24, steps.column == 0 || steps.column == 1
      else { return false }
      streams.append(Stream(kind: kind, byteCount: byteCount, steps: steps))
      return true
    }
    for stream in selection.streams {
      let isReached =
        switch stream {
        case .element(let operand, let access, let type):
          append(.element(operand: operand, offset: access.offset), type.byteCount, access.strides)
        case .place(let axis): append(.place, 1, (0..<rank).map { $0 == axis ? 1 : 0 })
        case .faults: append(.faults(operand: faultCell), 1, Array(repeating: 0, count: rank))
        }
      guard isReached else { return nil }
    }
    let places = domain.indices.map { domain[($0 + 1)...].reduce(1, *) }
    for (store, type) in zip(kernel.stores, selection.resultTypes) {
      let kind = Stream.Kind.element(operand: store.operand, offset: 0)
      guard append(kind, type.byteCount, places) else { return nil }
    }
    self.streams = streams
    let isRead = streams.enumerated().map { index, stream in
      guard index < selection.streams.count, case .element = stream.kind else { return false }
      return stream.steps.row != 0 && stream.steps.column == 1
    }
    let bytes = zip(streams, isRead).reduce(0) { $0 + ($1.1 ? $1.0.byteCount : 0) }
    readsMuch = bytes * problem.batch * problem.m * problem.n > 1 << 19
    self.isRead = isRead
    // What stores bytes works in registers that its values must leave alone.
    let free = Set(VectorEmitter.vectors(for: selection))
    let own = vectors.filter { free.contains($0) }
    if kernel.epilogue.instructions.count <= ContractionEpilogue.longProgram,
      own.count >= ContractionEpilogue.fewestVectors(selection)
    {
      let inPlace = VectorEmitter(selection, stores: kernel.stores.count, vectors: own)
      if inPlace.spillBytes == 0 {
        (emitter, core) = (inPlace, nil)
        return
      }
    }
    let all = VectorEmitter.vectors(for: selection)
    core = all.last
    emitter = VectorEmitter(
      selection, stores: kernel.stores.count, vectors: all.dropLast(), hoisting: .constants)
  }

  /// Returns the vectors that an operation needs at once: what it reads, and what it makes where that takes the place
  /// of something that is read again.
  private static func fewestVectors(_ selection: InstructionSelection) -> Int {
    selection.operations.lazy.map { operation in
      let read = Set(operation.uses.filter { selection.banks[Int($0)] == .vector })
      return read.count + (operation.isDestructive ? 1 : 0)
    }.max() ?? 0
  }

  /// The register of a stream's address; those there are no registers for share `rdx` and wait in the frame.
  private func base(_ index: Int) -> Register {
    isHeld(index) ? .gpr(ContractionEpilogue.bases[index]) : .rdx
  }

  private func isHeld(_ index: Int) -> Bool { index < ContractionEpilogue.bases.count }

  /// Sets the streams' registers to their first elements for the tile at row `rax` and column `r11`; overwrites `r10`.
  func writeBases(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() {
      if case .faults = stream.kind { continue }
      assembler.emit(.mov, base(index), contraction.stream(index))
      if stream.steps.row != 0 {
        assembler.move(stream.steps.row * stream.byteCount, to: .r10)
        assembler.emit(.imul, .r10, .rax)
        assembler.emit(.add, base(index), .r10)
      }
      if stream.steps.column == 1 {
        assembler.emit(.lea, base(index), .at(base(index), index: .r11, scale: stream.byteCount))
      }
      if !isHeld(index) { assembler.emit(.mov, contraction.address(index), .rdx) }
    }
  }

  /// Moves the streams' registers on to the next row.
  func writeNextRow(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() where stream.steps.row != 0 {
      let step = stream.steps.row * stream.byteCount
      if isHeld(index) {
        assembler.emit(.add, base(index), step)
      } else {
        assembler.emit(.mov, .rdx, contraction.address(index))
        assembler.emit(.add, .rdx, step)
        assembler.emit(.mov, contraction.address(index), .rdx)
      }
    }
  }

  /// Finds the elements that the tile at row `rax` and column `r11` will read; overwrites `rdx` and `r8`.
  func writePrefetchBases(_ contraction: NativeContraction, _ assembler: inout Assembler) {
    for (index, stream) in streams.enumerated() where isRead[index] {
      assembler.emit(.mov, .rdx, contraction.stream(index))
      assembler.move(stream.steps.row * stream.byteCount, to: .r8)
      assembler.emit(.imul, .r8, .rax)
      assembler.emit(.add, .rdx, .r8)
      assembler.emit(.lea, .rdx, .at(.rdx, index: .r11, scale: stream.byteCount))
      assembler.emit(.mov, contraction.address(index), .rdx)
    }
  }

  /// Asks for the elements of the next rows of a tile, and goes on to those behind; overwrites `rdx`.
  func writePrefetch(
    _ contraction: NativeContraction, rows: Int, _ panel: Panel, _ assembler: inout Assembler
  ) {
    for (index, stream) in streams.enumerated() where isRead[index] {
      assembler.emit(.mov, .rdx, contraction.address(index))
      let rowBytes = stream.steps.row * stream.byteCount
      for row in 0..<rows {
        for line in 0..<(stream.byteCount * panel.columns + 63) / 64 {
          assembler.emit(.prefetcht0, .at(.rdx, row * rowBytes + 64 * line))
        }
      }
      assembler.emit(.add, .rdx, rows * rowBytes)
      assembler.emit(.mov, contraction.address(index), .rdx)
    }
  }

  /// Finishes and stores one vector of sums, so many rows and columns from the tile's first; overwrites `rax`.
  func emit(
    _ contraction: NativeContraction, _ row: Int, _ column: Int, sum: UInt8, count: Int,
    _ assembler: inout Assembler
  ) {
    func distance(_ stream: Stream) -> Int {
      stream.byteCount * (row * stream.steps.row + column * stream.steps.column)
    }
    for (index, stream) in streams.enumerated() {
      guard case .place = stream.kind else { continue }
      if !isHeld(index) { assembler.emit(.mov, .rdx, contraction.address(index)) }
      assembler.emit(.lea, .rax, .at(base(index), distance(stream)))
      assembler.emit(.mov, contraction.place(index), .rax)
    }
    _ = emitter.emit(
      to: &assembler, count: count, core: sum,
      streams: { index, _, assembler in
        switch streams[index].kind {
        case .element:
          if !isHeld(index) { assembler.emit(.mov, .rdx, contraction.address(index)) }
          return .at(base(index), distance(streams[index]))
        case .place: return contraction.place(index)
        case .faults: return contraction.stream(index)
        }
      })
  }
}

extension NativeContraction {
  /// Sets the addresses of the epilogue's streams for this product; `rdi` holds the operands.
  func writeStreamBases(_ assembler: inout Assembler) {
    guard let epilogue else { return }
    for (index, stream) in epilogue.streams.enumerated() {
      switch stream.kind {
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

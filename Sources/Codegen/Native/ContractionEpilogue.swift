import DescentGraph

/// What happens to a contraction's sums before they are stored, and where it finds what it reads.
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
  let streams: [Stream]
  let resultType: DataType
  var spillBytes: Int { emitter.spillBytes }

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
        kernel.epilogue, kept: [kernel.result], domain: kernel.domain, isWide: isWide)
    else { return nil }
    var streams: [Stream] = []
    for stream in selection.streams {
      let (kind, byteCount, access): (Stream.Kind, Int, Access)
      switch stream {
      case .element(let operand, let elements, let type):
        kind = .element(operand: operand, offset: elements.offset)
        (byteCount, access) = (type.byteCount, elements)
      case .place(let axis):
        var strides = [Int](repeating: 0, count: kernel.domain.count)
        strides[axis] = 1
        (kind, byteCount, access) = (.place, 1, Access(offset: 0, strides: strides))
      case .faults:
        let strides = [Int](repeating: 0, count: kernel.domain.count)
        (kind, byteCount) = (.faults(operand: faultCell), 1)
        access = Access(offset: 0, strides: strides)
      }
      guard
        let steps = ContractionSteps(access, over: kernel.domain, problem),
        // Rows of a tile are reached by displacements of 32 bits.
        abs(steps.row) <= 1 << 24, steps.column == 0 || steps.column == 1
      else { return nil }
      streams.append(Stream(kind: kind, byteCount: byteCount, steps: steps))
    }
    self.streams = streams
    resultType = selection.resultTypes[0]
    // What stores bytes works in registers that its values must leave alone.
    let free = Set(VectorEmitter.vectors(for: selection))
    emitter = VectorEmitter(selection, vectors: vectors.filter { free.contains($0) })
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

  /// Finishes and stores one vector of sums, so many rows and columns from the tile's first; overwrites `rax`.
  func emit(
    _ contraction: NativeContraction, _ row: Int, _ column: Int, sum: UInt8, count: Int,
    _ target: Memory, _ assembler: inout Assembler
  ) {
    let distance = { (stream: Stream) in
      stream.byteCount * (row * stream.steps.row + column * stream.steps.column)
    }
    for (index, stream) in streams.enumerated() {
      guard case .place = stream.kind else { continue }
      if !isHeld(index) { assembler.emit(.mov, .rdx, contraction.address(index)) }
      assembler.emit(.lea, .rax, .at(base(index), distance(stream)))
      assembler.emit(.mov, contraction.place(index), .rax)
    }
    let results = emitter.emit(
      to: &assembler, count: count, core: sum,
      streams: { index, assembler in
        switch streams[index].kind {
        case .element:
          if !isHeld(index) { assembler.emit(.mov, .rdx, contraction.address(index)) }
          return .at(base(index), distance(streams[index]))
        case .place: return contraction.place(index)
        case .faults: return contraction.stream(index)
        }
      })
    emitter.store(results[0], resultType, to: target, count: count, &assembler)
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
      writeProductDistance(stream, &assembler)
      assembler.emit(.mov, self.stream(index), .rax)
    }
  }

  /// Adds to `rax` how far this product's elements are from the first product's.
  private func writeProductDistance(
    _ stream: ContractionEpilogue.Stream, _ assembler: inout Assembler
  ) {
    let axes = stream.steps.batch.filter { $0.stride != 0 }
    guard !axes.isEmpty else { return }
    load(.batch, to: .rcx, &assembler)
    for (index, axis) in stream.steps.batch.enumerated() {
      let bytes = axis.stride * stream.byteCount
      guard index < stream.steps.batch.count - 1 else {
        // What is left counts steps along the last axis.
        assembler.move(bytes, to: .rdx)
        assembler.emit(.imul, .rcx, .rdx)
        assembler.emit(.add, .rax, .rcx)
        return
      }
      let (top, done) = (assembler.makeLabel(), assembler.makeLabel())
      assembler.move(bytes, to: .rdx)
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

/// How an access moves through the result of a contraction: its axes have merged where all accesses step through
/// them as through one, and are told apart here.
struct ContractionSteps {
  /// An axis of the batch: the products in one step along it, and the distance in elements.
  struct BatchAxis: Hashable {
    var products: Int
    var stride: Int
  }

  /// From the outermost axis to the innermost, whose steps are single products.
  private(set) var batch: [BatchAxis] = []
  let row: Int
  let column: Int

  /// Finds the steps, or nothing where rows or columns are not equally far apart.
  init?(_ access: Access, over domain: [Int], _ problem: ContractionProblem) {
    // A problem that was turned round has its rows where the result has columns.
    let (m, n) = (problem.m, problem.n)
    var (row, column): (Int?, Int?) = (m == 1 ? 0 : nil, n == 1 ? 0 : nil)
    // The number of places in the axes so far, from the last one on.
    var inner = 1
    for (extent, stride) in zip(domain, access.strides).reversed() where extent != 1 {
      let outer = inner * extent
      if column == nil, inner == 1, outer % n == 0 { column = stride }
      if row == nil, inner <= n, n % inner == 0, outer % (n * m) == 0 { row = stride * (n / inner) }
      let first = max(inner, n * m)
      if outer > first {
        guard first % inner == 0, outer % first == 0 else { return nil }
        let axis = BatchAxis(products: first / (n * m), stride: stride * (first / inner))
        batch.insert(axis, at: 0)
      }
      inner = outer
    }
    guard let row, let column else { return nil }
    (self.row, self.column) = (row, column)
  }
}

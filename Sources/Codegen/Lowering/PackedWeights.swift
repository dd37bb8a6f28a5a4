import DescentGraph

// A right factor that is the same in every run is laid out once as its products read it: in panels of columns, one
// behind the other, each with its terms line after line. So a product streams through memory, where the columns of a
// wide matrix are short pieces far apart, and copies no panel in a run.
//
// Few rows go through each panel from end to end, several panels at a time. Many rows go through all panels for a block
// of terms before the next, so there the panels of a block follow one another: the second-level cache, which is to hold
// them, would find lines a power of two apart in few of its sets.

extension LoweredGraph {
  /// Has products read packed copies of parameters and states that no kernel writes.
  ///
  /// What the preparation itself makes stays as it is made: it would be there twice. And no copy is larger than what it
  /// is a copy of, as one of windows that overlap would be.
  ///
  /// - Parameters:
  ///   - preparation: The kernels that compute what is the same in every run; copying is added to them.
  ///   - minimumBytes: The size of a factor from which on it is packed.
  mutating func packWeights(_ preparation: inout [Kernel], minimumBytes: Int) {
    var isFixed = buffers.map { $0.role == .state }
    for operand in (preparation + kernels).flatMap(\.operands) where operand.access == .write {
      isFixed[operand.buffer] = false
    }
    var copies: [Packing: BufferID] = [:]
    for index in kernels.indices {
      guard case .contraction(var contraction) = kernels[index].body,
        let layout = contraction.packedRight(minimumBytes: minimumBytes)
      else { continue }
      let position = contraction.right.operand
      let packing = Packing(
        source: kernels[index].operands[position], from: contraction.right.layout, to: layout)
      let buffer = packing.source.buffer
      guard isFixed[buffer], packing.byteCount <= buffers[buffer].byteCount else { continue }
      if copies[packing] == nil {
        copies[packing] = buffers.count
        buffers.append(
          Buffer(role: .temporary, byteCount: packing.byteCount, value: packing.source.value))
        preparation.append(packing.kernel(to: buffers.count - 1))
      }
      guard let copy = copies[packing] else { continue }
      kernels[index].operands[position].buffer = copy
      kernels[index].operands[position].bytes = 0..<packing.byteCount
      contraction.right.layout = layout
      kernels[index].body = .contraction(contraction)
    }
  }
}

/// A copy of a factor in another layout.
private struct Packing: Hashable {
  let source: Kernel.Operand
  let from: FactorLayout
  let to: FactorLayout

  /// Block of terms, panel, term and column within the panel: where each is before and after.
  private var axes: [(from: FactorLayout.Axis, to: FactorLayout.Axis)] {
    let (panels, columns, blocks, terms) = (to.kept[0], to.kept[1], to.summed[0], to.summed[1])
    let (column, term) = (from.kept[0].stride, from.summed[0].stride)
    return [
      (.init(extent: blocks.extent, stride: terms.extent * term), blocks),
      (.init(extent: panels.extent, stride: columns.extent * column), panels),
      (.init(extent: terms.extent, stride: term), terms),
      (.init(extent: columns.extent, stride: column), columns),
    ]
  }

  var byteCount: Int { 4 * axes.reduce(1) { $0 * $1.to.extent } }

  /// The kernel that copies: the copy's elements, in order, are found in the source.
  func kernel(to buffer: BufferID) -> Kernel {
    var program = VectorProgram()
    let access = Access(offset: from.offset, strides: axes.map(\.from.stride))
    let register = program.append(.load(operand: 0, access, .f32))
    let loop = LoopKernel(
      map: program, over: axes.map(\.to.extent),
      stores: [LoopKernel.Store(register: register, operand: 1)])
    return Kernel(
      name: "pack", body: .loop(loop),
      operands: [
        source,
        Kernel.Operand(buffer: buffer, value: source.value, bytes: 0..<byteCount, access: .write),
      ], grid: loop.portableGrid, inPlace: [], nodes: [source.value], flops: 0)
  }
}

extension ContractionKernel {
  /// The columns of a packed panel: those of a line.
  package static let packedColumns = 16
  /// The most rows that go through panels from end to end: they are one tile.
  private static let mostStreamingRows = 6
  /// The terms of a block: its rows stay in the first-level cache, and sums are seldom put aside.
  private static let blockTerms = 128...512

  /// How the right factor would lie in panels, or nil where it is not worth it or has columns that fill none.
  fileprivate func packedRight(minimumBytes: Int) -> FactorLayout? {
    let layout = right.layout
    let columns = ContractionKernel.packedColumns
    let matrix = extents.k * extents.n
    let streams = extents.m <= ContractionKernel.mostStreamingRows
    // A few rows make more of a factor that is near; of a batch, each product's lies in one piece.
    guard extents.batch == 1, extents.m > 0, margins == nil, extents.n > 4 * columns,
      extents.n % columns == 0, extents.k > 1,
      4 * matrix / (streams && extents.m > 1 ? 16 : 1) >= minimumBytes,
      layout.kept.count == 1, layout.summed.count == 1, left.operand != right.operand,
      !epilogue.operandsRead.contains(right.operand)
    else { return nil }
    let terms = streams ? extents.k : blockTerms
    return FactorLayout(
      batch: [],
      kept: [
        .init(extent: extents.n / columns, stride: terms * columns),
        .init(extent: columns, stride: 1),
      ],
      summed: [
        .init(extent: extents.k / terms, stride: terms * extents.n),
        .init(extent: terms, stride: columns),
      ])
  }

  /// The terms of a block, of which there is a whole number in all terms and in each chunk.
  ///
  /// Where they were too few, all terms are one: with chunks of a power of two, panels are not that far apart then.
  private var blockTerms: Int {
    let range = ContractionKernel.blockTerms
    if extents.k <= range.upperBound { return extents.k }
    return range.last { extents.k % $0 == 0 && (chunk >= extents.k || chunk % $0 == 0) }
      ?? extents.k
  }
}

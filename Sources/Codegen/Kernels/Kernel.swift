package import DescentGraph

/// The number of a buffer in a program.
package typealias BufferID = Int

/// One generated function: what it computes, over which bytes, and how its work may be divided.
package struct Kernel: Hashable, Sendable, Codable {
  /// The name dumps and profiles show, such as `contract+add+relu`.
  package var name: String
  /// What is computed.
  package var body: Body
  /// Small loops that need its results: one thread runs them, in order, when all have ended.
  package var tails: [LoopKernel] = []
  /// The memory it touches; programs refer to these by position.
  package var operands: [Operand]
  /// How its work may be divided.
  package var grid: TileGrid
  /// Pairs (read operand, written operand) that may share their memory, element for element.
  package var inPlace: [InPlace]
  /// The graph nodes it computes.
  package var nodes: [Value]
  /// Its arithmetic, counting a fused multiply-add as two.
  package var flops: Int

  package init(
    name: String, body: Body, operands: [Operand], grid: TileGrid, inPlace: [InPlace],
    nodes: [Value], flops: Int
  ) {
    self.name = name
    self.body = body
    self.operands = operands
    self.grid = grid
    self.inPlace = inPlace
    self.nodes = nodes
    self.flops = flops
  }

  /// The classes of kernels.
  package enum Body: Hashable, Sendable, Codable {
    case loop(LoopKernel)
    /// Loops of which none touches what another one writes; threads go from each to the next without waiting.
    case bundle([LoopKernel])
    case contraction(ContractionKernel)
    case scatter(ScatterKernel)
    case sort(SortKernel)
    case copy(byteCount: Int)
    case strips(StripKernel)
  }

  /// A range of bytes of one buffer that a kernel reads or writes.
  package struct Operand: Hashable, Sendable, Codable {
    /// The buffer.
    package var buffer: BufferID
    /// The value it holds there (before the kernel if read, after it if written), or what its partial results become.
    package var value: Value
    /// The bytes touched, within the buffer.
    package var bytes: Range<Int>
    /// Whether the kernel reads or writes them.
    package var access: AccessKind

    package init(buffer: BufferID, value: Value, bytes: Range<Int>, access: AccessKind) {
      self.buffer = buffer
      self.value = value
      self.bytes = bytes
      self.access = access
    }
  }

  /// Whether an operand is read or written; one that is overwritten in place is a pair of both.
  package enum AccessKind: String, Hashable, Sendable, Codable {
    case read = "in"
    case write = "out"
  }

  /// An operand that may be overwritten by a result.
  package struct InPlace: Hashable, Sendable, Codable {
    package var read: Int
    package var written: Int

    package init(read: Int, written: Int) {
      self.read = read
      self.written = written
    }
  }
}

/// How a kernel's work may be divided among threads: runs of units that write disjoint bytes.
package struct TileGrid: Hashable, Sendable, Codable {
  /// The number of units.
  package var units: Int
  /// Scalar operations, or bytes if they are more, in one unit: what the division is worth.
  package var workPerUnit: Int

  /// Creates a grid.
  package init(units: Int, workPerUnit: Int) {
    self.units = units
    self.workPerUnit = workPerUnit
  }
}

extension Kernel {
  /// What is compiled and run by itself: the loops of a bundle, or what else the kernel is, then its tails; each with
  /// all operands.
  package var parts: [Kernel] {
    let tails = tails.map { part($0) }
    guard case .bundle(let loops) = body else {
      var whole = self
      whole.tails = []
      return [whole] + tails
    }
    return loops.map { part($0) } + tails
  }

  /// What is compiled by itself: the parts, or the stages of one that runs strip by strip, each with its own operands.
  package var pieces: [Kernel] {
    parts.flatMap { part -> [Kernel] in
      guard case .strips(let strips) = part.body else { return [part] }
      return strips.stages.map { stage in
        Kernel(
          name: stage.name, body: stage.body,
          operands: stage.operands.map { part.operands[$0.position] }, grid: stage.grid,
          inPlace: [], nodes: [], flops: 0)
      }
    }
  }

  private func part(_ loop: LoopKernel) -> Kernel {
    var part = self
    (part.body, part.grid, part.tails) = (.loop(loop), loop.portableGrid, [])
    return part
  }

  /// The programs in which its work is written.
  package var programs: [VectorProgram] {
    let own: [VectorProgram] =
      switch body {
      case .loop(let loop): loop.stages.map(\.program)
      case .bundle(let loops): loops.flatMap { $0.stages.map(\.program) }
      case .contraction(let contraction): [contraction.epilogue]
      case .strips: pieces.flatMap(\.programs)
      case .scatter, .sort, .copy: []
      }
    return own + tails.flatMap { $0.stages.map(\.program) }
  }
}

/// Slices added along an axis at indices.
package struct ScatterKernel: Hashable, Sendable, Codable {
  package var dataType: DataType
  package var indexType: DataType
  /// The base seen as `[outer, rows, inner]`, and the number of indices.
  package var outer: Int
  package var rows: Int
  package var inner: Int
  package var count: Int
  /// The fault an index out of range reports.
  package var fault: Int
  package var base: Int
  package var indices: Int
  package var updates: Int
  package var target: Int

  package init(
    dataType: DataType, indexType: DataType, outer: Int, rows: Int, inner: Int, count: Int,
    fault: Int, base: Int, indices: Int, updates: Int, target: Int
  ) {
    self.dataType = dataType
    self.indexType = indexType
    (self.outer, self.rows, self.inner, self.count) = (outer, rows, inner, count)
    self.fault = fault
    (self.base, self.indices, self.updates, self.target) = (base, indices, updates, target)
  }
}

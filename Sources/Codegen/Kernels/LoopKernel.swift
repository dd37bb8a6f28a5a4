package import DescentGraph

/// Loops over a domain: for each line along the reduced axes some stages, one after the other.
///
/// A *sweep* visits every place of the line; what it finds is stored or accumulated. A stage between sweeps runs once a
/// line, at its *reduced place*. A kernel without reduced axes is a single sweep, in which places are independent.
///
/// Operands with negative numbers are locals: memory that only the thread at work on a line sees. Number −1 − i is
/// local i.
///
/// A kernel of rows may have *taps*: what a sweep finds at the same place of every row meets, too, row after row. They
/// leave a partial result for each chunk of rows, which a kernel of columns combines.
package struct LoopKernel: Hashable, Sendable, Codable {
  /// The extents of the domain.
  package var domain: [Int]
  /// The axes along which elements meet; empty where none do.
  package var reduced: Range<Int>
  /// What is done for a line, in order.
  package var stages: [Stage]
  /// The memory of a line.
  package var locals: [Local]
  /// The rows of a column that are reduced before their partial result meets another's: one where each is a partial
  /// result already.
  package var rowsPerChunk = Reduction.columnChunk

  /// One straight run of instructions.
  package struct Stage: Hashable, Sendable, Codable {
    /// Whether the stage visits every place of a line, or only its reduced place.
    package var isSweep: Bool
    /// What is computed at a place.
    ///
    /// Between sweeps the reduced axes have extent 1.
    package var program: VectorProgram
    /// What is stored: to a kernel operand at the place itself, in row-major order of the domain or, between
    /// sweeps, of the axes that are not reduced; to a local as its kind says.
    package var stores: [Store]
    /// What meets along the line.
    package var accumulations: [Accumulation]
    /// What meets, in a sweep along rows, across these: the operand of each holds a row of 32-bit elements for every
    /// `Reduction.columnChunk` rows.
    package var taps: [Accumulation]

    package init(
      isSweep: Bool, program: VectorProgram, stores: [Store], accumulations: [Accumulation],
      taps: [Accumulation] = []
    ) {
      self.isSweep = isSweep
      self.program = program
      self.stores = stores
      self.accumulations = accumulations
      self.taps = taps
    }

    /// The registers whose values leave the program: those that are stored, then those that accumulate, then those
    /// of taps.
    package var kept: [VectorProgram.Register] {
      stores.map(\.register) + (accumulations + taps).map(\.register)
    }
  }

  /// A register that is stored.
  package struct Store: Hashable, Sendable, Codable {
    package var register: VectorProgram.Register
    /// The kernel operand or local.
    package var operand: Int
    /// Where in a kernel operand, if not at the place itself: without guards, and neighbours along the last axis.
    package var access: Access?

    package init(register: VectorProgram.Register, operand: Int, access: Access? = nil) {
      self.register = register
      self.operand = operand
      self.access = access
    }
  }

  /// A register whose values along a line, or across lines, become one, in the order `Reduction` documents.
  package struct Accumulation: Hashable, Sendable, Codable {
    /// How values meet; an index is what the least of some values is, and so never a kind here.
    package var kind: Reduction.Kind
    package var register: VectorProgram.Register
    /// The local that receives the result, or of a tap the operand.
    package var operand: Int

    package init(kind: Reduction.Kind, register: VectorProgram.Register, operand: Int) {
      self.kind = kind
      self.register = register
      self.operand = operand
    }
  }

  /// Memory of a line.
  package struct Local: Hashable, Sendable, Codable {
    package var dataType: DataType
    /// Whether there is an element for each place of the line, or only one.
    ///
    /// A single one is addressed by its reduced place in row-major order, so that lines may be worked on together.
    package var isLine: Bool

    package init(dataType: DataType, isLine: Bool) {
      self.dataType = dataType
      self.isLine = isLine
    }
  }

  package init(domain: [Int], reduced: Range<Int>, stages: [Stage], locals: [Local]) {
    self.domain = domain
    self.reduced = reduced
    self.stages = stages
    self.locals = locals
  }
}

extension LoopKernel {
  /// Creates a kernel in which places are independent.
  package init(map program: VectorProgram, over domain: [Int], stores: [Store]) {
    self.init(
      domain: domain, reduced: domain.count..<domain.count,
      stages: [Stage(isSweep: true, program: program, stores: stores, accumulations: [])],
      locals: [])
  }

  /// The number of lines before each other, the elements of a line, and the lines side by side.
  package var view: (outer: Int, extent: Int, inner: Int) {
    (
      domain[..<reduced.lowerBound].reduce(1, *), domain[reduced].reduce(1, *),
      domain[reduced.upperBound...].reduce(1, *)
    )
  }

  /// The most lines side by side that are worked on together, and so the elements of a local that is no line.
  package static let linesAtOnce = 1024

  /// Where each local begins in a thread's memory, and at last where they end.
  package var localOffsets: [Int] {
    locals.reduce(into: [0]) { offsets, local in
      let count = local.isLine ? view.extent : LoopKernel.linesAtOnce
      offsets.append((offsets.last! + count * local.dataType.byteCount + 63) / 64 * 64)
    }
  }

  /// Whether rows leave partial results of columns; then a unit of work is a chunk of them.
  package var hasTaps: Bool { stages.contains { !$0.taps.isEmpty } }

  /// The rows one unit of work covers at least.
  package var rowsPerUnit: Int { hasTaps ? Reduction.columnChunk : 1 }

  /// The classes of loops: by which way elements meet.
  package enum Class: String, Sendable {
    case map, row, column
  }

  /// Which class this is; it decides the order of accumulation.
  package var loopClass: Class {
    if reduced.isEmpty { return .map }
    return view.inner == 1 ? .row : .column
  }

  /// The extents of the domain a stage's program runs over.
  package func domain(of stage: Stage) -> [Int] {
    guard !stage.isSweep else { return domain }
    var domain = domain
    for axis in reduced { domain[axis] = 1 }
    return domain
  }
}

extension LoopKernel {
  /// Merges neighbouring axes that every access steps through as through one, and drops axes of extent 1.
  package mutating func collapse() {
    var axis = domain.count - 1
    while axis >= 0 {
      let isGuarded = stages.contains { $0.program.guards(axis) }
      let isAlone = reduced == axis..<axis + 1
      // What is stored at places of its own has neighbours along the last axis, be it as short as it may.
      let isFixed =
        axis == domain.count - 1 && stages.contains { $0.stores.contains { $0.access != nil } }
      if domain.count > 1, domain[axis] == 1, !isGuarded, !isAlone, !isFixed {
        remove(axis)
      } else if axis + 1 < domain.count, reduced.contains(axis) == reduced.contains(axis + 1),
        axis + 1 != reduced.lowerBound, axis + 1 != reduced.upperBound,
        stages.allSatisfy({ $0.steps(through: axis, inStepsOf: domain[axis + 1]) })
      {
        for index in stages.indices {
          stages[index].program.widenGuards(of: axis, to: axis + 1, by: domain[axis + 1])
        }
        domain[axis + 1] *= domain[axis]
        remove(axis)
      }
      axis -= 1
    }
  }

  private mutating func remove(_ axis: Int) {
    domain.remove(at: axis)
    for index in stages.indices { stages[index].removeAxis(axis) }
    let isBefore = { (bound: Int) in bound > axis ? bound - 1 : bound }
    reduced = isBefore(reduced.lowerBound)..<isBefore(reduced.upperBound)
  }
}

extension LoopKernel.Stage {
  /// Whether everything that is read or stored steps through an axis and the one behind it, of some extent, as through
  /// one.
  fileprivate func steps(through axis: Int, inStepsOf extent: Int) -> Bool {
    program.steps(through: axis, inStepsOf: extent)
      && stores.lazy.compactMap(\.access).allSatisfy {
        $0.strides[axis] == $0.strides[axis + 1] * extent
      }
  }

  fileprivate mutating func removeAxis(_ axis: Int) {
    program.removeAxis(axis)
    for index in stores.indices { stores[index].access?.strides.remove(at: axis) }
  }
}

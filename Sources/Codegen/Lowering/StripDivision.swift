import DescentGraph

// A kernel's work on one strip of its result is a kernel over a smaller domain, which finds its operands somewhere else
// for each strip. Strips are cut from the outer axes, so that each is one piece of a result.

extension Kernel {
  /// Returns what the kernel does for one of some strips along the outer axes of its result, or nil where strips do not
  /// fit its axes, or where what it does depends on more than where its operands are.
  ///
  /// The operands' positions are the kernel's own; one that is read in two ways is there twice.
  func strip(of counts: [Int]) -> StripKernel.Stage? {
    guard tails.isEmpty, !mayFault else { return nil }
    var division = StripDivision(counts: counts)
    let strip: (body: Kernel.Body, grid: TileGrid)? =
      switch body {
      case .loop(let loop): division.divide(loop).map { (.loop($0), $0.portableGrid) }
      case .contraction(let contraction):
        division.divide(contraction).map { (.contraction($0), $0.portableGrid) }
      case .bundle, .scatter, .sort, .copy, .strips: nil
      }
    return strip.map {
      StripKernel.Stage(
        name: name, body: $0.body, grid: $0.grid,
        operands: division.operands.map {
          StripKernel.Operand(
            position: $0.position, value: operands[$0.position].value, strides: $0.strides)
        })
    }
  }
}

/// A kernel being cut into strips.
private struct StripDivision {
  let counts: [Int]
  /// The operands of a strip: which of the kernel's, and how many bytes further the next strip along each axis finds
  /// it.
  private(set) var operands: [(position: Int, strides: [Int])] = []

  /// Where strips are along an axis: the next one is so many places further.
  struct Cut {
    let axis: Int
    let step: Int
  }

  /// How far apart strips find the operands that something touches.
  typealias Distances = [Int: [Int]]

  init(counts: [Int]) { self.counts = counts }

  /// Cuts axes, from the outermost on, into strips; returns the cuts and what is left of the axes.
  static func cuts(
    of extents: [Int], into counts: some Sequence<Int>
  ) -> (cuts: [Cut], extents: [Int])? {
    var (cuts, extents, axis): ([Cut], [Int], Int) = ([], extents, 0)
    for count in counts {
      while axis < extents.count, extents[axis] == 1 { axis += 1 }
      guard axis < extents.count, extents[axis] % count == 0 else { return nil }
      extents[axis] /= count
      cuts.append(Cut(axis: axis, step: extents[axis]))
    }
    return (cuts, extents)
  }

  /// Returns the number of an operand of a strip.
  private mutating func operand(_ position: Int, _ strides: [Int]) -> Int {
    let known = operands.firstIndex { $0.position == position && $0.strides == strides }
    if let known { return known }
    operands.append((position, strides))
    return operands.count - 1
  }

  /// Returns for each of the kernel's operands the number of a strip's; −1 for those that nothing touches.
  private mutating func numbers(of distances: Distances) -> [Int] {
    var numbers = [Int](repeating: -1, count: (distances.keys.max() ?? -1) + 1)
    for (position, strides) in distances.sorted(by: { $0.key < $1.key }) {
      numbers[position] = operand(position, strides)
    }
    return numbers
  }

  /// Notes how far apart strips find an operand, and returns whether all that touches it agrees.
  private func note(
    _ operand: Int, _ strides: [Int], _ distances: inout Distances
  ) -> Bool {
    // Negative numbers are locals.
    guard operand >= 0 else { return true }
    defer { distances[operand] = strides }
    return (distances[operand] ?? strides) == strides
  }

  /// Notes what a program reads, and returns whether nothing else depends on where a strip is.
  private func note(
    readsOf program: VectorProgram, _ cuts: [Cut], _ distances: inout Distances
  ) -> Bool {
    let isCut = { (guards: [Access.Guard]) in
      guards.contains { condition in cuts.contains { $0.axis == condition.axis } }
    }
    return program.instructions.allSatisfy { instruction in
      switch instruction {
      case .load(let operand, let access, let type):
        !isCut(access.guards)
          && note(
            operand, cuts.map { access.strides[$0.axis] * $0.step * type.byteCount }, &distances)
      case .place(let access, _):
        !isCut(access.guards) && cuts.allSatisfy { access.strides[$0.axis] == 0 }
      case .exists(let guards): !isCut(guards)
      case .scalar, .core: true
      case .gather, .check: false
      }
    }
  }

  /// Notes where registers are stored, place by place of a domain, and returns whether that is all.
  private func note(
    _ stores: [LoopKernel.Store], of program: VectorProgram, over domain: [Int], _ cuts: [Cut],
    _ distances: inout Distances
  ) -> Bool {
    stores.allSatisfy { store in
      let width = program.types[Int(store.register)].byteCount
      let strides = cuts.map { $0.step * width * domain[($0.axis + 1)...].reduce(1, *) }
      return store.access == nil && note(store.operand, strides, &distances)
    }
  }

  mutating func divide(_ loop: LoopKernel) -> LoopKernel? {
    guard !loop.hasTaps,
      let (cuts, extents) = StripDivision.cuts(
        of: Array(loop.domain[..<loop.reduced.lowerBound]), into: counts)
    else { return nil }
    var distances: Distances = [:]
    for stage in loop.stages {
      guard note(readsOf: stage.program, cuts, &distances),
        note(
          stage.stores, of: stage.program, over: loop.domain(of: stage), cuts, &distances),
        stage.accumulations.allSatisfy({ $0.operand < 0 })
      else { return nil }
    }
    var strip = loop.withOperands(numbers(of: distances))
    strip.domain.replaceSubrange(extents.indices, with: extents)
    strip.collapse()
    return strip
  }

  mutating func divide(_ contraction: ContractionKernel) -> ContractionKernel? {
    var (batch, rows) = (contraction.extents.batch, contraction.extents.m)
    // The first strips are products of the batch, and those behind them rows.
    var products = counts.count
    for (number, count) in counts.enumerated() {
      if batch > 1 {
        guard batch % count == 0 else { return nil }
        batch /= count
      } else {
        guard rows % count == 0, rows > count else { return nil }
        rows /= count
        products = min(products, number)
      }
    }
    var (strip, distances) = (contraction, Distances())
    guard contraction.margins == nil, contraction.extents.groups == 1,
      let left = strip.left.layout.cut(batch: counts[..<products], kept: counts[products...]),
      let right = strip.right.layout.cut(batch: counts[..<products], kept: []),
      let (cuts, extents) = StripDivision.cuts(of: contraction.domain, into: counts),
      note(readsOf: contraction.epilogue, cuts, &distances),
      note(
        contraction.stores, of: contraction.epilogue, over: contraction.domain, cuts, &distances)
    else { return nil }
    strip.extents = Contraction.Extents(
      batch: batch, m: rows, n: contraction.extents.n, k: contraction.extents.k)
    (strip.epilogue, strip.domain) = contraction.epilogue.collapsing(extents)
    // Queries and keys may lie in one operand, of which strips have some rows each, but all keys.
    let sides = [left, right + counts[products...].map { _ in 0 }].map { $0.map { 4 * $0 } }
    strip.left.operand = operand(contraction.left.operand, sides[0])
    strip.right.operand = operand(contraction.right.operand, sides[1])
    let numbers = numbers(of: distances)
    strip.epilogue.mapOperands { numbers[$0] }
    for index in strip.stores.indices {
      strip.stores[index].operand = numbers[strip.stores[index].operand]
    }
    return strip
  }
}

extension FactorLayout {
  /// Cuts the axes of a factor into strips, first those of the batch and then those the result keeps, and returns how
  /// far the next strip of each cut is.
  fileprivate mutating func cut(
    batch: some Sequence<Int>, kept: some Sequence<Int>
  ) -> [Int]? {
    guard let products = FactorLayout.cut(&self.batch, into: batch),
      let places = FactorLayout.cut(&self.kept, into: kept)
    else { return nil }
    self.batch.removeAll { $0.extent == 1 }
    if self.kept.count > 1 { self.kept.removeAll { $0.extent == 1 } }
    return products + places
  }

  private static func cut(_ axes: inout [Axis], into counts: some Sequence<Int>) -> [Int]? {
    guard let (cuts, extents) = StripDivision.cuts(of: axes.map(\.extent), into: counts) else {
      return nil
    }
    for (axis, extent) in extents.enumerated() { axes[axis].extent = extent }
    return cuts.map { axes[$0.axis].stride * $0.step }
  }
}

import DescentGraph

// Columns of a few rows, such as the windows of a pool, are straight lines of instructions: the rows one after the
// other, in the order in which they meet anyway. Windows of neighbouring places overlap, so several places at once find
// what they share in registers.

extension LoopKernel {
  /// The most rows that are written one after the other, and the most instructions of all places at once.
  private static let (mostShortRows, mostShortInstructions) = (25, 320)
  /// How many places are tried at once, and what part of the loads must be left for that to be worth while.
  private static let (placesAtOnce, worthyLoads) = ([4, 3, 2], 0.8)

  /// The same as a map, where this is a single sweep over columns of few rows; several places at once if they share
  /// what they read.
  var withoutShortColumns: LoopKernel? {
    guard let sweep = stages.first, sweep.isSweep, loopClass == .column, sweep.stores.isEmpty,
      !hasTaps, stages.dropFirst().allSatisfy({ !$0.isSweep }), locals.allSatisfy({ !$0.isLine }),
      (2...LoopKernel.mostShortRows).contains(view.extent), domain.allSatisfy({ $0 > 0 })
    else { return nil }
    let axes = domain.indices.dropLast().filter { !reduced.contains($0) && !isGuarded($0) }
    let single = UnrolledColumns(self, axis: nil, places: 1)
    var best = single
    for axis in axes {
      for places in LoopKernel.placesAtOnce where domain[axis] % places == 0 {
        let next = UnrolledColumns(self, axis: axis, places: places)
        if next.program.instructions.count <= LoopKernel.mostShortInstructions,
          next.loadsPerPlace < best.loadsPerPlace
        {
          best = next
        }
      }
    }
    if best.loadsPerPlace > LoopKernel.worthyLoads * single.loadsPerPlace {
      // Rows along one axis are swept as fast.
      var merged = self
      merged.collapse()
      guard merged.reduced.count > 1 else { return nil }
      best = single
    }
    return best.program.instructions.count <= LoopKernel.mostShortInstructions ? best.map : nil
  }

  /// Whether only some places along an axis exist to some instruction.
  private func isGuarded(_ axis: Int) -> Bool { stages.contains { $0.program.guards(axis) } }
}

/// A sweep over columns and what follows it at reduced places, as one program for some places.
private struct UnrolledColumns {
  private let loop: LoopKernel
  private let axis: Int?
  private let places: Int
  private(set) var program = VectorProgram()
  private var stores: [LoopKernel.Store] = []
  /// For each place the register of each local.
  private var locals: [[Int: VectorProgram.Register]]

  init(_ loop: LoopKernel, axis: Int?, places: Int) {
    (self.loop, self.axis, self.places) = (loop, axis, places)
    locals = Array(repeating: [:], count: places)
    sweep(loop.stages[0])
    for stage in loop.stages.dropFirst() {
      for place in 0..<places { run(stage, place) }
    }
  }

  /// How many elements are read for one place.
  var loadsPerPlace: Double {
    let loads = program.instructions.count { if case .load = $0 { true } else { false } }
    return Double(loads) / Double(places)
  }

  /// The loop over the places that are left.
  var map: LoopKernel {
    var domain = loop.domain
    if let axis { domain[axis] /= places }
    domain.removeSubrange(loop.reduced)
    return LoopKernel(map: program, over: domain, stores: stores)
  }

  /// Lets rows meet one after the other, at all places at once.
  private mutating func sweep(_ stage: LoopKernel.Stage) {
    for accumulation in stage.accumulations {
      let type = stage.program.types[Int(accumulation.register)]
      let identity = Reduction(accumulation.kind, axes: []).identity(type)
      for place in locals.indices {
        locals[place][accumulation.operand] = program.constant(bits: identity, type)
      }
    }
    for row in rows {
      for place in 0..<places {
        let registers = append(stage.program, at: row, place)
        for accumulation in stage.accumulations {
          guard let sum = locals[place][accumulation.operand] else { continue }
          let step = Reduction(accumulation.kind, axes: [])
            .combination(stage.program.types[Int(accumulation.register)])
          locals[place][accumulation.operand] = program.append(
            .scalar(
              ScalarInstruction(
                step.op, step.type, to: step.result, sum, registers[Int(accumulation.register)])))
        }
      }
    }
  }

  /// The places of the reduced axes, in row-major order.
  private var rows: [[Int]] {
    loop.domain[loop.reduced].reduce([[]]) { rows, extent in
      rows.flatMap { row in (0..<extent).map { row + [$0] } }
    }
  }

  /// Adds what is computed at a reduced place.
  private mutating func run(_ stage: LoopKernel.Stage, _ place: Int) {
    let registers = append(stage.program, at: loop.reduced.map { _ in 0 }, place)
    for store in stage.stores {
      let register = registers[Int(store.register)]
      if store.operand < 0 {
        locals[place][store.operand] = register
      } else {
        stores.append(
          LoopKernel.Store(register: register, operand: store.operand, access: target(place)))
      }
    }
  }

  /// Where a place stores, if several do at once.
  private func target(_ place: Int) -> Access? {
    guard let axis else { return nil }
    var domain = loop.domain
    for reduced in loop.reduced { domain[reduced] = 1 }
    var strides = Shape(domain).strides
    let offset = place * strides[axis]
    strides[axis] *= places
    strides.removeSubrange(loop.reduced)
    return Access(offset: offset, strides: strides)
  }

  /// Adds a stage's program as it is for a row and one of the places.
  private mutating func append(
    _ stage: VectorProgram, at row: [Int], _ place: Int
  ) -> [VectorProgram.Register] {
    var known: [VectorProgram.Register: VectorProgram.Register] = [:]
    for (number, step) in stage.instructions.enumerated() {
      switch step {
      case .load(let operand, _, _) where operand < 0:
        known[VectorProgram.Register(number)] = locals[place][operand]
      case .load(_, let access, let type), .gather(_, let access, _, _, let type):
        guard !exists(access.guards, row) else { continue }
        known[VectorProgram.Register(number)] = program.constant(bits: 0, type)
      case .exists(let guards):
        let rest = guards.filter { !loop.reduced.contains($0.axis) }
        guard !exists(guards, row) || rest.isEmpty else { continue }
        known[VectorProgram.Register(number)] = program.constant(
          bits: exists(guards, row) ? 1 : 0, .bool)
      case .scalar, .place, .check, .core: break
      }
    }
    var copy = stage
    copy.mapAccesses { access in
      for (axis, index) in zip(loop.reduced, row) {
        let condition = access.guards.first { $0.axis == axis }
        let step = condition.map { (index - $0.low) / $0.step } ?? index
        access.offset += access.strides[axis] * step
      }
      access.guards.removeAll { loop.reduced.contains($0.axis) }
      if let axis {
        access.offset += place * access.strides[axis]
        access.strides[axis] *= places
      }
    } guards: { guards in
      guards.filter { !loop.reduced.contains($0.axis) }
    }
    for axis in loop.reduced.reversed() { copy.removeAxis(axis) }
    return program.append(contentsOf: copy, given: known)
  }

  /// Whether a row is among those that exist.
  private func exists(_ guards: [Access.Guard], _ row: [Int]) -> Bool {
    zip(loop.reduced, row).allSatisfy { axis, index in
      guards.filter { $0.axis == axis }.allSatisfy { condition in
        let distance = index - condition.low
        return distance >= 0 && distance % condition.step == 0
          && distance / condition.step < condition.count
      }
    }
  }
}

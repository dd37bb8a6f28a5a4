import DescentGraph

// A loop's members are divided into stages by time: the number of sweeps that must have ended before a member can be
// computed. A reduction is known one sweep after its operand, or two if it is an index; everything else with the last
// of its operands. Sweep t then accumulates the reductions that are known after it, and those whose index is known one
// sweep later; members at reduced places are computed between the sweeps.

extension KernelBuilder {
  /// Builds the kernel of a map, row or column group.
  mutating func buildLoop() -> Kernel {
    let schedule = Schedule(self)
    var stages: [LoopKernel.Stage] = []
    var pairs: [Kernel.InPlace] = []
    var stores: [(stage: (index: Int, isSweep: Bool), target: Int)] = []
    for time in 0...schedule.sweepCount {
      buildStage(schedule.reducedMembers(at: time), at: time, isSweep: false, &stages, &stores) {
        schedule.isKeptAtReducedPlace($0, at: time)
      }
      guard time < schedule.sweepCount else { break }
      buildStage(schedule.elementMembers(at: time), at: time, isSweep: true, &stages, &stores) {
        schedule.isSaved($0, at: time)
      }
    }
    for store in stores {
      stage = store.stage
      pairs += inPlacePairs(target: store.target)
    }
    var loop = LoopKernel(domain: domain, reduced: reduced, stages: stages, locals: locals)
    if let map = loop.withoutShortColumns {
      // Several places at once may store before all of them have read.
      if map.stages[0].stores.contains(where: { $0.access != nil }) { pairs = [] }
      loop = map
    }
    loop.collapse()
    loop.divideSteps()
    return kernel(.loop(loop), grid: loop.portableGrid, inPlace: pairs)
  }

  /// Emits the members of one stage, in graph order, and says what becomes of them.
  private mutating func buildStage(
    _ nodes: [Value], at time: Int, isSweep: Bool, _ stages: inout [LoopKernel.Stage],
    _ stores: inout [(stage: (index: Int, isSweep: Bool), target: Int)],
    isKept: (Value) -> Bool
  ) {
    (program, registers, stage) = (VectorProgram(), [:], (stages.count, isSweep))
    var kept: [LoopKernel.Store] = []
    var accumulations: [LoopKernel.Accumulation] = []
    for value in nodes {
      if case .reduction(let reduction) = graph[value].op {
        if isSweep {
          accumulate(reduction, value, &accumulations)
          continue
        }
        registers[value] = read(value, IndexMap(identityOfRank: domain.count))
      } else {
        define(value)
      }
      guard let register = registers[value] else { continue }
      if !graph[value].op.isReduction, isKept(value) {
        kept.append(
          LoopKernel.Store(register: register, operand: makeLocal(value, isLine: isSweep)))
      }
      if group.outputs.contains(value), !stores.contains(where: { isTarget($0.target, of: value) })
      {
        let target = operand(value, .write)
        kept.append(LoopKernel.Store(register: register, operand: target))
        stores.append((stage, target))
      }
    }
    guard !kept.isEmpty || !accumulations.isEmpty else { return }
    stages.append(
      LoopKernel.Stage(
        isSweep: isSweep, program: program, stores: kept, accumulations: accumulations))
  }

  private func isTarget(_ operand: Int, of value: Value) -> Bool {
    operands[operand].value == value
  }

  /// Gives a member a local and returns its operand number.
  mutating func makeLocal(_ value: Value, isLine: Bool) -> Int {
    localOf[value] = locals.count
    locals.append(LoopKernel.Local(dataType: graph[value].type.dataType, isLine: isLine))
    return -locals.count
  }
}

extension LoopKernel {
  /// The elements of a map, and the columns, that one unit of portable work covers.
  package static let portableMapUnit = 256
  package static let portableColumnUnit = 64

  /// The division of the portable backend's work.
  var portableGrid: TileGrid {
    let (outer, extent, inner) = view
    let steps = stages.reduce(0) { sum, stage in
      let meetings = stage.accumulations.count + stage.taps.count
      return sum + (stage.isSweep ? stage.program.instructions.count + meetings : 1)
    }
    switch loopClass {
    case .map:
      let unit = LoopKernel.portableMapUnit
      return TileGrid(units: (outer + unit - 1) / unit, workPerUnit: unit * steps)
    case .row:
      let rows = min(rowsPerUnit, max(1, outer))
      return TileGrid(units: (outer + rows - 1) / rows, workPerUnit: rows * extent * steps)
    case .column:
      let unit = LoopKernel.portableColumnUnit
      return TileGrid(
        units: outer * ((inner + unit - 1) / unit), workPerUnit: extent * min(inner, unit) * steps)
    }
  }
}

/// When each member of a loop is computed.
private struct Schedule {
  let graph: Graph
  let group: FusionGroup
  let domain: [Int]
  /// The number of sweeps that must have ended before a member can be computed.
  private var times: [Value: Int] = [:]
  private var operands: [Value: [Value]] = [:]
  /// The members each sweep computes, and those whose values it leaves for later sweeps.
  private var sweeps: [Set<Value>] = []
  private var saved: Set<Value> = []

  /// Computing something again in a later sweep is cheaper than remembering it, up to so many instructions.
  private static let cheapInstructions = 8
  /// The longest line whose elements are remembered: beyond, it does not stay in the cache.
  private static let longestSavedLine = 16384

  init(_ builder: KernelBuilder) {
    (graph, group, domain) = (builder.graph, builder.group, builder.domain)
    for value in group.nodes {
      let members = graph[value].operands.compactMap { member(behind: $0, builder) }
      operands[value] = members
      let time = members.reduce(0) { max($0, times[$1]!) }
      times[value] = time + sweepCount(of: value)
    }
    let reductions = group.nodes.lazy.filter { builder.graph[$0].op.isReduction }
    let lastReduction = reductions.map { [times] in times[$0]! }.max() ?? 0
    let lastOutput = group.outputs.filter { isElement($0) }.map { times[$0]! + 1 }.max() ?? 0
    sweeps = Array(repeating: [], count: max(lastReduction, lastOutput))
    let isSaving =
      builder.reduced.upperBound == domain.count
      && builder.reduced.reduce(1) { $0 * builder.domain[$1] } <= Schedule.longestSavedLine
    for time in sweeps.indices {
      for value in group.nodes {
        let known = times[value]!
        if graph[value].op.isReduction {
          guard (known - sweepCount(of: value)..<known).contains(time) else { continue }
          sweeps[time].insert(value)
          for operand in operands[value]! { compute(operand, at: time, isSaving) }
        } else if known == time, isElement(value), group.outputs.contains(value) {
          compute(value, at: time, isSaving)
        }
      }
    }
  }

  var sweepCount: Int { sweeps.count }

  /// The number of sweeps a member takes to compute.
  private func sweepCount(of value: Value) -> Int {
    guard case .reduction(let reduction) = graph[value].op else { return 0 }
    return reduction.kind.isIndex ? 2 : 1
  }

  /// The members that are computed between sweeps, with reductions that are outputs.
  func reducedMembers(at time: Int) -> [Value] {
    group.nodes.filter {
      times[$0] == time && !isElement($0)
        && (!graph[$0].op.isReduction || group.outputs.contains($0))
    }
  }

  /// The members that a sweep computes or accumulates.
  func elementMembers(at time: Int) -> [Value] {
    group.nodes.filter { sweeps[time].contains($0) }
  }

  /// Whether a later stage needs what is computed between sweeps.
  func isKeptAtReducedPlace(_ value: Value, at time: Int) -> Bool {
    group.nodes.contains { user in
      operands[user]!.contains(value) && (isElement(user) || times[user]! > time)
    }
  }

  /// Whether a sweep leaves a value for later ones.
  func isSaved(_ value: Value, at time: Int) -> Bool {
    saved.contains(value) && times[value] == time
  }

  private func isElement(_ value: Value) -> Bool {
    !graph[value].op.isReduction && graph[value].type.shape.has(domain)
  }

  /// Lets a sweep compute an element member, with what it needs.
  private mutating func compute(_ value: Value, at time: Int, _ isSaving: Bool) {
    var pending = [value]
    while let next = pending.popLast() {
      guard isElement(next), !sweeps[time].contains(next) else { continue }
      if times[next]! < time, isSaving, saved.contains(next) || isExpensive(next) {
        saved.insert(next)
        if !sweeps[times[next]!].contains(next) { compute(next, at: times[next]!, isSaving) }
        continue
      }
      sweeps[time].insert(next)
      pending += operands[next]!
    }
  }

  /// Whether computing a value again costs more than remembering it.
  private func isExpensive(_ value: Value) -> Bool {
    var (cost, seen, pending) = (0, Set<Value>(), [value])
    while let next = pending.popLast(), cost <= Schedule.cheapInstructions {
      guard isElement(next), seen.insert(next).inserted else { continue }
      if case .elementwise(let op) = graph[next].op {
        let types = graph[next].operands.map { graph[$0].type.dataType }
        cost += op.program(for: types).instructions.count
      } else {
        cost += 4
      }
      if !saved.contains(next) || next == value { pending += operands[next]! }
    }
    return cost > Schedule.cheapInstructions
  }

  /// Returns the member an operand comes from through movement, or nil.
  private func member(behind operand: Value, _ builder: KernelBuilder) -> Value? {
    var value = operand
    while !builder.members.contains(value) {
      guard case .movement = graph[value].op,
        graph[value].op.isView
          ? builder.members.contains(builder.lowering.storage(of: value))
          : graph[value].op.isAffineRead && !builder.lowering.isStored(value)
      else { return nil }
      value = graph[value].operands[0]
    }
    return value
  }
}

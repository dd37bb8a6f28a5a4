import DescentCodegen
import DescentGraph
import DescentTestSupport

// Loops of stages: what they visit, what they store and accumulate, and what they remember for later stages.

extension ProgramDrawing {
  /// Draws a map, or sweeps along rows or columns with stages between them.
  mutating func drawLoop(
    _ loopClass: LoopKernel.Class
  ) -> (body: Kernel.Body, outputs: [RandomKernel.Output]) {
    let (domain, reduced) = drawDomain(loopClass)
    var loop = LoopKernel(domain: domain, reduced: reduced, stages: [], locals: [])
    var outputs: [RandomKernel.Output] = []
    guard loopClass != .map else {
      appendStage(isSweep: true, to: &loop, &outputs)
      return (.loop(loop.storing(behind: operands.count)), outputs)
    }
    for _ in 0..<pick([1, 1, 1, 2, 2, 3]) {
      if random.chance(40) { appendStage(isSweep: false, to: &loop, &outputs) }
      appendStage(isSweep: true, to: &loop, &outputs)
    }
    let isReducing = loop.stages.contains { !$0.accumulations.isEmpty }
    if outputs.isEmpty || isReducing {
      appendStage(isSweep: false, to: &loop, &outputs, isLast: true)
    }
    return (.loop(loop.storing(behind: operands.count)), outputs)
  }

  private mutating func appendStage(
    isSweep: Bool, to loop: inout LoopKernel, _ outputs: inout [RandomKernel.Output],
    isLast: Bool = false
  ) {
    let isMap = loop.reduced.isEmpty
    var stage = LoopKernel.Stage(
      isSweep: isSweep, program: VectorProgram(), stores: [], accumulations: [])
    let domain = loop.domain(of: stage)
    let count = domain.reduce(1, *)
    // Many places are there for the order in which they meet, which many steps would only hide.
    let most = isMap ? 14 : count > 1000 ? 2 : 9
    let reads = drawReads(of: loop, isSweep: isSweep)
    draw(over: domain, steps: random.int(1...most), after: reads)
    for _ in 0..<(isMap || isLast ? random.int(1...3) : pick([0, 0, 1, 2])) {
      // What was gathered is seen best as it is.
      let isRead = !reads.isEmpty && random.chance(isLast ? 70 : 20)
      let register = isRead ? pick(Array(registers[..<reads.count])) : result()
      let type = program.types[Int(register)]
      let access = isMap && random.chance(25) ? drawPlaces(over: domain) : nil
      stage.stores.append(
        LoopKernel.Store(register: register, operand: outputs.count, access: access))
      outputs.append(RandomKernel.Output(type: type, count: count))
    }
    if !isMap, !isLast { drawLocals(&stage, of: &loop) }
    if isSweep, loop.loopClass == .row { drawTaps(&stage, of: loop, &outputs) }
    stage.program = program
    if !stage.kept.isEmpty { loop.stages.append(stage) }
  }

  /// Draws places of a map's own for what it stores: the axes in another order, but for the last.
  private mutating func drawPlaces(over domain: [Int]) -> Access? {
    guard domain.count > 1 else { return nil }
    var access = Access(offset: 0, strides: domain.map { _ in 0 })
    var stride = 1
    for axis in [domain.count - 1] + domain.indices.dropLast().shuffled(using: &random) {
      access.strides[axis] = stride
      stride *= domain[axis]
    }
    return access
  }

  /// Draws what a stage leaves for later ones.
  private mutating func drawLocals(_ stage: inout LoopKernel.Stage, of loop: inout LoopKernel) {
    // A sweep leaves elements along rows only.
    let mayLeave = !stage.isSweep || loop.view.inner == 1
    if mayLeave, random.chance(stage.isSweep ? 25 : 80) {
      let register = result()
      let operand = loop.makeLocal(program.types[Int(register)], isLine: stage.isSweep)
      stage.stores.append(LoopKernel.Store(register: register, operand: operand))
    }
    guard stage.isSweep else { return }
    for _ in 0..<(stage.stores.isEmpty ? random.int(1...3) : random.int(0...2)) {
      let register = result(of: random.chance(60) ? [.f32] : ProgramDrawing.types)
      let type = program.types[Int(register)]
      stage.accumulations.append(
        LoopKernel.Accumulation(
          kind: type == .bool
            ? pick([.any, .all]) : pick([.sum, .sum, .sum, .max, .min, .product]),
          register: register, operand: loop.makeLocal(type, isLine: false)))
    }
  }

  /// Draws what meets across rows.
  private mutating func drawTaps(
    _ stage: inout LoopKernel.Stage, of loop: LoopKernel, _ outputs: inout [RandomKernel.Output]
  ) {
    let (rows, extent, _) = loop.view
    guard extent > 1, random.chance(rows > Reduction.columnChunk ? 80 : 15) else { return }
    for _ in 0..<random.int(1...3) {
      let register = result(of: random.chance(70) ? [.f32] : [.f32, .i32])
      stage.taps.append(
        LoopKernel.Accumulation(
          kind: pick([.sum, .sum, .sum, .max, .min, .product]), register: register,
          operand: outputs.count))
      let chunks = (rows + Reduction.columnChunk - 1) / Reduction.columnChunk
      outputs.append(
        RandomKernel.Output(type: program.types[Int(register)], count: chunks * extent))
    }
  }

  /// What a stage reads of what earlier ones have left.
  private mutating func drawReads(
    of loop: LoopKernel, isSweep: Bool
  ) -> [VectorProgram.Instruction] {
    loop.locals.enumerated().compactMap { index, local in
      guard isSweep || !local.isLine, random.chance(60) else { return nil }
      var strides = loop.domain.map { _ in 0 }
      var stride = 1
      for axis in loop.domain.indices.reversed()
      where loop.reduced.contains(axis) == local.isLine {
        strides[axis] = stride
        stride *= loop.domain[axis]
      }
      return .load(operand: -1 - index, Access(offset: 0, strides: strides), local.dataType)
    }
  }

  // MARK: - Domains

  private static let extents = [
    1, 2, 3, 7, 8, 9, 13, 15, 16, 17, 19, 23, 31, 32, 33, 35, 37, 48, 67,
  ]

  /// Mostly few places, around the widths of vectors and lanes; now and then none, or more than one unit or chunk has.
  private mutating func drawDomain(
    _ loopClass: LoopKernel.Class
  ) -> (domain: [Int], reduced: Range<Int>) {
    switch loopClass {
    case .map:
      let domain = drawMapDomain()
      return (domain, domain.count..<domain.count)
    case .row:
      let line =
        random.chance(6)
        ? [pick([4095, 4096, 4097, 4160, 8192, 8209, 12289])]
        : random.chance(12)
          ? [random.int(1...6), drawExtent()]
          : [random.chance(20) ? pick([63, 64, 65, 79, 127, 128, 129, 191]) : drawExtent()]
      let isLong = line[0] < 100 && random.chance(15)
      let outer =
        isLong
        ? [pick([127, 128, 129, 200, 256, 257])]
        : drawFew(pick([0, 1, 1, 2]), most: line[0] > 200 ? 2 : 5)
      let behind = random.chance(3) ? [1] : []
      return (outer + line + behind, outer.count..<outer.count + line.count)
    case .column:
      let isLong = random.chance(20)
      let isWide = !isLong && random.chance(6)
      let line =
        isLong
        ? pick([
          [127], [128], [129], [256], [257], [300], [385], [513], [641], [5, 37], [3, 43, 2],
          [2, 64], [20, 13],
        ])
        : random.chance(12) ? drawFew(2, most: 6) : [random.chance(3) ? 0 : random.int(1...11)]
      let inner =
        isWide
        ? [pick([511, 512, 513, 528, 1025])]
        : isLong
          ? [random.int(2...9)]
          : random.chance(20) ? drawFew(1, most: 5) + [drawExtent()] : [max(2, drawExtent())]
      let outer = drawFew(isLong || isWide ? 0 : pick([0, 0, 1, 2]), most: 3)
      return (outer + line + inner, outer.count..<outer.count + line.count)
    }
  }

  private mutating func drawExtent() -> Int {
    random.chance(2) ? 0 : pick(ProgramDrawing.extents)
  }

  private mutating func drawFew(_ rank: Int, most: Int) -> [Int] {
    (0..<rank).map { _ in random.chance(1) ? 0 : random.int(1...most) }
  }

  private mutating func drawMapDomain() -> [Int] {
    let rank = pick([0, 1, 1, 1, 2, 2, 2, 3, 3, 4])
    if rank == 1, random.chance(3) { return [pick([4095, 4096, 4097, 8192, 8209])] }
    return (0..<rank).map { axis in
      random.chance(2) ? 0 : axis == rank - 1 ? pick(ProgramDrawing.extents) : random.int(1...5)
    }
  }
}

extension LoopKernel {
  /// Adds a local and returns its operand number.
  fileprivate mutating func makeLocal(_ type: DataType, isLine: Bool) -> Int {
    locals.append(Local(dataType: type, isLine: isLine))
    return -locals.count
  }

  /// Returns the loop with its stores to operands that stand behind those that are read.
  fileprivate func storing(behind inputs: Int) -> LoopKernel {
    var loop = self
    for stage in stages.indices {
      for store in stages[stage].stores.indices where stages[stage].stores[store].operand >= 0 {
        loop.stages[stage].stores[store].operand += inputs
      }
      for tap in stages[stage].taps.indices { loop.stages[stage].taps[tap].operand += inputs }
    }
    return loop
  }
}

import DescentGraph

extension Program {
  /// The memory plan of a run with its preparation as plain facts, for checkers.
  package var planDump: PlanDump { planDump(of: kernels.indices) }

  /// The memory plan of a run that finds everything prepared.
  ///
  /// What is prepared is there at the beginning, and still at the end: nothing else writes it.
  package var preparedPlanDump: PlanDump {
    planDump(of: preparationCount..<kernels.count)
  }

  /// The states that the preparation reads and a run writes: what was prepared would not follow from them any more.
  package var preparationViolations: [String] {
    let read = Set(
      kernels[..<preparationCount].flatMap(\.operands).filter { $0.access == .read }.map(\.buffer))
    let written = Set(
      kernels[preparationCount...].flatMap(\.operands).filter { $0.access == .write }
        .map(\.buffer))
    return states.filter { read.contains($0.buffer) && written.contains($0.buffer) }
      .map { "the preparation reads \($0.name), which a run changes" }
  }

  /// What is wrong with kernels that run strip by strip: the plan sees each as one step.
  package var stripViolations: [String] {
    kernels.flatMap { kernel -> [String] in
      guard case .strips(let strips) = kernel.body else { return [] }
      return strips.violations(operands: kernel.operands, threads: threadCount)
        .map { "\(kernel.name): \($0)" }
    }
  }

  /// Returns what some kernels do one after the other; those before them have run.
  private func planDump(of range: Range<Int>) -> PlanDump {
    let used = Set(kernels[range].flatMap { $0.operands.map(\.buffer) })
    let ports = Set(inputs.map(\.buffer) + outputs.map(\.buffer) + states.map(\.buffer))
    let shown = buffers.indices.filter {
      used.contains($0) || ports.contains($0) || buffers[$0].role == .prepared
    }
    let whole = { (buffer: BufferID, value: Value) in
      PlanDump.Range(
        buf: buffer, lo: 0, hi: memory.placements[buffer].byteCount, value: Int(value.index))
    }
    let prepared = shown.filter { buffers[$0].role == .prepared }
      .map { whole($0, buffers[$0].value) }
    let kinds = ["const", "param", "io", "scratch"] + (prepared.isEmpty ? [] : ["scratch"])
    return PlanDump(
      version: 1, alignment: MemoryPlan.alignment,
      arenas: kinds.enumerated().map {
        PlanDump.Arena(id: $0.offset, bytes: memory.segmentBytes[$0.offset], kind: $0.element)
      },
      buffers: shown.map { buffer in
        let place = memory.placements[buffer]
        return PlanDump.Buffer(
          id: buffer, arena: place.segment.rawValue, offset: place.offset, bytes: place.byteCount,
          persist: [.state, .constants, .prepared].contains(place.segment))
      },
      steps: steps(of: range), inputs: inputs.map(\.buffer),
      outputs: outputs.map { whole($0.buffer, $0.value) }
        + states.map { whole($0.buffer, $0.updated) } + prepared,
      initial: inputs.map { whole($0.buffer, $0.value) }
        + states.map { whole($0.buffer, $0.value) }
        + shown.filter { memory.placements[$0].segment == .constants }
        .map { whole($0, buffers[$0].value) }
        + (range.lowerBound < preparationCount ? [] : prepared),
      threads: threadCount)
  }

  /// The parts of some kernels as steps.
  ///
  /// Parts of one phase run side by side; the next one begins when all have ended.
  private func steps(of range: Range<Int>) -> [PlanDump.Step] {
    var steps: [PlanDump.Step] = []
    var (phase, previous): ([Int], [Int]) = ([], [])
    for index in range {
      let parts = kernels[index].parts
      for (number, part) in parts.enumerated() {
        let isTail = number >= parts.count - kernels[index].tails.count
        if number == 0 && startsWave[index] || isTail { (previous, phase) = (phase, []) }
        phase.append(steps.count)
        steps.append(step(part, index, steps.count, after: previous))
      }
    }
    return steps
  }

  private func step(_ part: Kernel, _ kernel: Int, _ id: Int, after: [Int]) -> PlanDump.Step {
    let (read, written) = part.touchedOperands
    let range = { (position: Int) in
      let operand = part.operands[position]
      return PlanDump.Range(
        buf: operand.buffer, lo: operand.bytes.lowerBound, hi: operand.bytes.upperBound,
        value: Int(operand.value.index))
    }
    let pairs = memory.inPlace[kernel].compactMap { pair -> [Int]? in
      guard let from = read.firstIndex(of: pair.read), let to = written.firstIndex(of: pair.written)
      else { return nil }
      return [from, to]
    }
    return PlanDump.Step(
      id: id, op: part.name, reads: read.map(range), writes: written.map(range), inplace: pairs,
      after: after)
  }
}

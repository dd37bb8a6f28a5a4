import DescentCodegen
import DescentCompiler
import DescentGraph

extension Explanation {
  /// The segments, how tightly the arena is packed, and what is live when most is.
  var memory: [String] {
    let plan = program.memory
    let names = ["constants", "state", "inputs and outputs", "arena"]
    var lines = ["memory: \(bytes(plan.segmentBytes.reduce(0, +)))"]
    for (name, size) in zip(names, plan.segmentBytes) {
      lines.append("  \(padded(name, to: 20))\(padded(bytes(size), to: 11, right: true))")
    }
    guard plan.arenaBytes > 0 else { return lines }
    lines.append(
      "  the arena could not be smaller than \(bytes(plan.arenaLowerBound)): "
        + "\(percent(plan.arenaLowerBound, of: plan.arenaBytes)) efficient, "
        + "placed \(plan.strategy)")
    let peak = program.kernels[plan.peakKernel]
    lines.append("  live at the peak, in kernel \(plan.peakKernel + 1) (\(peak.name)):")
    return lines + livePieces(at: plan.peakKernel).map { "    " + $0 }
  }

  /// Returns the pieces of the arena in use during a kernel, by their place.
  private func livePieces(at kernel: Int) -> [String] {
    var uses: [BufferID: ClosedRange<Int>] = [:]
    var values: [BufferID: Value] = [:]
    for (index, kernel) in program.kernels.enumerated() {
      for operand in kernel.operands
      where program.memory.placements[operand.buffer].segment == .arena {
        uses[operand.buffer] = (uses[operand.buffer]?.lowerBound ?? index)...index
        values[operand.buffer] = operand.value
      }
    }
    let live = uses.filter { $0.value.contains(kernel) }.keys.sorted {
      (program.memory.placements[$0].offset, $0) < (program.memory.placements[$1].offset, $1)
    }
    return live.map { buffer in
      let place = program.memory.placements[buffer]
      let value = values[buffer] ?? program.buffers[buffer].value
      return line(
        "",
        "\(padded("\(place.offset)", to: 8, right: true))  "
          + "\(padded(bytes(place.byteCount), to: 9, right: true))  \(name(value)) "
          + "\(graph[value].op.name) \(graph[value].type)", graph[value].origin)
    }
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph

extension Explanation {
  /// What lies in a part of the arena, and during which kernels.
  struct Piece {
    let buffer: BufferID
    let place: MemoryPlan.Placement
    let value: Value
    let kernels: ClosedRange<Int>
  }

  /// The segments of a session's memory, as explanations name them.
  static let segmentNames = ["constants", "state", "inputs and outputs", "arena", "prepared"]

  /// The segments, how tightly the arena is packed, and what lies in it when.
  var memory: [String] {
    let plan = program.memory
    var lines = ["memory: \(bytes(plan.segmentBytes.reduce(0, +)))"]
    for (name, size) in zip(Explanation.segmentNames, plan.segmentBytes)
    where size > 0 || name != "prepared" {
      lines.append("  \(padded(name, to: 20))\(padded(bytes(size), to: 11, right: true))")
    }
    guard plan.arenaBytes > 0 else { return lines }
    lines.append(
      "  the arena could not be smaller than \(bytes(plan.arenaLowerBound)): "
        + "\(percent(plan.arenaLowerBound, of: plan.arenaBytes)) efficient, "
        + "placed \(plan.strategy)")
    let peak = program.kernels[plan.peakKernel]
    lines.append(
      "  what lies where in the arena during which kernels, and with a star what is live at the "
        + "peak, in kernel \(plan.peakKernel + 1) (\(peak.name)):")
    return lines + pieces.map { "    " + describe($0) }
  }

  private func describe(_ piece: Piece) -> String {
    let star = piece.kernels.overlaps(peakWave) ? "*" : " "
    let kernels = "\(piece.kernels.lowerBound + 1)–\(piece.kernels.upperBound + 1)"
    let node = graph[piece.value]
    return line(
      "",
      "\(padded("\(piece.place.offset)", to: 10, right: true))  "
        + "\(padded(bytes(piece.place.byteCount), to: 9, right: true)) \(star) "
        + "\(padded(kernels, to: 7))  \(name(piece.value)) \(node.op.name) \(node.type)",
      node.origin)
  }

  /// The kernels that run side by side where the most bytes are live.
  private var peakWave: Range<Int> {
    let first = program.memory.peakKernel
    let next = program.startsWave.indices.first { $0 > first && program.startsWave[$0] }
    return first..<(next ?? program.kernels.count)
  }

  /// The pieces of the arena by their place, those of one place in the order of their use.
  var pieces: [Piece] {
    var uses: [BufferID: ClosedRange<Int>] = [:]
    var values: [BufferID: Value] = [:]
    for (index, kernel) in program.kernels.enumerated() {
      for operand in kernel.operands
      where program.memory.placements[operand.buffer].segment == .arena {
        uses[operand.buffer] = (uses[operand.buffer]?.lowerBound ?? index)...index
        values[operand.buffer] = operand.value
      }
    }
    let pieces = uses.map { buffer, kernels in
      Piece(
        buffer: buffer, place: program.memory.placements[buffer],
        value: values[buffer] ?? program.buffers[buffer].value, kernels: kernels)
    }
    return pieces.sorted {
      ($0.place.offset, $0.kernels.lowerBound, $0.buffer)
        < ($1.place.offset, $1.kernels.lowerBound, $1.buffer)
    }
  }
}

package import DescentGraph

/// The kernels of a divided graph and their memory, without code: what a search for less memory looks at.
package struct ArenaDraft: Sendable {
  /// The kernels.
  package let kernels: [Kernel]
  /// The buffers they work on.
  package let buffers: [Buffer]
  /// Where these lie.
  package let memory: MemoryPlan

  /// Lowers a divided graph and plans its memory.
  package init(_ fused: FusedGraph, options: Program.Options) {
    var lowering = Lowering(fused)
    let lowered = lowering.run(options)
    (kernels, buffers) = (lowered.kernels, lowered.buffers)
    memory = lowered.planned(for: options).memory
  }

  /// The values in the arena during the peak kernel, the largest first, with the kernels between which they live.
  package var liveAtPeak: [(value: Value, byteCount: Int, kernels: ClosedRange<Int>)] {
    ranges.filter { $0.value.contains(memory.peakKernel) }.map { buffer, kernels in
      (buffers[buffer].value, buffers[buffer].byteCount, kernels)
    }
    .sorted { ($1.byteCount, $0.value) < ($0.byteCount, $1.value) }
  }

  /// The last kernel at which each stored value is in memory; of those that stay there, a number beyond all.
  package var lastUse: [Value: Int] {
    var last: [Value: Int] = [:]
    for (buffer, kernels) in ranges {
      let value = buffers[buffer].value
      last[value] = max(last[value] ?? 0, kernels.upperBound)
    }
    for buffer in buffers where buffer.role == .output || buffer.role == .prepared {
      last[buffer.value] = .max
    }
    return last
  }

  /// The bytes of the arena's values, summed over the kernels between which they live.
  package var totalLife: Int {
    ranges.reduce(0) { $0 + buffers[$1.key].byteCount * $1.value.count }
  }

  private var ranges: [BufferID: ClosedRange<Int>] {
    var ranges: [BufferID: ClosedRange<Int>] = [:]
    for (index, kernel) in kernels.enumerated() {
      for operand in kernel.operands where buffers[operand.buffer].role == .temporary {
        ranges[operand.buffer] = (ranges[operand.buffer]?.lowerBound ?? index)...index
      }
    }
    return ranges
  }
}

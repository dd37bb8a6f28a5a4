import DescentGraph

/// A kernel of columns with one sweep, which stores nothing.
struct TappedColumn {
  let kernel: Kernel
  /// Its place in the order.
  let index: Int
  let loop: LoopKernel
  /// The sweep's number among the stages.
  let sweepNumber: Int

  init?(_ kernel: Kernel, at index: Int) {
    guard case .loop(let loop) = kernel.body, loop.loopClass == .column,
      loop.domain.count == 2, loop.reduced == 0..<1, loop.rowsPerChunk == Reduction.columnChunk
    else { return nil }
    let sweeps = loop.stages.indices.filter { loop.stages[$0].isSweep }
    guard sweeps.count == 1 else { return nil }
    (self.kernel, self.index, self.loop, sweepNumber) = (kernel, index, loop, sweeps[0])
    guard sweep.stores.isEmpty, sweep.program.instructions.allSatisfy(TappedColumn.isPlain),
      sweep.accumulations.allSatisfy({ [.f32, .i32].contains(type(of: $0)) })
    else { return nil }
  }

  var sweep: LoopKernel.Stage { loop.stages[sweepNumber] }
  var elementCount: Int { loop.domain[0] * loop.domain[1] }
  var chunks: Int { (loop.domain[0] + loop.rowsPerChunk - 1) / loop.rowsPerChunk }

  func type(of accumulation: LoopKernel.Accumulation) -> DataType {
    sweep.program.types[Int(accumulation.register)]
  }

  /// Whether threads that share the chunks evenly idle for a fifth of the time at most.
  func isShared(among threads: Int) -> Bool {
    let share = (chunks + threads - 1) / threads
    return 4 * share * threads <= 5 * chunks
  }

  /// Whether an instruction means the same in another kernel over the same places.
  private static func isPlain(_ instruction: VectorProgram.Instruction) -> Bool {
    switch instruction {
    case .scalar, .place: true
    case .load(let operand, _, _): operand >= 0
    case .gather, .exists, .check, .core: false
    }
  }
}

import DescentGraph

// Sweeps over columns of a few rows, such as the windows of a pool. For each vector of columns all rows are visited one
// after the other, without a loop, and what accumulates stays in registers. The order is that of a single chunk.

extension NativeLoop {
  /// The most rows, and the most instructions of all of them, that are written without a loop.
  private static let shortRows = 16
  private static let shortInstructions = 128

  /// Whether a sweep's rows are written one after the other.
  func isShort(_ stage: NativeStage) -> Bool {
    let rows = kernel.view.extent
    return kernel.reduced.count == 1 && (1...NativeLoop.shortRows).contains(rows)
      && rows <= kernel.rowsPerChunk
      && rows * max(1, stage.stage.program.instructions.count) <= NativeLoop.shortInstructions
      && stage.pointers.allSatisfy { abs($0?.rowBytes ?? 0) < 1 << 26 }
  }

  /// Sweeps over the few rows of the unit's columns.
  func writeShortColumnSweep(_ stage: NativeStage, _ assembler: inout Assembler) {
    loadPointers(stage, &assembler)
    writeInvariants(stage, &assembler)
    for (index, accumulation) in stage.stage.accumulations.enumerated() {
      load(result(of: accumulation, in: stage), to: .rax, &assembler)
      emit(.mov, pointer: stage.pointers.count + index, .rax, &assembler)
    }
    assembler.emit(.mov, slot(.rowPlace).sized(8), 0)
    writeVectors(&assembler) { assembler, count in
      for index in stage.stage.accumulations.indices {
        combination(stage, index).writeIdentity(sum(stage, index), &assembler)
      }
      for row in 0..<kernel.view.extent { visit(row, stage, count: count, &assembler) }
      for (index, accumulation) in stage.stage.accumulations.enumerated() {
        let size = stage.stage.program.types[Int(accumulation.register)].byteCount
        let base = register(ofPointer: stage.pointers.count + index, &assembler)
        store(
          sum(stage, index), of: accumulation, in: stage, to: .at(base, index: .rax, scale: size),
          count: count, &assembler)
      }
    }
  }
}

import DescentGraph

// Taps of rows: while a row is in the first-level cache, what a sweep finds there meets what the rows before it in the
// chunk have come to. That is a line of memory for each chunk, which stays in that cache too. A unit of work is a
// chunk; within it, rows are counted as units are elsewhere.

extension NativeLoop {
  /// Turns the range of chunks in `rsi` and `rdx` into one of rows.
  func writeRowsOfChunks(_ assembler: inout Assembler) {
    let isWhole = assembler.makeLabel()
    assembler.move(kernel.rowsPerUnit, to: .rax)
    assembler.emit(.imul, .rsi, .rax)
    assembler.emit(.imul, .rdx, .rax)
    assembler.move(kernel.view.outer, to: .rax)
    assembler.emit(.cmp, .rdx, .rax)
    assembler.emit(.jl, isWhole)
    assembler.emit(.mov, .rdx, .rax)
    assembler.bind(isWhole)
  }

  /// Finds where a sweep's taps gather, and begins there if the row is the first of a chunk.
  func writeTapBeginnings(_ stage: NativeStage, _ assembler: inout Assembler) {
    guard !stage.stage.taps.isEmpty else { return }
    for (index, tap) in stage.stage.taps.enumerated() {
      assembler.emit(.mov, .rax, slot(.unit))
      assembler.emit(.shr, .rax, Reduction.columnChunk.trailingZeroBitCount)
      assembler.move(4 * columns, to: .rcx)
      assembler.emit(.imul, .rax, .rcx)
      assembler.emit(.add, .rax, .at(.rdi, 8 * tap.operand))
      emit(.mov, pointer: stage.pointers.count + index, .rax, &assembler)
    }
    let isBegun = assembler.makeLabel()
    assembler.emit(.mov, .rax, slot(.unit))
    assembler.emit(.and, .rax, Reduction.columnChunk - 1)
    assembler.emit(.jne, isBegun)
    writeVectors(&assembler) { assembler, count in
      for index in stage.stage.taps.indices {
        let identity = vector(stage.temporaries[2])
        tapCombination(stage, index).writeIdentity(identity, &assembler)
        let memory = gathered(stage, index, vector: 0, &assembler)
        NativeTail.store(identity, to: memory, isPartial: count < width, &assembler)
      }
    }
    assembler.bind(isBegun)
  }

  /// Loads what the rows before have come to.
  ///
  /// That must not wait for the stores of the program, which often go to the same place of another page: processors
  /// take them for stores to what is loaded.
  func loadTaps(
    _ stage: NativeStage, vector place: Int = 0, count: Int, _ assembler: inout Assembler
  ) {
    for (index, sum) in stage.taps.enumerated() {
      NativeTail.load(
        vector(sum), from: gathered(stage, index, vector: place, &assembler),
        isPartial: count < width, &assembler)
    }
  }

  /// Lets what a program has left for taps meet that.
  func writeTaps(
    _ stage: NativeStage, of results: [Register], vector place: Int = 0, count: Int,
    _ assembler: inout Assembler
  ) {
    for (index, element) in results.suffix(stage.taps.count).enumerated() {
      let sum = vector(stage.taps[index])
      tapCombination(stage, index).write(
        into: sum, element, isPartial: false, temporaries: stage.temporaries, &assembler)
      NativeTail.store(
        sum, to: gathered(stage, index, vector: place, &assembler), isPartial: count < width,
        &assembler)
    }
  }

  private func tapCombination(_ stage: NativeStage, _ index: Int) -> NativeCombination {
    let tap = stage.stage.taps[index]
    return NativeCombination(
      kind: tap.kind, type: stage.stage.program.types[Int(tap.register)], isWide: isWide)
  }

  /// The memory of a tap so many vectors behind the place in `rax`.
  private func gathered(
    _ stage: NativeStage, _ index: Int, vector: Int, _ assembler: inout Assembler
  ) -> Memory {
    let base = register(ofPointer: stage.pointers.count + index, &assembler)
    return .at(base, index: .rax, scale: 4, 4 * width * vector)
  }
}

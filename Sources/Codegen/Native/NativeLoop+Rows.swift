import DescentGraph

// Sweeps along rows. Element i of a chunk meets lane i mod 64, so that 64 neighbours are vectors of which each has an
// accumulator of its own; then the lanes combine as a tree, and the chunks.

extension NativeLoop {
  /// The bytes of accumulators that one accumulation keeps in memory, where it does.
  private var lanesBytes: Int { 4 * Reduction.maximumLanes }

  private var rowChunks: Int {
    max(1, (columns + Reduction.rowChunk - 1) / Reduction.rowChunk)
  }

  /// The scratch memory of a kernel, in bytes.
  var scratchBytes: Int {
    let count = stages.reduce(0) { max($0, $1.stage.accumulations.count) }
    switch kernel.loopClass {
    case .map: return 0
    case .row: return count * (lanesBytes + 4 * rowChunks)
    case .column: return count * chunkOrder.levels * columnBlockBytes
    }
  }

  func vector(_ number: Int) -> Register { isWide ? .zmm(number) : .ymm(number) }

  func combination(_ stage: NativeStage, _ index: Int) -> NativeCombination {
    let accumulation = stage.stage.accumulations[index]
    return NativeCombination(
      kind: accumulation.kind, type: stage.stage.program.types[Int(accumulation.register)],
      isWide: isWide)
  }

  /// Sweeps along the unit's row.
  func writeRowSweep(_ stage: NativeStage, _ assembler: inout Assembler) {
    loadPointers(stage, &assembler)
    writeInvariants(stage, &assembler)
    writeTapBeginnings(stage, &assembler)
    assembler.move(0, to: .rax)
    guard rowChunks > 1 else {
      writeChunk(columns, from: 0, stage, &assembler)
      for index in stage.stage.accumulations.indices {
        let sum = firstLanes(stage, index, &assembler)
        store(sum, of: index, stage, &assembler)
      }
      return
    }
    let chunk = Reduction.rowChunk
    let (full, rest) = (columns / chunk, columns % chunk)
    let loop = assembler.makeLabel()
    assembler.bind(loop)
    assembler.emit(.lea, .rcx, .at(.rax, chunk))
    assembler.emit(.mov, slot(.chunkEnd), .rcx)
    writeChunk(chunk, from: nil, stage, &assembler)
    for index in stage.stage.accumulations.indices {
      let sum = firstLanes(stage, index, &assembler)
      // Four bytes a chunk: the chunk behind this one begins at `rax`.
      assembler.emit(.mov, .rcx, .rax)
      assembler.emit(.shr, .rcx, 10)
      assembler.emit(.add, .rcx, slot(.scratch))
      assembler.emit(.vmovss, .at(.rcx, partials(stage, index) - 4), sum.viewed(as: .xmm))
    }
    assembler.emit(.cmp, .rax, full * chunk)
    assembler.emit(.jl, loop)
    if rest > 0 {
      writeChunk(rest, from: full * chunk, stage, &assembler)
      for index in stage.stage.accumulations.indices {
        let sum = firstLanes(stage, index, &assembler)
        assembler.emit(.mov, .rcx, slot(.scratch))
        assembler.emit(
          .vmovss, .at(.rcx, partials(stage, index) + 4 * full), sum.viewed(as: .xmm))
      }
    }
    for index in stage.stage.accumulations.indices {
      store(writeChunkTree(stage, index, &assembler), of: index, stage, &assembler)
    }
  }

  /// Where the results of an accumulation's chunks lie in scratch memory.
  private func partials(_ stage: NativeStage, _ index: Int) -> Int {
    stage.stage.accumulations.count * lanesBytes + index * 4 * rowChunks
  }

  /// Stores what a row has come to.
  private func store(
    _ sum: Register, of index: Int, _ stage: NativeStage, _ assembler: inout Assembler
  ) {
    assembler.emit(.mov, .rcx, .at(.rdi, 8 * stage.stage.accumulations[index].operand))
    combination(stage, index).writeStore(sum, to: .at(.rcx), &assembler)
  }

  /// Sweeps over a chunk of so many elements, from the place in `rax`, and combines its lanes.
  ///
  /// - Parameters:
  ///   - count: The number of elements.
  ///   - start: Where the chunk begins, or nil where it ends at the place in a slot.
  ///   - stage: The stage.
  ///   - assembler: Receives the code, which leaves `rax` behind the last whole turn through the lanes.
  private func writeChunk(
    _ count: Int, from start: Int?, _ stage: NativeStage, _ assembler: inout Assembler
  ) {
    let turn = Reduction.maximumLanes
    let lanes = Reduction.laneCount(count)
    for index in stage.stage.accumulations.indices {
      for part in 0..<max(1, lanes / width) {
        change(stage, index, part, isNew: true, &assembler) {
          combination(stage, index).writeIdentity($0, &$1)
        }
      }
    }
    if stage.apart != nil {
      let mask = NativeStage.gatheredNaNs
      assembler.emit(.kxorw, mask, mask, mask)
    }
    let whole = count / turn * turn
    if whole > 0 {
      let loop = assembler.makeLabel()
      assembler.bind(loop)
      let vectors = stage.emitter.vectorsAtOnce
      for part in stride(from: 0, to: turn / width, by: vectors) {
        accumulate(stage, part, count: width, vectors: vectors, &assembler)
      }
      writeNaNs(stage, parts: turn / width, &assembler)
      assembler.emit(.add, .rax, turn)
      if let start {
        assembler.emit(.cmp, .rax, start + whole)
      } else {
        assembler.emit(.cmp, .rax, slot(.chunkEnd))
      }
      assembler.emit(.jl, loop)
    }
    for part in 0..<(count - whole + width - 1) / width {
      let rest = count - whole - part * width
      accumulate(stage, part, count: min(rest, width), &assembler)
    }
    writeNaNs(stage, parts: (count - whole + width - 1) / width, &assembler)
    for index in stage.stage.accumulations.indices {
      writeLaneTree(lanes, stage, index, &assembler)
    }
  }

  /// Runs the program for one vector or more and lets its results meet the accumulators of as many parts of the lanes.
  private func accumulate(
    _ stage: NativeStage, _ part: Int, count: Int, vectors: Int = 1, _ assembler: inout Assembler
  ) {
    loadTaps(stage, vector: part, count: count, &assembler)
    let results = emit(stage, vector: part, count: count, vectors: vectors, &assembler)
    writeTaps(stage, of: results[0], vector: part, count: count, &assembler)
    for (number, results) in results.enumerated() {
      for (index, element) in results.prefix(stage.stage.accumulations.count).enumerated() {
        let combination = combination(stage, index)
        let lanes = combination.writeLanes(
          of: element, temporary: stage.temporaries[0], &assembler)
        let isApart = index == stage.apart
        change(stage, index, part + number, isNew: false, &assembler) {
          combination.write(
            into: $0, lanes, isPartial: count < width, temporaries: stage.temporaries,
            gathersNaNs: isApart, &$1)
        }
      }
    }
  }

  /// Notes the NaNs that the first parts of the lanes have met last, two parts at a time.
  private func writeNaNs(_ stage: NativeStage, parts: Int, _ assembler: inout Assembler) {
    guard let index = stage.apart else { return }
    for part in stride(from: 0, to: parts, by: 2) {
      let lanes = [part, min(part + 1, parts - 1)].map {
        fetch(stage, index, $0, to: 0, &assembler)
      }
      combination(stage, index).writeNaNs(
        of: lanes[0], lanes[1], to: NativeStage.gatheredNaNs, &assembler)
    }
  }

  /// Combines all lanes of an accumulation.
  private func writeLaneTree(
    _ lanes: Int, _ stage: NativeStage, _ index: Int, _ assembler: inout Assembler
  ) {
    let combination = combination(stage, index)
    let isApart = index == stage.apart
    var parts = max(1, lanes / width)
    while parts > 1 {
      parts /= 2
      for part in 0..<parts {
        let other = fetch(stage, index, part + parts, to: stage.temporaries[0], &assembler)
        change(stage, index, part, isNew: false, &assembler) {
          combination.write(
            into: $0, other, isPartial: false, temporaries: stage.temporaries, gathersNaNs: isApart,
            &$1)
        }
      }
    }
    guard lanes > 1 || isApart else { return }
    let sum = firstLanes(stage, index, &assembler)
    var temporaries = stage.temporaries
    // The lowest register of the program is free by now.
    if sum == vector(temporaries[2]) { temporaries[2] = 0 }
    combination.writeTree(
      lanes: min(lanes, width), of: sum, temporaries: temporaries, gathersNaNs: isApart,
      &assembler)
    if isApart { combination.writeNaN(ifAnyOf: NativeStage.gatheredNaNs, to: sum, &assembler) }
    if case .memory = stage.accumulators {
      assembler.emit(.mov, .rcx, slot(.scratch))
      assembler.emit(.vmovups, .at(.rcx, index * lanesBytes), sum)
    }
  }

  /// Returns the register with the first lanes of an accumulation.
  private func firstLanes(
    _ stage: NativeStage, _ index: Int, _ assembler: inout Assembler
  ) -> Register {
    fetch(stage, index, 0, to: stage.temporaries[2], &assembler)
  }

  /// Returns the register of a part of the lanes, loading it if it is in memory.
  private func fetch(
    _ stage: NativeStage, _ index: Int, _ part: Int, to temporary: Int,
    _ assembler: inout Assembler
  ) -> Register {
    if case .registers(let highest) = stage.accumulators {
      return vector(highest - index * (Reduction.maximumLanes / width) - part)
    }
    assembler.emit(.mov, .rcx, slot(.scratch))
    assembler.emit(
      .vmovups, vector(temporary), .at(.rcx, index * lanesBytes + part * 4 * width))
    return vector(temporary)
  }

  /// Changes a part of the lanes where it lies.
  private func change(
    _ stage: NativeStage, _ index: Int, _ part: Int, isNew: Bool, _ assembler: inout Assembler,
    _ body: (Register, inout Assembler) -> Void
  ) {
    guard case .memory = stage.accumulators else {
      body(fetch(stage, index, part, to: 0, &assembler), &assembler)
      return
    }
    let register = vector(stage.temporaries[2])
    if !isNew { _ = fetch(stage, index, part, to: stage.temporaries[2], &assembler) }
    body(register, &assembler)
    assembler.emit(.mov, .rcx, slot(.scratch))
    assembler.emit(.vmovups, .at(.rcx, index * lanesBytes + part * 4 * width), register)
  }

  /// Combines the results of chunks, which lie in scratch memory, and returns a register with the last.
  private func writeChunkTree(
    _ stage: NativeStage, _ index: Int, _ assembler: inout Assembler
  ) -> Register {
    let (sum, other) = (vector(stage.temporaries[2]), vector(stage.temporaries[0]))
    let start = partials(stage, index)
    assembler.emit(.mov, .rcx, slot(.scratch))
    var count = rowChunks
    while count > 1 {
      var half = 1
      while half * 2 < count { half *= 2 }
      let loop = assembler.makeLabel()
      assembler.move(0, to: .rax)
      assembler.bind(loop)
      assembler.emit(.vmovss, sum.viewed(as: .xmm), .at(.rcx, index: .rax, scale: 4, start))
      assembler.emit(
        .vmovss, other.viewed(as: .xmm), .at(.rcx, index: .rax, scale: 4, start + 4 * half))
      combination(stage, index).write(
        into: sum, other, isPartial: false, temporaries: stage.temporaries, &assembler)
      assembler.emit(.vmovss, .at(.rcx, index: .rax, scale: 4, start), sum.viewed(as: .xmm))
      assembler.emit(.inc, .rax)
      assembler.emit(.cmp, .rax, count - half)
      assembler.emit(.jl, loop)
      count = half
    }
    assembler.emit(.vmovss, sum.viewed(as: .xmm), .at(.rcx, start))
    return sum
  }
}

extension Kernel {
  /// The positions of the operands that a part reads and writes, in order; a part has those of its whole kernel.
  package var touchedOperands: (read: [Int], written: [Int]) {
    var (read, written): (Set<Int>, Set<Int>) = ([], [])
    switch body {
    case .loop(let loop):
      for stage in loop.stages {
        read.formUnion(stage.program.operandsRead)
        written.formUnion(stage.stores.map(\.operand))
        written.formUnion((stage.accumulations + stage.taps).map(\.operand))
      }
    case .contraction(let contraction):
      read = contraction.epilogue.operandsRead.union([
        contraction.left.operand, contraction.right.operand,
      ])
      written = Set(contraction.stores.map(\.operand))
    case .scatter(let scatter):
      read = [scatter.base, scatter.indices, scatter.updates]
      written = [scatter.target]
    case .sort(let sort): (read, written) = ([sort.source], [sort.target])
    case .copy: (read, written) = ([0], [1])
    case .strips:
      read = Set(operands.indices.filter { operands[$0].access == .read })
      written = Set(operands.indices.filter { operands[$0].access == .write })
    case .bundle: preconditionFailure("a bundle is looked at part by part")
    }
    // Negative numbers are locals.
    return (read.filter { $0 >= 0 }.sorted(), written.filter { $0 >= 0 }.sorted())
  }
}

extension Kernel {
  /// The kernel without operands that it neither reads nor writes; it is a single loop.
  var withoutIdleOperands: Kernel {
    guard case .loop(let loop) = body else { preconditionFailure("only loops lose operands") }
    let touched = touchedOperands
    var kernel = self
    var positions = [Int](repeating: -1, count: operands.count)
    kernel.operands = []
    for position in (touched.read + touched.written).sorted() {
      positions[position] = kernel.operands.count
      kernel.operands.append(operands[position])
    }
    kernel.body = .loop(loop.withOperands(positions))
    kernel.inPlace = inPlace.compactMap { pair in
      let (read, written) = (positions[pair.read], positions[pair.written])
      return read < 0 || written < 0 ? nil : InPlace(read: read, written: written)
    }
    return kernel
  }

  /// Takes away what the kernel, a single loop, stores to some operands, and those.
  mutating func removeStores(to positions: Set<Int>) {
    guard case .loop(var loop) = body else { preconditionFailure("only loops lose operands") }
    for index in loop.stages.indices {
      loop.stages[index].stores.removeAll { positions.contains($0.operand) }
    }
    loop.stages.removeAll { $0.kept.isEmpty }
    body = .loop(loop)
    self = withoutIdleOperands
  }
}

extension VectorProgram {
  /// The operands and locals it reads.
  var operandsRead: Set<Int> {
    Set(
      instructions.compactMap { instruction in
        switch instruction {
        case .load(let operand, _, _), .gather(let operand, _, _, _, _): operand
        case .scalar, .place, .exists, .check, .core: nil
        }
      })
  }
}

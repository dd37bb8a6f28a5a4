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
    case .bundle: preconditionFailure("a bundle is looked at part by part")
    }
    // Negative numbers are locals.
    return (read.filter { $0 >= 0 }.sorted(), written.filter { $0 >= 0 }.sorted())
  }
}

extension VectorProgram {
  /// The operands and locals it reads.
  fileprivate var operandsRead: Set<Int> {
    Set(
      instructions.compactMap { instruction in
        switch instruction {
        case .load(let operand, _, _), .gather(let operand, _, _, _, _): operand
        case .scalar, .place, .exists, .check, .core: nil
        }
      })
  }
}

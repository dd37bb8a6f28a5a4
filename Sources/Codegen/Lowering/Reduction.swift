import DescentGraph

extension KernelBuilder {
  /// Lets the elements of a reduction's operand meet in a local.
  ///
  /// Where an extremum is takes two sweeps: the first finds it, the second the least index of an element equal to it.
  /// A NaN is beyond every number, and so the extremum of its line.
  mutating func accumulate(
    _ op: Reduction, _ value: Value, _ accumulations: inout [LoopKernel.Accumulation]
  ) {
    let operand = graph[value].operands[0]
    let element = read(operand, IndexMap(identityOfRank: domain.count))
    guard op.kind.isIndex else {
      localOf[value] = meet(op.kind, element, &accumulations)
      return
    }
    guard let extremum = extremumOf[value] else {
      extremumOf[value] = meet(op.kind == .argMax ? .max : .min, element, &accumulations)
      return
    }
    let type = program.types[Int(element)]
    let best = load(local: extremum)
    var isBest = relation(.equal, type, element, best)
    if type.isFloat {
      let areNaN = truth(
        .and, relation(.notEqual, type, element, element), relation(.notEqual, type, best, best))
      isBest = truth(.or, isBest, areNaN)
    }
    let index = program.append(.place(lineAccess, .i32))
    let none = program.constant(bits: UInt64(Int32.max), .i32)
    let candidate = program.append(
      .scalar(ScalarInstruction(.select, .i32, to: .i32, isBest, index, none)))
    localOf[value] = meet(.min, candidate, &accumulations)
  }

  /// Lets a register's values meet in a local, and returns it; what meets in the same way already shares one.
  private mutating func meet(
    _ kind: Reduction.Kind, _ register: VectorProgram.Register,
    _ accumulations: inout [LoopKernel.Accumulation]
  ) -> Int {
    if let known = accumulations.first(where: { $0.kind == kind && $0.register == register }) {
      return -1 - known.operand
    }
    locals.append(LoopKernel.Local(dataType: program.types[Int(register)], isLine: false))
    accumulations.append(
      LoopKernel.Accumulation(kind: kind, register: register, operand: -locals.count))
    return locals.count - 1
  }

  private mutating func relation(
    _ op: ScalarOp, _ type: DataType, _ a: VectorProgram.Register, _ b: VectorProgram.Register
  ) -> VectorProgram.Register {
    program.append(.scalar(ScalarInstruction(op, type, to: .bool, a, b)))
  }

  private mutating func truth(
    _ op: ScalarOp, _ a: VectorProgram.Register, _ b: VectorProgram.Register
  ) -> VectorProgram.Register {
    program.append(.scalar(ScalarInstruction(op, .bool, to: .bool, a, b)))
  }
}

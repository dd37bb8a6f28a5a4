import DescentCodegen
import DescentGraph
import DescentRuntime
import Testing

#if arch(x86_64)
  /// What follows from constants alone is computed once and is there for every row.
  @Suite(.serialized) struct HoistingTests {
    /// `x * c + (c * c + c)` at every place of a matrix, whose rows do not merge, and its register.
    private var program: (program: VectorProgram, result: VectorProgram.Register) {
      var program = VectorProgram()
      let x = program.append(.load(operand: 0, Access(offset: 0, strides: [80, 1]), .f32))
      let c = program.constant(bits: UInt64(Float(3).bitPattern), .f32)
      let square = program.append(.scalar(ScalarInstruction(.fma, .f32, to: .f32, c, c, c)))
      let result = program.append(.scalar(ScalarInstruction(.fma, .f32, to: .f32, x, c, square)))
      return (program, result)
    }

    private func input(_ count: Int) -> [UInt8] {
      (0..<count).flatMap { index in
        (0..<4).map { UInt8(truncatingIfNeeded: (Float(index) / 7).bitPattern >> UInt32(8 * $0)) }
      }
    }

    @Test func inMaps() throws {
      let (program, result) = self.program
      let loop = LoopKernel(
        map: program, over: [5, 67],
        stores: [LoopKernel.Store(register: result, operand: 1)])
      try KernelBench().expectEqual(
        loop, inputs: [input(4 * 80 + 67)],
        outputs: [RandomKernel.Output(type: .f32, count: 5 * 67)])
    }

    @Test func inColumnSweeps() throws {
      let (program, result) = self.program
      let sum = LoopKernel.Accumulation(kind: .sum, register: result, operand: -1)
      var end = VectorProgram()
      let total = end.append(.load(operand: -1, Access(offset: 0, strides: [0, 1]), .f32))
      let loop = LoopKernel(
        domain: [5, 67], reduced: 0..<1,
        stages: [
          LoopKernel.Stage(isSweep: true, program: program, stores: [], accumulations: [sum]),
          // A sweep in which nothing is gathered.
          LoopKernel.Stage(
            isSweep: true, program: program,
            stores: [LoopKernel.Store(register: result, operand: 1)], accumulations: []),
          LoopKernel.Stage(
            isSweep: false, program: end,
            stores: [LoopKernel.Store(register: total, operand: 2)], accumulations: []),
        ], locals: [LoopKernel.Local(dataType: .f32, isLine: false)])
      try KernelBench().expectEqual(
        loop, inputs: [input(4 * 80 + 67)],
        outputs: [
          RandomKernel.Output(type: .f32, count: 5 * 67),
          RandomKernel.Output(type: .f32, count: 67),
        ])
    }
  }
#endif

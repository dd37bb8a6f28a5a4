import DescentCodegen
import DescentGraph
import DescentRuntime
import Testing

#if arch(x86_64)
  /// Long chains of operations run for two vectors at once, and touch no element that does not exist.
  @Suite(.serialized) struct VectorPairTests {
    /// A chain of twelve steps of x and a number of its own for each column, and its register.
    private func chain(_ strides: [Int]) -> (program: VectorProgram, result: VectorProgram.Register)
    {
      var program = VectorProgram()
      let x = program.append(.load(operand: 0, Access(offset: 0, strides: strides), .f32))
      let c = program.append(
        .load(operand: 1, Access(offset: 0, strides: strides.dropLast().map { _ in 0 } + [1]), .f32)
      )
      var last = x
      for step in 0..<12 {
        let op: ScalarOp = step % 3 == 2 ? .div : .fma
        last = program.append(
          .scalar(ScalarInstruction(op, .f32, to: .f32, last, c, op == .fma ? x : -1)))
      }
      return (program, last)
    }

    private func numbers(_ count: Int, from first: Float) -> [UInt8] {
      (0..<count).flatMap { index in
        let bits = (first + Float(index % 97) / 64).bitPattern
        return (0..<4).map { UInt8(truncatingIfNeeded: bits >> UInt32(8 * $0)) }
      }
    }

    /// Even and odd numbers of vectors of 8 and 16, with a rest and without; and blocks of 4,096 places behind which
    /// there are none, one, two or three whole vectors.
    @Test(arguments: [
      15, 32, 40, 64, 72, 80, 97, 4096 + 7, 4096 + 16, 4096 + 24, 4096 + 41, 4096 + 57,
    ])
    func inMaps(length: Int) throws {
      for rows in [1, 3] {
        let (program, result) = chain([length, 1])
        let loop = LoopKernel(
          map: program, over: [rows, length],
          stores: [LoopKernel.Store(register: result, operand: 2)])
        try KernelBench().expectEqual(
          loop, inputs: [numbers(rows * length, from: 1), numbers(length, from: 0.5)],
          outputs: [RandomKernel.Output(type: .f32, count: rows * length)])
      }
    }

    /// Every lane of a row has an accumulator of its own, which the second vector must not mistake for the first one's.
    @Test(arguments: [64, 100, 128, 200, 1024, 1100]) func inRowSweeps(length: Int) throws {
      let (program, result) = chain([length, 1])
      let sums = [Reduction.Kind.sum, .max].enumerated().map {
        LoopKernel.Accumulation(kind: $0.element, register: result, operand: -1 - $0.offset)
      }
      var end = VectorProgram()
      let totals = [-1, -2].map {
        end.append(.load(operand: $0, Access(offset: 0, strides: [1, 0]), .f32))
      }
      let loop = LoopKernel(
        domain: [3, length], reduced: 1..<2,
        stages: [
          LoopKernel.Stage(
            isSweep: true, program: program,
            stores: [LoopKernel.Store(register: result, operand: 2)], accumulations: sums),
          LoopKernel.Stage(
            isSweep: false, program: end,
            stores: totals.enumerated().map {
              LoopKernel.Store(register: $0.element, operand: 3 + $0.offset)
            }, accumulations: []),
        ], locals: [LoopKernel.Local](repeating: .init(dataType: .f32, isLine: false), count: 2))
      try KernelBench().expectEqual(
        loop, inputs: [numbers(3 * length, from: 1), numbers(length, from: 0.5)],
        outputs: [RandomKernel.Output(type: .f32, count: 3 * length)]
          + totals.map { _ in RandomKernel.Output(type: .f32, count: 3) })
    }
  }
#endif

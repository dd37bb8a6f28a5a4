import DescentCodegen
import DescentGraph
import DescentRuntime
import DescentTestSupport
import Testing

#if arch(x86_64)
  /// Truth values that a program leaves are there until they have been gathered.
  @Suite(.serialized) struct TruthValueTests {
    /// Of rows x, whether any element is above each of four bounds, beside the greatest of another function of them.
    ///
    /// The function keeps two masks busy while the truth values are made, so that these are in all that are left; and
    /// with AVX-512 extremes of numbers that may be NaN meet under a mask of their own.
    @Test(arguments: [1, 5, 16, 67, 130]) func waitWhileExtremesMeet(columns: Int) throws {
      let rows = 5
      var program = VectorProgram()
      func add(_ op: ScalarOp, _ type: DataType, to result: DataType, _ a: Int32, _ b: Int32)
        -> VectorProgram.Register
      {
        program.append(.scalar(ScalarInstruction(op, type, to: result, a, b)))
      }
      let x = program.append(.load(operand: 0, Access(offset: 0, strides: [columns, 1]), .f32))
      let bounds = [-0.5, 0.25, 0.5, 3, 0.1, 0.2].map {
        program.constant(bits: UInt64(Float($0).bitPattern), .f32)
      }
      let isAbove = bounds.map { add(.less, .f32, to: .bool, $0, x) }
      let (one, other) = (isAbove[0], isAbove[1])
      let inner = program.append(
        .scalar(ScalarInstruction(.select, .f32, to: .f32, other, bounds[0], x)))
      let chosen = program.append(
        .scalar(ScalarInstruction(.select, .f32, to: .f32, one, inner, bounds[1])))
      var end = VectorProgram()
      let types: [DataType] = [.f32, .bool, .bool, .bool, .bool]
      let results = types.enumerated().map { index, type in
        let access = Access(offset: 0, strides: [1, 0])
        let value = end.append(.load(operand: -1 - index, access, type))
        return LoopKernel.Store(register: value, operand: 1 + index)
      }
      let loop = LoopKernel(
        domain: [rows, columns], reduced: 1..<2,
        stages: [
          LoopKernel.Stage(
            isSweep: true, program: program, stores: [],
            accumulations: [LoopKernel.Accumulation(kind: .max, register: chosen, operand: -1)]
              + (0..<4).map {
                LoopKernel.Accumulation(kind: .any, register: isAbove[2 + $0], operand: -2 - $0)
              }),
          LoopKernel.Stage(isSweep: false, program: end, stores: results, accumulations: []),
        ], locals: types.map { LoopKernel.Local(dataType: $0, isLine: false) })
      var random = SplitMix64(seed: UInt64(columns))
      let elements = (0..<rows * columns).map { _ in Float(random.next() % 2000) / 1000 - 1 }
      let bytes = elements.flatMap { element in
        (0..<4).map { UInt8(truncatingIfNeeded: element.bitPattern >> UInt32(8 * $0)) }
      }
      try KernelBench().expectEqual(
        loop, inputs: [bytes],
        outputs: types.map { RandomKernel.Output(type: $0, count: rows) })
    }
  }
#endif

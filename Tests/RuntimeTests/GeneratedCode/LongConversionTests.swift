import DescentCodegen
import DescentGraph
import Testing

#if arch(x86_64)
  /// 64-bit integers become floats and floats integers as evaluation has it, at every border of either.
  @Suite(.serialized) struct LongConversionTests {
    private func bytes<T: FixedWidthInteger>(_ elements: [T]) -> [UInt8] {
      elements.flatMap { element in
        (0..<T.bitWidth / 8).map { UInt8(truncatingIfNeeded: element >> T(8 * $0)) }
      }
    }

    /// Powers of two and what lies next to them, and what lies between two floats and next to that.
    private var integers: [Int64] {
      var integers: [Int64] = [.min, .min + 1, .max, .max - 1, 0]
      for power in 0..<Int64(63) {
        for distance in Int64(-2)...2 { integers.append(1 << power &+ distance) }
        for odd in [Int64(0x100_0001), 0x1ff_ffff, 0x100_0003] where power < 39 {
          for distance in Int64(-1)...1 { integers.append(odd << power &+ distance) }
        }
      }
      return integers + integers.map { 0 &- $0 }
    }

    @Test func integersRoundToFloats() throws {
      let integers = integers
      var program = VectorProgram()
      let x = program.append(.load(operand: 0, Access(offset: 0, strides: [1]), .i64))
      let y = program.append(.scalar(ScalarInstruction(.convert, .i64, to: .f32, x)))
      let loop = LoopKernel(
        map: program, over: [integers.count],
        stores: [LoopKernel.Store(register: y, operand: 1)])
      try KernelBench().expectEqual(
        loop, inputs: [bytes(integers)],
        outputs: [RandomKernel.Output(type: .f32, count: integers.count)])
    }

    @Test func floatsTruncateToIntegers() throws {
      // Every exponent, with significands around those of powers of two, and both infinities and NaN among them.
      let floats = (UInt32(0)...255).flatMap { exponent in
        [UInt32(0), 1, 0x40_0000, 0x7f_ffff].flatMap { fraction in
          [exponent << 23 | fraction, 1 << 31 | exponent << 23 | fraction]
        }
      }
      var program = VectorProgram()
      let x = program.append(.load(operand: 0, Access(offset: 0, strides: [1]), .f32))
      let y = program.append(.scalar(ScalarInstruction(.convert, .f32, to: .i64, x)))
      let half = program.constant(bits: 32, .i64)
      let shifted = program.append(
        .scalar(ScalarInstruction(.shiftRight, .i64, to: .i64, y, half)))
      let halves = [y, shifted].map {
        program.append(.scalar(ScalarInstruction(.convert, .i64, to: .i32, $0)))
      }
      let loop = LoopKernel(
        map: program, over: [floats.count],
        stores: halves.enumerated().map {
          LoopKernel.Store(register: $0.element, operand: 1 + $0.offset)
        })
      try KernelBench().expectEqual(
        loop, inputs: [bytes(floats)],
        outputs: halves.map { _ in RandomKernel.Output(type: .i32, count: floats.count) })
    }
  }
#endif

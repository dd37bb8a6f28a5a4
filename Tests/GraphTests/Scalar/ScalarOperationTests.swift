import DescentGraph
import Testing

@Suite struct ScalarOperationTests {
  private func f32(_ op: ScalarOp, _ x: Float, _ y: Float = 0, _ z: Float = 0) -> Float {
    let step = ScalarInstruction(op, .f32, to: .f32)
    return Float(
      bitPattern: UInt32(
        step.evaluate(UInt64(x.bitPattern), UInt64(y.bitPattern), UInt64(z.bitPattern))))
  }

  private func i32(_ op: ScalarOp, _ x: Int32, _ y: Int32 = 0) -> Int32 {
    let step = ScalarInstruction(op, .i32, to: .i32)
    return Int32(
      bitPattern: UInt32(
        step.evaluate(UInt64(UInt32(bitPattern: x)), UInt64(UInt32(bitPattern: y)))))
  }

  private func convert(_ x: Double, to type: DataType) -> NDArray {
    NDArray(bits: [type.bits(of: x)], type: TensorType(type, []))
  }

  @Test func realArithmetic() {
    #expect(f32(.add, 1, 2) == 3)
    #expect(f32(.sub, 1, 2) == -1)
    #expect(f32(.mul, 3, 4) == 12)
    #expect(f32(.div, 1, 4) == 0.25)
    #expect(f32(.neg, 0).sign == .minus)
    #expect(f32(.abs, -3) == 3)
    #expect(f32(.sqrt, 9) == 3)
    #expect(f32(.sqrt, -1).isNaN)
  }

  @Test func aFusedMultiplyAddRoundsOnce() {
    let x: Float = 1 + 0x1p-23
    #expect(f32(.fma, x, x, -(1 + 0x1p-22)) == 0x1p-46)
    #expect(f32(.fma, 0x1p-100, 0x1p-49, 0) == 0x1p-149)
  }

  @Test func scalingRoundsOnce() {
    #expect(f32(.scale, 1.5, 10) == 1536)
    #expect(f32(.scale, 1, -149) == 0x1p-149)
    // Halfway between two subnormal numbers, and just above.
    #expect(f32(.scale, 1.5, -149) == 0x1p-148)
    #expect(f32(.scale, 1 + 0x1p-23, -150) == 0x1p-149)
    #expect(f32(.scale, 1, -150) == 0)
    #expect(f32(.scale, 0x1.ffp0, 127) == 0x1.ffp127)
    #expect(f32(.scale, -0x1p20, 252) == -.infinity)
    #expect(f32(.scale, 0x1p-20, -252) == 0)
    #expect(f32(.scale, .nan, 1).isNaN)
    #expect(f32(.scale, 1, .nan).isNaN)
  }

  @Test func roundingToIntegers() {
    #expect([-1.5, -0.5, 0.5, 1.5, 2.5].map { f32(.round, $0) } == [-2, -0.0, 0, 2, 2])
    #expect([-1.5, 1.5].map { f32(.floor, $0) } == [-2, 1])
    #expect([-1.5, 1.5].map { f32(.ceil, $0) } == [-1, 2])
    #expect([-1.5, 1.5].map { f32(.truncate, $0) } == [-1, 1])
    #expect(f32(.ceil, -0.5).sign == .minus)
  }

  @Test func extremesPropagateNaNAndTakeTheSecondOfEqualOperands() {
    for op in [ScalarOp.minimum, .maximum] {
      #expect(f32(op, .nan, 1).isNaN)
      #expect(f32(op, 1, .nan).isNaN)
      #expect(f32(op, 0, -0.0).sign == .minus)
      #expect(f32(op, -0.0, 0).sign == .plus)
    }
    #expect(f32(.minimum, 1, 2) == 1)
    #expect(f32(.maximum, 1, 2) == 2)
  }

  @Test func integerArithmeticWraps() {
    #expect(i32(.add, .max, 1) == .min)
    #expect(i32(.mul, 1 << 20, 1 << 20) == 0)
    #expect(i32(.neg, .min) == .min)
    #expect(i32(.abs, .min) == .min)
    #expect(i32(.div, -7, 2) == -3)
    #expect(i32(.div, 5, 0) == 0)
    #expect(i32(.div, .min, -1) == .min)
  }

  @Test func bitsAndShifts() {
    #expect(i32(.and, 12, 10) == 8)
    #expect(i32(.or, 12, 10) == 14)
    #expect(i32(.xor, 12, 10) == 6)
    #expect(i32(.not, 0) == -1)
    #expect(i32(.shiftLeft, 1, 31) == .min)
    #expect(i32(.shiftRight, -8, 1) == -4)
    #expect(i32(.shiftRightLogical, -8, 1) == Int32.max - 3)
    #expect(ScalarInstruction(.not, .bool, to: .bool).evaluate(1) == 0)
    #expect(ScalarInstruction(.not, .u8, to: .u8).evaluate(1) == 254)
  }

  @Test func conversionToIntegersCutsAndSaturates() {
    #expect(convert(-1.9, to: .i32) == NDArray(.i32([-1]), dimensions: []))
    #expect(convert(3e9, to: .i32) == NDArray(.i32([.max]), dimensions: []))
    #expect(convert(-.infinity, to: .i64) == NDArray(.i64([.min]), dimensions: []))
    #expect(convert(0x1p63, to: .i64) == NDArray(.i64([.max]), dimensions: []))
    #expect(convert(.nan, to: .i32) == NDArray(.i32([0]), dimensions: []))
    #expect(convert(-5, to: .u8) == NDArray(.u8([0]), dimensions: []))
    #expect(convert(300, to: .u8) == NDArray(.u8([255]), dimensions: []))
    #expect(convert(0.1, to: .bool) == NDArray(.bool([true]), dimensions: []))
    #expect(convert(.nan, to: .bool) == NDArray(.bool([true]), dimensions: []))
  }

  @Test func conversionOfIntegersKeepsLowBitsAndRoundsToReals() {
    func bits(_ from: DataType, _ to: DataType, _ x: UInt64) -> UInt64 {
      ScalarInstruction(.convert, from, to: to).evaluate(x)
    }
    #expect(bits(.i32, .u8, 0x1234) == 0x34)
    #expect(bits(.i32, .i64, 0xFFFF_FFFF) == .max)
    #expect(bits(.u8, .i32, 255) == 255)
    #expect(bits(.i64, .i32, 0x1_0000_0001) == 1)
    #expect(bits(.bool, .f32, 1) == UInt64(Float(1).bitPattern))
    // 2²⁴ + 1 lies between two numbers and goes to the even one; through f64 it would too, 2⁶³ − 1 goes up.
    #expect(bits(.i32, .f32, (1 << 24) + 1) == UInt64(Float(0x1p24).bitPattern))
    #expect(bits(.i64, .f32, UInt64(Int64.max)) == UInt64(Float(0x1p63).bitPattern))
  }
}

/// One machine-level operation on single elements; every one is exact by IEEE 754 or two's complement.
///
/// This is the whole vocabulary that the interpreter and every backend must agree on. Floating-point
/// results are correctly rounded; subnormals are kept; integer arithmetic wraps.
package enum ScalarOp: UInt8, Hashable, Sendable, Codable, CaseIterable {
  /// The immediate's bits.
  case constant
  /// x + y, x − y, x · y.
  case add, sub, mul
  /// x / y; integers toward zero, 0 where y is 0, wrapping where the quotient does not fit.
  case div
  /// x · y + z, rounded once; floats only.
  case fma
  /// x · 2ʸ for an integral y, rounded once; f32 only.
  ///
  /// Machines without an instruction for it multiply twice, which is the same while the first product is exact or
  /// the second is 0 or infinite. So x is 0, NaN or from 2⁻²⁰ to 2²⁰ in magnitude, and |y| ≤ 252.
  case scale
  /// Minus x (the sign bit of floats flips); x without its sign.
  case neg, abs
  /// The square root, and rounding to integers in floating point: down, up, ties to even, toward zero.
  case sqrt, floor, ceil, round, truncate
  /// x if x < y (x > y) else y; a NaN operand makes the result NaN.
  case minimum, maximum
  /// Relations; the result is bool.
  case equal, notEqual, less, lessEqual
  /// Bits of integers and truth values.
  case and, or, xor, not
  /// Shifts by y bits, 0 ≤ y < width; left, right copying the sign, right filling with zeros.
  case shiftLeft, shiftRight, shiftRightLogical
  /// y where the truth value x holds, else z.
  case select
  /// The nearest value of the result type; floats to integers toward zero, saturating, NaN to 0;
  /// to bool: whether it is not 0; integers to narrower ones keep the low bits.
  case convert
  /// The same bits as another type of the same width.
  case bitcast
}

extension ScalarOp {
  /// Added to an integral float it leaves the integer + 254 in the low bits: 1.5 · 2²³, and twice an exponent's bias.
  package static let scaleShifter: Float = 0x1.8p23 + 254
}

/// One step of a scalar program; it defines the register of its own position.
package struct ScalarInstruction: Hashable, Sendable, Codable {
  /// What is computed.
  package let op: ScalarOp
  /// The type of the operands (of the second operand for `select`); for constants, of the result.
  package let type: DataType
  /// The type of the result.
  package let result: DataType
  /// The operand registers; unused ones are −1.
  package let a: Int32
  package let b: Int32
  package let c: Int32
  /// The bits of a constant, in the low bytes.
  package let immediate: UInt64

  /// Creates a step.
  package init(
    _ op: ScalarOp, _ type: DataType, to result: DataType, _ a: Int32 = -1, _ b: Int32 = -1,
    _ c: Int32 = -1, immediate: UInt64 = 0
  ) {
    self.op = op
    self.type = type
    self.result = result
    self.a = a
    self.b = b
    self.c = c
    self.immediate = immediate
  }

  /// The operand registers in use.
  package var operands: [Int32] { [a, b, c].filter { $0 >= 0 } }
}

/// A straight line of scalar operations: what an elementwise function means, to the bit.
///
/// Registers 0 ..< parameters.count are the parameters; instruction i defines the register after them.
package struct ScalarProgram: Hashable, Sendable, Codable {
  /// The types of the parameters.
  package let parameters: [DataType]
  /// The steps in order.
  package let instructions: [ScalarInstruction]
  /// The register that holds the result.
  package let result: Int32

  /// Creates a program.
  package init(parameters: [DataType], instructions: [ScalarInstruction], result: Int32) {
    self.parameters = parameters
    self.instructions = instructions
    self.result = result
  }
}

extension ScalarProgram {
  /// The number of scalar operations; a fused multiply-add counts as two, constants and bit casts as none.
  package var flops: Int {
    instructions.reduce(0) { sum, step in
      switch step.op {
      case .constant, .bitcast: sum
      case .fma: sum + 2
      default: sum + 1
      }
    }
  }
}

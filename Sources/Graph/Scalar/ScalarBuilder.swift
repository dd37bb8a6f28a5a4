/// Writes a scalar program step by step; equal steps become one.
///
/// Programs read like formulas: values carry their builder, and the operators add steps.
package final class ScalarBuilder {
  private let parameters: [DataType]
  private var instructions: [ScalarInstruction] = []
  private var interned: [ScalarInstruction: Int32] = [:]

  /// Creates an empty program over parameters.
  package init(parameters: [DataType]) {
    self.parameters = parameters
  }

  /// Returns the program that a body writes over parameters.
  package static func program(
    _ parameters: [DataType], _ body: ([ScalarValue]) -> ScalarValue
  ) -> ScalarProgram {
    let builder = ScalarBuilder(parameters: parameters)
    let result = body(
      parameters.indices.map { ScalarValue(builder, Int32($0), parameters[$0]) })
    return ScalarProgram(
      parameters: parameters, instructions: builder.instructions, result: result.register)
  }

  /// Adds a step, or finds the equal one that is there already.
  package func add(_ instruction: ScalarInstruction) -> ScalarValue {
    let next = Int32(parameters.count + instructions.count)
    let register = interned.value(for: instruction, inserting: next)
    if register == next { instructions.append(instruction) }
    return ScalarValue(self, register, instruction.result)
  }

  /// Adds the steps of a whole program over values, and returns its result.
  package func inline(_ program: ScalarProgram, _ arguments: [ScalarValue]) -> ScalarValue {
    var values = arguments
    for step in program.instructions {
      func register(_ operand: Int32) -> Int32 {
        operand < 0 ? -1 : values[Int(operand)].register
      }
      values.append(
        add(
          ScalarInstruction(
            step.op, step.type, to: step.result, register(step.a), register(step.b),
            register(step.c), immediate: step.immediate)))
    }
    return values[Int(program.result)]
  }
}

/// A register of a program that is being written.
package struct ScalarValue {
  package let builder: ScalarBuilder
  package let register: Int32
  package let type: DataType

  fileprivate init(_ builder: ScalarBuilder, _ register: Int32, _ type: DataType) {
    self.builder = builder
    self.register = register
    self.type = type
  }

  /// Returns a constant, of this value's type unless another is given.
  package func constant(_ number: Double, _ type: DataType? = nil) -> ScalarValue {
    constant(bits: (type ?? self.type).bits(of: number), type)
  }

  /// Returns the constant with the given bits, of this value's type unless another is given.
  package func constant(bits: UInt64, _ type: DataType? = nil) -> ScalarValue {
    let type = type ?? self.type
    return builder.add(ScalarInstruction(.constant, type, to: type, immediate: bits))
  }

  /// Returns an operation of this value alone.
  package func apply(_ op: ScalarOp, to result: DataType? = nil) -> ScalarValue {
    builder.add(ScalarInstruction(op, type, to: result ?? type, register))
  }

  /// Returns an operation of this value and another.
  package func apply(
    _ op: ScalarOp, _ other: ScalarValue, to result: DataType? = nil
  ) -> ScalarValue {
    builder.add(ScalarInstruction(op, type, to: result ?? type, register, other.register))
  }

  /// The same bits as another type.
  package func bitcast(_ type: DataType) -> ScalarValue { apply(.bitcast, to: type) }

  /// Returns this value · y + z, rounded once.
  package func fma(_ y: ScalarValue, _ z: ScalarValue) -> ScalarValue {
    builder.add(ScalarInstruction(.fma, type, to: type, register, y.register, z.register))
  }

  /// Returns this value · y + z, rounded once.
  package func fma(_ y: Double, _ z: ScalarValue) -> ScalarValue { fma(constant(y), z) }

  /// Returns the first value where this truth value holds, else the second.
  package func select(_ yes: ScalarValue, _ no: ScalarValue) -> ScalarValue {
    builder.add(
      ScalarInstruction(.select, yes.type, to: yes.type, register, yes.register, no.register))
  }

  /// Returns the sum of c[i] · xⁱ by Horner's rule with fused multiply-adds; the last c is the highest power's.
  package func polynomial(_ coefficients: [Double]) -> ScalarValue {
    var sum = constant(coefficients[coefficients.count - 1])
    for coefficient in coefficients.dropLast().reversed() {
      sum = sum.fma(self, constant(coefficient))
    }
    return sum
  }
}

extension ScalarValue {
  package static func + (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.add, y) }
  package static func - (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.sub, y) }
  package static func * (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.mul, y) }
  package static func / (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.div, y) }
  package static func & (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.and, y) }
  package static func | (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.or, y) }
  package static func ^ (x: ScalarValue, y: ScalarValue) -> ScalarValue { x.apply(.xor, y) }
  package static prefix func - (x: ScalarValue) -> ScalarValue { x.apply(.neg) }

  package static func + (x: ScalarValue, y: Double) -> ScalarValue { x + x.constant(y) }
  package static func - (x: ScalarValue, y: Double) -> ScalarValue { x - x.constant(y) }
  package static func * (x: ScalarValue, y: Double) -> ScalarValue { x * x.constant(y) }

  package static func << (x: ScalarValue, y: Double) -> ScalarValue {
    x.apply(.shiftLeft, x.constant(y))
  }

  package static func == (x: ScalarValue, y: ScalarValue) -> ScalarValue {
    x.apply(.equal, y, to: .bool)
  }
  package static func < (x: ScalarValue, y: ScalarValue) -> ScalarValue {
    x.apply(.less, y, to: .bool)
  }
  package static func <= (x: ScalarValue, y: ScalarValue) -> ScalarValue {
    x.apply(.lessEqual, y, to: .bool)
  }
  package static func == (x: ScalarValue, y: Double) -> ScalarValue { x == x.constant(y) }
  package static func < (x: ScalarValue, y: Double) -> ScalarValue { x < x.constant(y) }
  package static func <= (x: ScalarValue, y: Double) -> ScalarValue { x <= x.constant(y) }

  /// Returns the value, or the bound where it lies beyond; NaN stays NaN.
  ///
  /// The bound is the first operand: then one machine instruction does it, since those give the second
  /// operand where either is NaN.
  package func atMost(_ bound: Double) -> ScalarValue { constant(bound).apply(.minimum, self) }

  /// Returns the value, or the bound where it lies below; NaN stays NaN.
  package func atLeast(_ bound: Double) -> ScalarValue { constant(bound).apply(.maximum, self) }
}

/// Functions of each element alone; all operands have the shape of the result.
public enum Elementwise: Hashable, Sendable {
  /// A function of one number.
  case unary(UnaryFunction)
  /// A function of two numbers of one type.
  case binary(BinaryFunction)
  /// A relation between two numbers of one type; the result is `bool`.
  case compare(Comparison)
  /// The second operand where the first is true, else the third.
  case select
  /// Conversion to another element type.
  case cast(DataType)
  /// One of the four words that `Philox` makes of two key words and two counter words; the other counter words are 0.
  case philox(word: Int)
}

/// A function of one number.
public enum UnaryFunction: String, Hashable, Sendable, CaseIterable, Codable {
  case neg, abs, sign, sqrt, exp, log, sin, cos, atan, tanh, sigmoid, erf, floor, ceil, round, relu,
    not
  case stopGradient
}

/// A function of two numbers of one type.
public enum BinaryFunction: String, Hashable, Sendable, CaseIterable, Codable {
  case add, sub, mul, div, pow, minimum, maximum, remainder, and, or, xor
}

/// A relation between two numbers of one type.
public enum Comparison: String, Hashable, Sendable, CaseIterable, Codable {
  case equal, notEqual, less, lessEqual, greater, greaterEqual
}

extension Elementwise: OpDefinition {
  package var name: String {
    switch self {
    case .unary(let function): function.rawValue
    case .binary(let function): function.rawValue
    case .compare(let relation): relation.rawValue
    case .select: "select"
    case .cast: "cast"
    case .philox: "philox"
    }
  }

  package var summary: String {
    switch self {
    case .unary(let function): function.summary
    case .binary(let function): function.summary
    case .compare(let relation): "whether \(relation.sentence)"
    case .select: "the second operand where the first is true, else the third"
    case .cast: "the nearest value of another element type; to integers toward zero, saturating"
    case .philox: "a random word of two key words and two counter words"
    }
  }

  package var attributes: Attributes {
    switch self {
    case .cast(let dataType): Attributes().with("to", .word(dataType.description))
    case .philox(let word): Attributes().with("word", word)
    case .unary, .binary, .compare, .select: Attributes()
    }
  }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    switch self {
    case .unary(let function):
      try expect(1, operands)
      try expect(operands[0], in: function.domain)
      return operands[0]
    case .binary(let function):
      try expect(2, operands)
      try expectEqual(operands)
      try expect(operands[0], in: function.domain)
      return operands[0]
    case .compare:
      try expect(2, operands)
      try expectEqual(operands)
      return TensorType(.bool, operands[0].shape)
    case .select:
      try expect(3, operands)
      try expectEqual([TensorType(.bool, operands[1].shape), operands[0]])
      try expectEqual([operands[1], operands[2]])
      return operands[1]
    case .cast(let dataType):
      try expect(1, operands)
      return TensorType(dataType, operands[0].shape)
    case .philox(let word):
      try expect(4, operands)
      try expectEqual(operands)
      guard operands[0].dataType == .i32 else {
        throw GraphError("philox: needs words of type i32, not \(operands[0])")
      }
      guard (0..<4).contains(word) else {
        throw GraphError("philox: there is no word \(word) of 4")
      }
      return operands[0]
    }
  }

  package static var samples: [Elementwise] {
    UnaryFunction.allCases.map(Elementwise.unary) + BinaryFunction.allCases.map(Elementwise.binary)
      + Comparison.allCases.map(Elementwise.compare) + [.select, .cast(.f32), .philox(word: 0)]
  }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Elementwise? {
    if let function = UnaryFunction(rawValue: name) { return .unary(function) }
    if let function = BinaryFunction(rawValue: name) { return .binary(function) }
    if let relation = Comparison(rawValue: name) { return .compare(relation) }
    switch name {
    case "select": return .select
    case "cast":
      let word = try attributes.word("to")
      guard let dataType = DataType(name: word) else {
        throw GraphError("cast: \(word) is not an element type")
      }
      return .cast(dataType)
    case "philox": return .philox(word: try attributes.integer("word"))
    default: return nil
    }
  }
}

extension UnaryFunction {
  /// The element types the function is defined for.
  package var domain: Domain {
    switch self {
    case .neg, .abs, .sign, .relu: .numbers
    case .sqrt, .exp, .log, .sin, .cos, .atan, .tanh, .sigmoid, .erf, .floor, .ceil, .round: .floats
    case .not: .bits
    case .stopGradient: .any
    }
  }

  /// One line that says what the function computes.
  package var summary: String {
    switch self {
    case .neg: "minus x"
    case .abs: "x without its sign"
    case .sign: "−1, 0 or 1 by the sign of x; NaN and zeros stay as they are"
    case .sqrt: "the square root, correctly rounded"
    case .exp: "e to the power x"
    case .log: "the natural logarithm"
    case .sin: "the sine of x radians"
    case .cos: "the cosine of x radians"
    case .atan: "the arc tangent in radians"
    case .tanh: "the hyperbolic tangent"
    case .sigmoid: "1 / (1 + exp(−x))"
    case .erf: "the error function"
    case .floor: "the greatest integer at or below x"
    case .ceil: "the least integer at or above x"
    case .round: "the nearest integer, ties to even"
    case .relu: "+0 where x ≤ 0, else x; NaN stays NaN"
    case .not: "every bit inverted; the other truth value"
    case .stopGradient: "x itself, which differentiation takes for a constant"
    }
  }
}

extension BinaryFunction {
  /// The element types the function is defined for.
  package var domain: Domain {
    switch self {
    case .add, .sub, .mul, .div, .minimum, .maximum, .remainder: .numbers
    case .pow: .floats
    case .and, .or, .xor: .bits
    }
  }

  /// One line that says what the function computes.
  package var summary: String {
    switch self {
    case .add: "x + y"
    case .sub: "x − y"
    case .mul: "x · y"
    case .div: "x / y; integers toward zero, and 0 where y is 0"
    case .pow: "x to the power y"
    case .minimum: "the lesser; NaN if either is; of equal operands the second"
    case .maximum: "the greater; NaN if either is; of equal operands the second"
    case .remainder: "x − y·floor(x / y), with the sign of y; integers give 0 where y is 0"
    case .and: "bits set in both"
    case .or: "bits set in either"
    case .xor: "bits set in exactly one"
    }
  }
}

extension Comparison {
  /// The relation in words.
  package var sentence: String {
    switch self {
    case .equal: "x = y, which NaN is to nothing"
    case .notEqual: "x ≠ y, which NaN is to everything"
    case .less: "x < y"
    case .lessEqual: "x ≤ y"
    case .greater: "x > y"
    case .greaterEqual: "x ≥ y"
    }
  }
}

extension Elementwise {
  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    // A function that only the C library computes in double precision counts as its f32 program.
    let types = operands.map(\.dataType)
    let program = program(
      for: isExpanded(for: types[0]) ? types : types.map { $0 == .f64 ? .f32 : $0 })
    return Cost(
      flops: result.shape.count * program.flops, operands: operands, result: result)
  }
}

import DescentGraph
import DescentPasses
import Testing

/// No operation is without a gradient or a reason, operand by operand.
@Suite struct RuleTableTests {
  @Test func everyOperationHasARuleOrAReason() {
    var lines: [String] = []
    for op in Op.samples {
      guard let operands = example(of: op) else {
        lines.append("\(op.name): leaf")
        continue
      }
      for position in operands.indices {
        if let reason = op.noGradientReason(at: position) {
          lines.append("\(op.name) \(position): \(reason)")
        } else {
          #expect(operands[position].dataType.isFloat, "\(op.name) \(position)")
        }
      }
    }
    #expect(lines == Self.reasons)
  }

  static let reasons = [
    "input: leaf", "parameter: leaf", "state: leaf", "constant: leaf", "iota: leaf", "size: leaf",
    "sign 0: its derivative is 0 wherever it has one",
    "floor 0: its derivative is 0 wherever it has one",
    "ceil 0: its derivative is 0 wherever it has one",
    "round 0: its derivative is 0 wherever it has one",
    "not 0: its operand is bits, not a real number",
    "stopGradient 0: it was asked to stop it",
    "and 0: its operands are bits, not real numbers",
    "and 1: its operands are bits, not real numbers",
    "or 0: its operands are bits, not real numbers",
    "or 1: its operands are bits, not real numbers",
    "xor 0: its operands are bits, not real numbers",
    "xor 1: its operands are bits, not real numbers",
    "equal 0: its result is a truth value", "equal 1: its result is a truth value",
    "notEqual 0: its result is a truth value", "notEqual 1: its result is a truth value",
    "less 0: its result is a truth value", "less 1: its result is a truth value",
    "lessEqual 0: its result is a truth value", "lessEqual 1: its result is a truth value",
    "greater 0: its result is a truth value", "greater 1: its result is a truth value",
    "greaterEqual 0: its result is a truth value", "greaterEqual 1: its result is a truth value",
    "select 0: its condition is a truth value",
    "philox 0: its result is a random word", "philox 1: its result is a random word",
    "philox 2: its result is a random word", "philox 3: its result is a random word",
    "any 0: its result is a truth value", "all 0: its result is a truth value",
    "argMax 0: its result is an index", "argMin 0: its result is an index",
    "gather 1: its indices are whole numbers", "scatterAdd 1: its indices are whole numbers",
    "oneHot 0: its operand is an index", "argSort 0: its result is whole numbers",
  ]

  /// Wherever there is a rule, it adds nodes that give the operand's type, for bound and symbolic shapes.
  @Test(arguments: [Extent(offset: 4), .batch]) func rulesKeepTypes(rows: Extent) throws {
    for op in Op.samples {
      guard let operands = example(of: op, rows: rows) else { continue }
      let builder = GraphBuilder(name: "rule")
      var values: [Value] = []
      for (position, type) in operands.enumerated() {
        values.append(
          try builder.insert(.leaf(.input(name: "x\(position)", type)), origin: .unknown))
      }
      let result = try builder.insert(op, values, origin: .unknown)
      let gradients = builder.gradients(of: result, withRespectTo: values)
      #expect(builder.errors == [], "\(op.name)")
      for (position, gradient) in gradients.enumerated() {
        let hasRule =
          op.noGradientReason(at: position) == nil && operands[position].dataType.isFloat
        #expect((gradient != nil) == hasRule, "\(op.name) \(position)")
        if let gradient { #expect(gradient.type == operands[position], "\(op.name) \(position)") }
      }
    }
  }

  @Test func castBetweenRealNumbersPassesAndEndsAtIntegers() {
    #expect(Op.elementwise(.cast(.f64)).noGradientReason(at: 0) == nil)
    #expect(Op.elementwise(.cast(.i32)).noGradientReason(at: 0) == "its result is i32")
    #expect(Op.elementwise(.cast(.bool)).noGradientReason(at: 0) == "its result is bool")
  }

  /// Returns operand types that a sample accepts, or nil for leaves.
  private func example(of op: Op, rows: Extent = 2) -> [TensorType]? {
    let real = TensorType(.f32, [rows, 3])
    let truth = TensorType(.bool, [rows, 3])
    let fixed = TensorType(.f32, [2, 3])
    switch op {
    case .leaf: return nil
    case .elementwise(.unary(.not)): return [truth]
    case .elementwise(.unary), .elementwise(.cast): return [real]
    case .elementwise(.binary(.and)), .elementwise(.binary(.or)), .elementwise(.binary(.xor)):
      return [truth, truth]
    case .elementwise(.binary), .elementwise(.compare): return [real, real]
    case .elementwise(.select): return [truth, real, real]
    case .elementwise(.philox):
      return [TensorType](repeating: TensorType(.i32, [rows, 3]), count: 4)
    case .reduction(let reduction):
      return [reduction.kind == .any || reduction.kind == .all ? truth : real]
    case .movement(.reshape): return [fixed]
    case .movement(.broadcast), .movement(.slice): return [fixed]
    case .movement(.concatenate): return [real, fixed, real]
    case .movement: return [real]
    case .contraction: return [real, TensorType(.f32, [3, rows])]
    case .convolution(let convolution):
      let second: Shape = convolution.kernel == nil ? [2, 3, 2, 6] : [rows, 4, 3, 6]
      return [TensorType(.f32, [rows, 4, 5, 2]), TensorType(.f32, second)]
    case .winograd(let winograd):
      let planes = Extent(offset: winograd.planes)
      switch winograd.transform {
      case .image: return [TensorType(.f32, [rows, 8, 4, 3])]
      case .kernel: return [TensorType(.f32, [3, 3, 2, rows])]
      case .cotangent: return [TensorType(.f32, [4, 2, rows])]
      case .result: return [TensorType(.f32, [planes, 2, 1, rows])]
      case .kernelGradient: return [TensorType(.f32, [planes, 1, 1, rows])]
      }
    case .index(.gather): return [real, TensorType(.i32, [rows, 5])]
    case .index(.scatterAdd):
      return [real, TensorType(.i32, [rows, 5]), TensorType(.f32, [rows, 5, 3])]
    case .index(.oneHot): return [TensorType(.i32, [rows])]
    case .index(.argSort): return [fixed]
    }
  }
}

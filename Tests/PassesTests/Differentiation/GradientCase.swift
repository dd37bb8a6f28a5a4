import DescentGraph
import DescentTestSupport
import Testing

/// One expression whose gradient is compared with finite differences.
struct GradientCase: Sendable, CustomTestStringConvertible {
  /// A tensor of real numbers that the expression depends on.
  struct Operand: Sendable {
    let shape: Shape
    let range: ClosedRange<Double>
  }

  let name: String
  let operands: [Operand]
  let body: @Sendable ([Tensor]) -> Tensor

  init(_ name: String, _ operands: [Operand], _ body: @escaping @Sendable ([Tensor]) -> Tensor) {
    self.name = name
    self.operands = operands
    self.body = body
  }

  var testDescription: String {
    name + operands.map { " \($0.shape)" }.joined()
  }

  /// The sum of the expression's elements, each times its own fixed weight, as output `loss`.
  ///
  /// Everything is double precision, so that finite differences have digits to compare.
  func graph() -> Graph {
    Graph(name) { g in
      let tensors = operands.enumerated().map { g.input("x\($0)", $1.shape, .f64) }
      let result = body(tensors)
      g.output("loss", weightedSum(result, seed: 1))
    }
  }

  var leaves: [String] { operands.indices.map { "x\($0)" } }

  /// Elements drawn evenly from each operand's range.
  func point() -> [String: NDArray] {
    var random = SplitMix64(seed: 7)
    var arrays: [String: NDArray] = [:]
    for (position, operand) in operands.enumerated() {
      let elements = (0..<operand.shape.count).map { _ in
        Double.random(in: operand.range, using: &random)
      }
      arrays["x\(position)"] = NDArray(.f64(elements), dimensions: operand.shape.dimensions)
    }
    return arrays
  }
}

/// Returns Σ wᵢ·xᵢ with fixed random weights, so that no two elements' errors cancel.
func weightedSum(_ tensor: Tensor, seed: UInt64) -> Tensor {
  guard !tensor.isPlaceholder else { return tensor }
  var random = SplitMix64(seed: seed)
  let weights = (0..<tensor.shape.count).map { _ in Double.random(in: 0.5...1.5, using: &random) }
  let array = NDArray(.f64(weights), dimensions: tensor.shape.dimensions)
  return (tensor.cast(to: .f64) * tensor.builder.constant(array)).sum()
}

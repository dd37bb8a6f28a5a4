import Descent

/// One computation that is measured: a graph of fixed shapes, and what it must cost at least.
struct Workload: Sendable {
  enum Kind: Sendable {
    /// The output is `y`.
    case inference
    /// The output is the loss, which is minimised.
    case training(Optimizer)
    /// The derivatives of `y`, weighed by the input `dy`, by some leaves.
    case gradient([String])

    var name: String {
      switch self {
      case .inference: "infer"
      case .training: "train"
      case .gradient: "vjp"
      }
    }
  }

  struct Input: Sendable {
    let name: String
    let dimensions: [Int]
    /// Where the input holds class numbers, how many classes there are.
    var classes: Int?
  }

  struct Parameter: Sendable {
    let name: String
    let dimensions: [Int]

    var count: Int { dimensions.reduce(1, *) }

    /// Scales begin at one, shifts at zero, weights at the deviation that suits their fan-in.
    var initializer: Initializer {
      if name.hasSuffix("_g") { return .ones }
      if name.hasSuffix("_b") { return .zeros }
      let fan = dimensions.count > 1 ? dimensions[0] : 1
      return .normal(mean: 0, deviation: (2 / Double(fan)).squareRoot())
    }
  }

  /// The tensors a body is written with, by name.
  typealias Body = @Sendable (_ leaves: [String: Tensor]) -> Tensor

  let name: String
  var kind = Kind.inference
  let inputs: [Input]
  var parameters: [Parameter] = []
  /// Floating-point operations of all matrix products.
  var operations = 0.0
  /// Bytes that must move to or from memory where no cache holds them.
  var bytes = 0
  /// Whether writes are among them.
  var writes = false
  let body: Body

  /// Returns the graph that is measured, with the outputs that are wanted.
  func graph() throws -> (graph: Graph, outputs: [String]) {
    let graph = Graph(name) { g in
      var leaves: [String: Tensor] = [:]
      for input in inputs {
        leaves[input.name] = g.input(
          input.name, Shape(input.dimensions), input.classes == nil ? .f32 : .i32)
      }
      for parameter in parameters {
        leaves[parameter.name] = g.parameter(
          parameter.name, Shape(parameter.dimensions), parameter.initializer)
      }
      let result = body(leaves)
      if case .gradient = kind, let weight = leaves["dy"] {
        g.output("y", (result * weight).sum())
      } else {
        g.output("y", result)
      }
    }
    switch kind {
    case .inference: return (graph, ["y"])
    case .training(let optimizer): return (try graph.minimizing("y", with: optimizer), ["y"])
    case .gradient(let leaves):
      let names = leaves.map { "dy/d\($0)" }
      return (try graph.gradient(of: "y", withRespectTo: leaves), names)
    }
  }
}

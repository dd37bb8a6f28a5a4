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
    /// How a file holds the elements, where that is not as the graph wants them.
    var layout: Layout?
  }

  /// The order of axes in a file of weights.
  struct Layout: Sendable {
    /// The extents in the file, which may divide an axis there into several.
    let dimensions: [Int]
    /// Which of them comes first, second and so on in the graph.
    let axes: [Int]

    /// What holds its channels before height and width there and behind them here.
    static func channelsFirst(_ dimensions: [Int]) -> Layout {
      Layout(dimensions: dimensions, axes: [0] + dimensions.indices.dropFirst(2) + [1])
    }
  }

  struct Parameter: Sendable {
    let name: String
    let dimensions: [Int]
    /// How a file holds the elements, where that is not as the graph wants them.
    var layout: Layout?
    /// Whether the plan keeps it from step to step without training it.
    var isState = false

    var count: Int { dimensions.reduce(1, *) }

    /// Scales and variances begin at one, shifts and means at zero, weights at the deviation that suits their fan-in.
    var initializer: Initializer {
      if name.hasSuffix("_g") || name.hasSuffix("_v") { return .ones }
      if name.hasSuffix("_b") || name.hasSuffix("_m") { return .zeros }
      let fan = dimensions.dropLast().reduce(1, *)
      return .normal(mean: 0, deviation: (2 / Double(fan)).squareRoot())
    }
  }

  /// The tensors a body is written with, by name, and the graph they stand in.
  struct Leaves {
    fileprivate(set) var tensors: [String: Tensor] = [:]
    let builder: GraphBuilder

    subscript(name: String) -> Tensor? { tensors[name] }
  }

  /// Returns the output, from the leaves.
  typealias Body = @Sendable (_ leaves: Leaves) -> Tensor

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
      var leaves = Leaves(builder: g)
      for input in inputs {
        leaves.tensors[input.name] = g.input(
          input.name, Shape(input.dimensions), input.classes == nil ? .f32 : .i32)
      }
      for parameter in parameters {
        let shape = Shape(parameter.dimensions)
        leaves.tensors[parameter.name] =
          parameter.isState
          ? g.state(parameter.name, shape, .f32, parameter.initializer)
          : g.parameter(parameter.name, shape, parameter.initializer)
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

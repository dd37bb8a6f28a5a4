package import DescentGraph

/// A lawful graph made from a seed, with inputs that fit it: what differential tests run on.
///
/// The same seed and options give the same graph on every machine. Print the seed when a test fails;
/// `RandomGraph(seed: 17).graph.text` then shows the case.
package struct RandomGraph: Sendable {
  /// What graphs are to be like.
  package struct Options: Sendable {
    /// How many operations are drawn; composites, and bringing operands to one shape, add more nodes.
    package var steps: ClosedRange<Int> = 3...20
    /// The greatest number of axes drawn for leaves.
    package var maximumRank: Int = 4
    /// The greatest extent drawn for leaves.
    package var maximumExtent: Int = 5
    /// Values of more elements are not built upon.
    package var maximumElements: Int = 600
    /// Whether axes may be empty.
    package var allowsEmpty: Bool = true
    /// Whether inputs hold NaN, infinities and extreme numbers.
    package var allowsSpecials: Bool = true
    /// Whether leading axes of inputs may be `.batch`.
    package var allowsBatch: Bool = false
    /// Whether integers and truth values are drawn; indices and conditions are in any case.
    package var allowsIntegers: Bool = true
    /// Whether there are parameters and an output "loss" that depends smoothly on each of them.
    ///
    /// Then special numbers and empty axes are left out, and operations keep numbers moderate.
    package var isTrainable: Bool = false
    /// Whether the loss is minimised by a random optimizer; needs `isTrainable`.
    package var minimizes: Bool = false

    /// Creates the defaults: forward graphs of everything.
    package init() {}

    /// Graphs with parameters and a loss, to be differentiated.
    package static var trainable: Options {
      var options = Options()
      options.isTrainable = true
      return options
    }

    /// Training steps: graphs with parameters, a loss and an optimizer.
    package static var training: Options {
      var options = Options.trainable
      options.minimizes = true
      return options
    }
  }

  /// The number the graph is made from.
  package let seed: UInt64
  /// The graph.
  package let graph: Graph
  /// An array for each input, of the type it has at `batch`; indices are in range.
  package let inputs: [String: NDArray]
  /// What `.batch` is to be bound to; the inputs have this size.
  package let batch: Int
  /// The names of the parameters.
  package let parameters: [String]

  /// Creates the graph of a seed.
  package init(seed: UInt64, _ options: Options = Options()) {
    var drawing = RandomGraphDrawing(seed: seed, options)
    let objective = drawing.draw()
    let graph = drawing.builder.build(objective: objective)
    precondition(graph.errors.isEmpty, "random graph \(seed) has mistakes: \(graph.errors)")
    self.seed = seed
    self.graph = graph
    inputs = drawing.inputs
    batch = drawing.batch
    parameters = drawing.parameters.map(\.name)
  }

  /// The value of the output "loss", where the options ask for one.
  package var loss: Value? { graph.output("loss") }

  /// Returns inputs that fit the same graph, other numbers in them; step 0 gives `inputs` again.
  package func inputs(step: UInt64) -> [String: NDArray] {
    guard step != 0 else { return inputs }
    var random = SplitMix64(seed: seed ^ (step &* 0xd129_0a5f_c5b2_91d3))
    var result: [String: NDArray] = [:]
    for (name, array) in inputs.sorted(by: { $0.key < $1.key }) {
      // Shuffled elements keep every promise: indices stay in range, specials stay where they are allowed.
      result[name] = array.shuffled(using: &random)
    }
    return result
  }
}

extension NDArray {
  fileprivate func shuffled(using random: inout SplitMix64) -> NDArray {
    let storage: Storage =
      switch storage {
      case .f32(let elements): .f32(elements.shuffled(using: &random))
      case .f64(let elements): .f64(elements.shuffled(using: &random))
      case .i32(let elements): .i32(elements.shuffled(using: &random))
      case .i64(let elements): .i64(elements.shuffled(using: &random))
      case .u8(let elements): .u8(elements.shuffled(using: &random))
      case .bool(let elements): .bool(elements.shuffled(using: &random))
      }
    return NDArray(storage, dimensions: dimensions)
  }
}

public import DescentGraph

/// A stack of layers with the shape of what goes in: a network, checked as a whole.
///
/// ```swift
/// let model = try Model(input: [784]) { Dense(128); ReLU(); Dense(10) }
/// ```
/// A model is a value without weights. Its graph takes `inputs` and returns `prediction`; a `Trainer` or a session
/// owns the weights. Called on a tensor it becomes part of any graph, and of any other model.
public struct Model: Module, Identified {
  /// The name dumps show.
  public let name: String
  /// The layers.
  public let layers: Block
  /// The type of the operand; its first axis is the batch.
  public let input: TensorType
  /// The forward graph, from `inputs` to `prediction`.
  public let graph: Graph
  /// What each layer makes and costs.
  public let summary: ModelSummary
  let identity: LayerIdentity

  /// The name of the graph's input.
  public static let inputName: String = "inputs"
  /// The name of the graph's result.
  public static let outputName: String = "prediction"

  /// Creates a model from layers and checks that they fit.
  ///
  /// - Parameters:
  ///   - name: The name dumps show.
  ///   - shape: The shape of one example, without the batch.
  ///   - dataType: The element type of an example.
  ///   - file: The file the model is written in.
  ///   - line: The line the model is written on.
  ///   - layers: The layers, one after the other.
  /// - Throws: Every mistake in the layers, with the layer's line and place.
  public init(
    _ name: String = "model", input shape: Shape, _ dataType: DataType = .f32,
    file: String = #fileID, line: Int = #line, @LayerBuilder layers: () -> Block
  ) throws(GraphErrors) {
    self.name = name
    self.layers = layers()
    identity = LayerIdentity(file: file, line: line)
    input = TensorType(dataType, Shape([.batch] + shape.extents))
    let builder = GraphBuilder(name: name)
    builder.frames = [LayerFrame(path: "")]
    guard !shape.isSymbolic, !shape.extents.contains(where: { $0.offset < 0 }) else {
      throw GraphErrors([
        GraphError(
          "Model: input \(shape) is not the shape of one example",
          hint: "leave the batch out and count from 0", at: Origin(file: file, line: line))
      ])
    }
    let x = builder.input(Model.inputName, input.shape, dataType, file: file, line: line)
    var ends: [(nodeCount: Int, result: Tensor)] = []
    let y = self.layers.run(x) { _, result in ends.append((builder.nodes.count, result)) }
    builder.output(Model.outputName, y, file: file, line: line)
    graph = try builder.build().validated()
    summary = ModelSummary(
      graph,
      labels: self.layers.modules.enumerated().map { "\($0.offset).\(typeName($0.element))" },
      ends: ends.map { ($0.nodeCount, $0.result.type) })
  }

  /// The type of the prediction.
  public var output: TensorType {
    graph.outputs.first.map { graph[$0.value].type } ?? input
  }

  /// Returns the prediction for a tensor, as part of the tensor's graph.
  ///
  /// A second call in the same graph uses the same parameters.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.builder.entering(self) { layers.run(x) }
  }
}

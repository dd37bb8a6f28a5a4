public import DescentGraph

extension Model {
  /// The name of the input that holds what ought to come out.
  public static let targetName: String = "targets"
  /// The name of the output that training makes small.
  public static let lossName: String = "loss"

  /// Returns the graph from `inputs` and `targets` to `prediction`, `loss` and the metrics by their names.
  ///
  /// - Parameters:
  ///   - loss: What training is to make small.
  ///   - metrics: What is computed beside it.
  ///   - targets: The type of the targets; nil means what the loss expects.
  ///   - isTraining: Whether layers such as `Dropout` behave as they do while training.
  ///   - file: The file the call is written in.
  ///   - line: The line the call is written on.
  /// - Returns: A graph, of which `minimizing` makes a training step.
  /// - Throws: That predictions and targets do not fit together.
  public func graph(
    loss: Loss, metrics: [Metric] = [], targets: TensorType? = nil, isTraining: Bool = true,
    file: String = #fileID, line: Int = #line
  ) throws(GraphErrors) -> Graph {
    let site = Site(file, line)
    let graph = Graph(name) { g in
      g.isTraining = isTraining
      let x = g.input(Model.inputName, input.shape, input.dataType, file: file, line: line)
      let type = targets ?? loss.targetType(for: output)
      let y = g.input(Model.targetName, type.shape, type.dataType, file: file, line: line)
      let prediction = self(x)
      g.output(Model.outputName, prediction, file: file, line: line)
      g.output(Model.lossName, loss(prediction, y, at: site), file: file, line: line)
      for metric in metrics {
        g.output(metric.name, metric(prediction, y, at: site), file: file, line: line)
      }
    }
    return try graph.validated()
  }
}

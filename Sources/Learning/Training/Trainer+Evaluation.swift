public import DescentCompiler
public import DescentGraph
import DescentRuntime

/// How many examples are measured at once, unless training takes more.
let evaluationBatch = 256

extension Trainer {
  /// Returns loss and metrics of a set of examples, which are not learnt.
  ///
  /// - Throws: `DatasetError` where the examples do not fit the model, or what compiling and running throw.
  public func evaluate(_ dataset: Dataset, batch: Int = 256) throws -> Scores {
    try measure(try dataset.prepared(for: model, loss), batch: batch)
  }

  /// Returns the plan of a training step on batches of a size, to look inside.
  ///
  /// - Throws: What compiling throws.
  public func plan(batch: Int) throws -> Plan {
    try plans.trainingPlan(count: batch, targets: loss.targetType(for: model.output))
  }

  /// Returns the predictions for inputs, `[count, …]`.
  ///
  /// - Throws: `DatasetError` where the inputs do not fit the model, or what compiling and running throw.
  public func predict(_ inputs: NDArray, batch: Int = 256) throws -> NDArray {
    guard let count = inputs.dimensions.first else {
      throw DatasetError.noExamples("inputs", inputs.type)
    }
    // Targets are not looked at; what is missing is that there are as many.
    let rows = try Dataset(inputs: inputs, targets: NDArray(zeros: .u8, dimensions: [count]))
      .prepared(for: model)
    let state = plans.session.state
    var last: Session?
    var elements: [Float] = []
    var dimensions: [Int] = []
    for batch in try rows.batches(size: batch) {
      let session = try plans.predictionSession(count: batch.count)
      if session !== last { try session.load(state) }
      last = session
      guard let result = try session.run([Model.inputName: batch.inputs])[Model.outputName]
      else { preconditionFailure("a model's graph has a prediction") }
      elements += result.floats
      dimensions = Array(result.dimensions.dropFirst())
    }
    return NDArray(elements, dimensions: [count] + dimensions)
  }

  /// Measures examples that were prepared.
  func measure(_ dataset: Dataset, batch size: Int) throws -> Scores {
    let state = plans.session.state
    var sum = ScoreSum(plans.names)
    var last: Session?
    for batch in try dataset.batches(size: size) {
      let session = try plans.evaluationSession(count: batch.count, targets: batch.targetType)
      // The first batch of a size finds the parameters of the last time.
      if session !== last { try session.load(state) }
      last = session
      sum.add(try scores(of: batch, session), count: batch.count)
    }
    return sum.mean
  }
}

import DescentCompiler
import DescentGraph
import DescentRuntime

/// The plans of one model for different batch sizes, and the sessions that run them on one state.
///
/// A plan fits exactly one batch size. The last batch of an epoch is often smaller: its plan is compiled when it is
/// first met, and works on the memory of the others.
final class TrainingPlans {
  private let model: Model
  private let loss: Loss
  private let metrics: [Metric]
  private let optimizer: Optimizer
  private let options: CompileOptions
  private let site: Site
  private var training: [Entry] = []
  private var evaluation: [Entry] = []

  /// What a plan fits; one that only predicts has no targets.
  private struct Key: Hashable {
    let count: Int
    let targets: TensorType?
  }

  private typealias Entry = (key: Key, session: Session)

  /// How many plans of a kind are kept: those of two sets of examples, each with a smaller last batch.
  private static let limit = 4

  init(
    _ model: Model, loss: Loss, metrics: [Metric], optimizer: Optimizer, seed: UInt64,
    options: CompileOptions, site: Site
  ) throws {
    (self.model, self.loss, self.metrics) = (model, loss, metrics)
    (self.optimizer, self.options, self.site) = (optimizer, options, site)
    let targets = loss.targetType(for: model.output)
    let plan = try trainingPlan(count: 1, targets: targets)
    training = [(Key(count: 1, targets: targets), try plan.makeSession(seed: seed))]
  }

  /// The names of the outputs, the loss first.
  var names: [String] { [Model.lossName] + metrics.map(\.name) }

  /// The session whose state is that of all training plans.
  var session: Session { training[0].session }

  /// Returns the session that trains on batches of a size.
  func trainingSession(count: Int, targets: TensorType) throws -> Session {
    let key = Key(count: count, targets: targets)
    if let session = find(key, in: training) { return session }
    let plan = try trainingPlan(count: count, targets: targets)
    // The latest one is the likeliest to have threads that can be shared too.
    let latest = training[training.count - 1].session
    return keep(try plan.makeSession(sharing: latest), key, in: &training)
  }

  /// Returns the plan of a training step.
  func trainingPlan(count: Int, targets: TensorType) throws -> Plan {
    let step = try graph(targets: targets, isTraining: true).minimizing(
      Model.lossName, with: optimizer)
    return try step.compile(batch: count, outputs: names, options: options)
  }

  /// Returns a session that measures batches of a size; its state is a copy of its own.
  func evaluationSession(count: Int, targets: TensorType) throws -> Session {
    let key = Key(count: count, targets: targets)
    if let session = find(key, in: evaluation) { return session }
    let plan = try graph(targets: targets, isTraining: false).compile(
      batch: count, outputs: names, options: options)
    return keep(try plan.makeSession(), key, in: &evaluation)
  }

  /// Returns a session that predicts for batches of a size; its state is a copy of its own.
  func predictionSession(count: Int) throws -> Session {
    let key = Key(count: count, targets: nil)
    if let session = find(key, in: evaluation) { return session }
    let plan = try model.graph.compile(batch: count, options: options)
    return keep(try plan.makeSession(), key, in: &evaluation)
  }

  private func find(_ key: Key, in entries: [Entry]) -> Session? {
    entries.first { $0.key == key }?.session
  }

  private func keep(_ session: Session, _ key: Key, in entries: inout [Entry]) -> Session {
    if entries.count == TrainingPlans.limit { entries.removeFirst() }
    entries.append((key, session))
    return session
  }

  private func graph(targets: TensorType, isTraining: Bool) throws(GraphErrors) -> Graph {
    try model.graph(
      loss: loss, metrics: metrics, targets: targets, isTraining: isTraining, file: site.file,
      line: site.line)
  }
}

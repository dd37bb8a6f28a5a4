import DescentGraph
import DescentRuntime

extension Trainer {
  /// Trains for some epochs.
  ///
  /// Each epoch goes through all examples once, in an order of its own. The scores of the training set are those
  /// the batches had when they were met, the parameters changing all the while.
  /// - Parameters:
  ///   - train: The examples to learn.
  ///   - validation: Examples to measure after each epoch, which are not learnt.
  ///   - epochs: How many times to go through the examples.
  ///   - batch: After how many examples the parameters change.
  ///   - schedule: What the learning rate is at each step; nil leaves it as it is.
  ///   - reporter: Where to report to.
  /// - Returns: What each of these epochs reported.
  /// - Throws: `DatasetError` where examples do not fit the model, or what compiling and running throw.
  @discardableResult
  public mutating func fit(
    _ train: Dataset, validation: Dataset? = nil, epochs: Int, batch: Int = 32,
    schedule: RateSchedule? = nil, reporting reporter: Reporter = .standard
  ) throws -> History {
    let train = try train.prepared(for: model, loss)
    let validation = try validation?.prepared(for: model, loss)
    var report = History()
    let table = EpochTable(plans.names, hasValidation: validation != nil)
    if epochs > 0 { reporter.row(table.header) }
    let last = epoch + min(max(0, epochs), Int.max - epoch)
    while epoch < last {
      var line = ProgressLine(reporter, epoch: epoch + 1, of: last)
      let start = ContinuousClock.now
      let scores = try trainOnce(on: train, batch: batch, schedule, line: &line)
      let seconds = start.duration(to: .now) / .seconds(1)
      let result = History.Epoch(
        number: epoch + 1, training: scores,
        validation: try validation.map { try measure($0, batch: max(batch, evaluationBatch)) },
        seconds: seconds, examplesPerSecond: Double(train.count) / max(seconds, 1e-9))
      line.end()
      reporter.row(table.row(result))
      report.epochs.append(result)
      history.epochs.append(result)
      epoch += 1
    }
    return report
  }

  private func trainOnce(
    on train: Dataset, batch size: Int, _ schedule: RateSchedule?, line: inout ProgressLine
  ) throws -> Scores {
    var sum = ScoreSum(plans.names)
    let batches = try train.batches(size: size, seed: seed, epoch: epoch)
    for batch in batches {
      let session = try plans.trainingSession(
        count: batch.count, targets: batch.targetType)
      if let schedule { learningRate = schedule(step: step) }
      sum.add(try scores(of: batch, session), count: batch.count)
      line.show(done: sum.count, of: train.count, loss: sum.mean.loss)
    }
    return sum.mean
  }

  /// Returns the outputs of one run, the loss first.
  func scores(of batch: Dataset, _ session: Session) throws(RuntimeError) -> [Double] {
    let results = try session.run([
      Model.inputName: batch.inputs, Model.targetName: batch.targets,
    ])
    return plans.names.map { results[$0].map { Double($0.scalar) } ?? .nan }
  }
}

/// The line that is overwritten while an epoch runs, not more often than an eye can follow.
private struct ProgressLine {
  private let reporter: Reporter
  private let title: String
  private var next = ContinuousClock.now

  init(_ reporter: Reporter, epoch: Int, of last: Int) {
    self.reporter = reporter
    title = "epoch \(epoch)/\(last)"
  }

  mutating func show(done: Int, of count: Int, loss: Double) {
    guard let progress = reporter.progress else { return }
    let now = ContinuousClock.now
    guard now >= next else { return }
    next = now + .milliseconds(100)
    progress("\(title)  \(grouped(done))/\(grouped(count))  loss \(fixed(loss, 4))")
  }

  /// Takes the line away.
  func end() { reporter.progress?("") }
}

public import DescentCompiler
public import DescentGraph
public import DescentRuntime

/// Trains a model: owns its parameters, counts the epochs and shuffles the examples.
///
/// ```swift
/// var trainer = try Trainer(model, loss: .crossEntropy, optimizer: .adam(1e-3), metrics: [.accuracy], seed: 42)
/// try trainer.fit(train, validation: valid, epochs: 5, batch: 64)
/// try trainer.state.save(to: "digits.safetensors")
/// ```
/// Everything that training depends on is in `state`: a trainer that loads it goes on to the same bits.
public struct Trainer: ~Copyable {
  /// The network.
  public let model: Model
  /// What training makes small.
  public let loss: Loss
  /// What is measured beside the loss.
  public let metrics: [Metric]
  /// What the initial parameters and the order of examples depend on.
  public private(set) var seed: UInt64
  /// How many epochs were trained.
  public internal(set) var epoch: Int = 0
  /// What each epoch reported.
  public internal(set) var history: History = History()
  let plans: TrainingPlans

  /// Creates a trainer with fresh parameters.
  ///
  /// - Parameters:
  ///   - model: The network.
  ///   - loss: What training is to make small.
  ///   - optimizer: The rule that changes the parameters.
  ///   - metrics: What is measured beside the loss.
  ///   - seed: What the initial parameters and the order of examples depend on.
  ///   - options: How plans are compiled.
  ///   - file: The file the call is written in.
  ///   - line: The line the call is written on.
  /// - Throws: That predictions and loss do not fit together, or that there is no memory.
  public init(
    _ model: Model, loss: Loss, optimizer: Optimizer, metrics: [Metric] = [], seed: UInt64 = 0,
    options: CompileOptions = CompileOptions(), file: String = #fileID, line: Int = #line
  ) throws {
    self.model = model
    self.loss = loss
    self.metrics = metrics
    self.seed = seed
    plans = try TrainingPlans(
      model, loss: loss, metrics: metrics, optimizer: optimizer, seed: seed, options: options,
      site: Site(file, line))
  }
}

// MARK: - State

extension Trainer {
  /// The name of the entry of a state that counts the epochs.
  public static let epochName: String = "trainer.epoch"

  /// A copy of parameters, optimizer slots, counters and seed.
  public var state: State {
    var state = plans.session.state
    state[Trainer.epochName] = NDArray(.i64([Int64(epoch)]), dimensions: [])
    state.seed = seed
    return state
  }

  /// Goes on where another trainer stopped; a state without a count of epochs begins at the first.
  ///
  /// - Throws: Where an entry is missing or has another type; then nothing has changed.
  public mutating func load(_ state: State) throws(RuntimeError) {
    let epoch = try Trainer.epoch(in: state)
    try plans.session.load(state)
    self.epoch = epoch
    seed = state.seed
  }

  private static func epoch(in state: State) throws(RuntimeError) -> Int {
    guard let array = state[epochName] else { return 0 }
    guard case .i64(let elements) = array.storage, elements.count == 1,
      (0..<1 << 53).contains(elements[0])
    else { throw .epochCount(array) }
    return Int(elements[0])
  }

  /// How many steps were trained.
  public var step: Int {
    do {
      return try plans.session.withState(Optimizer.stepName, of: Int64.self) { Int($0[0]) }
    } catch {
      preconditionFailure("every optimizer counts its steps: \(error)")
    }
  }

  /// The factor of each step, which may change from one epoch to the next.
  public var learningRate: Double {
    get { plans.session.state[Optimizer.rateName].map { Double($0.scalar) } ?? 0 }
    nonmutating set {
      do {
        try plans.session.withState(Optimizer.rateName, of: Float.self) { rate in
          rate[0] = Float(newValue)
        }
      } catch {
        preconditionFailure("every optimizer has a learning rate: \(error)")
      }
    }
  }
}

extension RuntimeError {
  fileprivate static func epochCount(_ array: NDArray) -> RuntimeError {
    RuntimeError(
      "trainer: \"\(Trainer.epochName)\" is \(array), expected one count of type i64")
  }
}

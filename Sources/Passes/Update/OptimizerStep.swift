import DescentGraph

/// One optimizer at work on a graph: the cells that all parameters share, then one parameter after the other.
struct OptimizerStep {
  let optimizer: Optimizer
  let builder: GraphBuilder
  /// The learning rate; for Adam, what remains of it after both corrections is in `correction`.
  let rate: Tensor
  /// How many updates are finished.
  let finished: Tensor
  let correction: BiasCorrection?

  /// Declares the shared cells and what becomes of them.
  init(_ optimizer: Optimizer, in builder: GraphBuilder) {
    self.optimizer = optimizer
    self.builder = builder
    builder.origin = Origin(file: "", line: 0, composite: optimizer.name)
    rate = builder.state(Optimizer.rateName, .scalar, .f32, .constant(optimizer.rate))
    finished = builder.state(Optimizer.stepName, .scalar, .i64)
    let step = finished + 1.0
    builder.update(finished, to: step)
    if case .adam(let beta1, let beta2, _, _) = optimizer.rule {
      correction = BiasCorrection(rate: rate, step: step, beta1: beta1, beta2: beta2)
    } else {
      correction = nil
    }
  }

  var name: String { optimizer.name }

  /// Scales all gradients down together where their common norm is too great.
  func clip(_ trained: inout [Trained]) {
    guard let limit = optimizer.clipNorm, let first = trained.first else { return }
    builder.origin = Origin(file: "", line: 0, composite: "clip")
    let dataType = first.gradient.dataType
    let squares = trained.map { ($0.gradient * $0.gradient).sum().cast(to: dataType) }
    let norm = sqrt(squares.dropFirst().reduce(squares[0], +))
    let scale = minimum(limit / (norm + 1e-6), 1.0)
    for index in trained.indices {
      let gradient = trained[index].gradient
      trained[index].gradient = gradient * scale.cast(to: gradient.dataType)
    }
  }

  /// Returns what a parameter becomes; declares its slots and what becomes of them.
  func updated(_ item: Trained) -> Tensor {
    builder.origin = item.origin
    builder.origin.composite = name
    let parameter = item.parameter
    var item = item
    let decay = optimizer.weightDecay
    if decay != 0, !optimizer.decoupledDecay {
      item.gradient = item.gradient + parameter * decay
    }
    let change: Tensor
    switch optimizer.rule {
    case .sgd(let momentum, let nesterov, let dampening):
      change = sgd(item, momentum: momentum, nesterov: nesterov, dampening: dampening)
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      change = adam(item, beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad)
    case .rmsProp(let alpha, let epsilon, let momentum, let isCentred):
      change = rmsProp(
        item, alpha: alpha, epsilon: epsilon, momentum: momentum, isCentred: isCentred)
    case .adagrad(let rateDecay, let initial, let epsilon):
      change = adagrad(item, rateDecay: rateDecay, initial: initial, epsilon: epsilon)
    }
    guard decay != 0, optimizer.decoupledDecay else { return parameter - change }
    // The small product is formed first: 1 − rate·decay would round most of it away.
    let shrinkage = (rate * decay).cast(to: parameter.dataType)
    return parameter - parameter * shrinkage - change
  }

  /// Declares a tensor that remembers something about a parameter, beginning at 0 or another number.
  func slot(_ suffix: String, of item: Trained, from initial: Double = 0) -> Tensor {
    let type = item.parameter.type
    return builder.state(
      "\(item.name).\(suffix)", type.shape, type.dataType,
      initial == 0 ? .zeros : .constant(initial))
  }
}

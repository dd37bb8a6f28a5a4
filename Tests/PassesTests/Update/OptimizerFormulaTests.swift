import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Twenty steps of every optimizer beside the formulas written out for plain numbers.
@Suite struct OptimizerFormulaTests {
  static let optimizers: [Optimizer] = [
    .sgd(0.1), .sgd(0.1, weightDecay: 0.2), .sgd(0.05, momentum: 0.9),
    .sgd(0.05, momentum: 0.9, nesterov: true, weightDecay: 0.1), .sgd(0.5, clipNorm: 0.7),
    .sgd(0.1, momentum: 0.5, weightDecay: 0.1, clipNorm: 0.3), .sgd(0.1, clipNorm: 1000),
    .adam(0.1), .adam(0.02, beta1: 0.8, beta2: 0.95, epsilon: 1e-3, weightDecay: 0.1),
    .adam(0.1, beta1: 0, beta2: 0.9), .adamW(0.1), .adamW(0.05, weightDecay: 0.5, clipNorm: 0.4),
    Optimizer(
      rule: .sgd(momentum: 0, nesterov: false), rate: 0.1, weightDecay: 0.3, decoupledDecay: true),
    .sgd(0.05, momentum: 0.9, dampening: 0.3), .adam(0.1, beta2: 0.5, amsgrad: true),
    .adamW(0.1, beta2: 0.6, amsgrad: true), .rmsProp(0.02),
    .rmsProp(0.02, alpha: 0.9, momentum: 0.5),
    .rmsProp(0.01, alpha: 0.9, epsilon: 0.1, momentum: 0.5, isCentred: true, weightDecay: 0.1),
    .adagrad(0.5), .adagrad(0.2, rateDecay: 0.1, initial: 0.5, weightDecay: 0.1, clipNorm: 1),
  ]

  @Test(arguments: optimizers) func twentySteps(_ optimizer: Optimizer) throws {
    let step = try trainingStep(optimizer)
    var state = initialState(of: step)
    var reference = Reference(optimizer: optimizer, w: [1, -2], b: [0.5])
    for number in 1...20 {
      state = try Interpreter().run(step, state: state).state
      reference.step()
      try expectClose(state, "w", reference.w, "step \(number)")
      try expectClose(state, "b", reference.b, "step \(number)")
    }
    #expect(try #require(state["optimizer.step"]) == NDArray(.i64([20]), dimensions: []))
    #expect(try #require(state["optimizer.rate"]).scalar == Float(optimizer.rate))
  }

  @Test func theRateIsReadAtEveryStep() throws {
    let step = try trainingStep(.sgd(0.1))
    var state = initialState(of: step)
    state["optimizer.rate"] = NDArray(scalar: 0.25)
    var reference = Reference(optimizer: .sgd(0.25), w: [1, -2], b: [0.5])
    state = try Interpreter().run(step, state: state).state
    reference.step()
    try expectClose(state, "w", reference.w, "with another rate")
  }

  @Test(arguments: [1, 2, 10, 1000, 20_000, 1_000_000], [0.5, 0.9, 0.999, 0.9999])
  func biasCorrectionsAreRightAtEveryStep(_ number: Int, _ beta: Double) throws {
    let graph = Graph("slope") { g in g.output("loss", g.parameter("w", []) * 1.0) }
    let rule = Optimizer.Rule.adam(beta1: 0, beta2: beta, epsilon: 1e-30)
    let step = try update(graph, Optimizer(rule: rule, rate: 1))
    var state = initialState(of: step)
    state["optimizer.step"] = NDArray(.i64([Int64(number - 1)]), dimensions: [])
    // The gradient is 1, so that w becomes −1 / √((1 − β) / (1 − βᵗ)).
    let w = try #require(try Interpreter().run(step, state: state).state["w"]).doubles[0]
    var power = 1.0
    for _ in 0..<number { power *= beta }
    let expected = -((1 - power) / (1 - beta)).squareRoot()
    #expect(abs(w - expected) <= 6e-7 * abs(expected), "\(w), not \(expected)")
  }

  /// mean((x·w + b − y)²) over three rows, with its data as constants.
  private func trainingStep(_ optimizer: Optimizer) throws -> Graph {
    let graph = Graph("line") { g in
      let x = g.constant(NDArray(Reference.x.flatMap { $0.map { Float($0) } }, dimensions: [3, 2]))
      let y = g.constant(NDArray(Reference.y.map { Float($0) }))
      let w = g.parameter("w", [2], .values(NDArray([1, -2] as [Float])))
      let b = g.parameter("b", [1], .constant(0.5))
      g.output("loss", mse(x.matmul(w) + b, y))
    }
    return try update(graph, optimizer)
  }

  private func update(_ graph: Graph, _ optimizer: Optimizer) throws -> Graph {
    var journal = Journal()
    let gradients = try Pass.differentiate.run(
      try graph.minimizing("loss", with: optimizer), &journal)
    return try Pass.update.run(gradients, &journal)
  }

  /// Returns the parameters and states as they begin; the graphs here draw no random numbers.
  private func initialState(of graph: Graph) -> [String: NDArray] {
    var state: [String: NDArray] = [:]
    for leaf in graph.persistentLeaves {
      guard let name = leaf.leafName, let initializer = leaf.initializer else { continue }
      let number: Double
      switch initializer {
      case .values(let array):
        state[name] = array
        continue
      case .constant(let value): number = value
      default: number = 0
      }
      state[name] = NDArray(
        repeating: number, leaf.type.dataType, dimensions: leaf.type.shape.dimensions)
    }
    return state
  }

  private func expectClose(
    _ state: [String: NDArray], _ name: String, _ expected: [Double], _ comment: String
  ) throws {
    let found = try #require(state[name]).doubles
    #expect(found.count == expected.count)
    for (a, b) in zip(found, expected) {
      // Twenty steps in single precision.
      #expect(abs(a - b) <= 2e-5 * max(1, abs(b)), "\(name) after \(comment): \(a), not \(b)")
    }
  }
}

/// The same training in plain Double arithmetic.
private struct Reference {
  static let x: [[Double]] = [[1, 2], [-1, 0.5], [0.25, -3]]
  static let y: [Double] = [1, 0, 2]

  let optimizer: Optimizer
  var w: [Double]
  var b: [Double]
  var first: [Double] = [0, 0, 0]
  var second: [Double] = [0, 0, 0]
  var third: [Double] = [0, 0, 0]
  var count = 0.0

  init(optimizer: Optimizer, w: [Double], b: [Double]) {
    (self.optimizer, self.w, self.b) = (optimizer, w, b)
    if case .adagrad(_, let initial, _) = optimizer.rule { second = [initial, initial, initial] }
  }

  func gradient() -> [Double] {
    var gradient: [Double] = [0, 0, 0]
    for (row, target) in zip(Self.x, Self.y) {
      let error = row[0] * w[0] + row[1] * w[1] + b[0] - target
      gradient[0] += 2 * error * row[0] / 3
      gradient[1] += 2 * error * row[1] / 3
      gradient[2] += 2 * error / 3
    }
    return gradient
  }

  mutating func step() {
    count += 1
    var p = w + b
    var g = gradient()
    if let limit = optimizer.clipNorm {
      let norm = g.reduce(0) { $0 + $1 * $1 }.squareRoot()
      g = g.map { $0 * min(1, limit / (norm + 1e-6)) }
    }
    for i in p.indices {
      if optimizer.decoupledDecay {
        p[i] -= optimizer.rate * optimizer.weightDecay * p[i]
      } else {
        g[i] += optimizer.weightDecay * p[i]
      }
      switch optimizer.rule {
      case .sgd(let momentum, let nesterov, let dampening):
        first[i] = momentum * first[i] + (count == 1 ? 1 : 1 - dampening) * g[i]
        p[i] -= optimizer.rate * (nesterov ? g[i] + momentum * first[i] : first[i])
      case .rmsProp(let alpha, let epsilon, let momentum, let isCentred):
        first[i] = alpha * first[i] + (1 - alpha) * g[i]
        second[i] = alpha * second[i] + (1 - alpha) * g[i] * g[i]
        let spread = isCentred ? second[i] - first[i] * first[i] : second[i]
        third[i] = momentum * third[i] + g[i] / (spread.squareRoot() + epsilon)
        p[i] -= optimizer.rate * third[i]
      case .adagrad(let rateDecay, _, let epsilon):
        second[i] += g[i] * g[i]
        let rate = optimizer.rate / (1 + (count - 1) * rateDecay)
        p[i] -= rate * g[i] / (second[i].squareRoot() + epsilon)
      case .adam(let beta1, let beta2, let epsilon, let amsgrad):
        first[i] = beta1 * first[i] + (1 - beta1) * g[i]
        second[i] = beta2 * second[i] + (1 - beta2) * g[i] * g[i]
        var (correction1, correction2) = (1.0, 1.0)
        for _ in 0..<Int(count) {
          correction1 *= beta1
          correction2 *= beta2
        }
        let mean = first[i] / (1 - correction1)
        third[i] = max(third[i], second[i])
        let square = (amsgrad ? third[i] : second[i]) / (1 - correction2)
        p[i] -= optimizer.rate * mean / (square.squareRoot() + epsilon)
      }
    }
    (w, b) = (Array(p[..<2]), Array(p[2...]))
  }
}

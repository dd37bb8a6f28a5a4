/// What training is to minimise, and how; the differentiation and update passes turn it into nodes.
public struct Objective: Hashable, Sendable {
  /// The output to minimise, a single number.
  public let output: String
  /// The rule that changes the parameters.
  public let optimizer: Optimizer

  /// Creates an objective.
  public init(minimizing output: String, with optimizer: Optimizer) {
    self.output = output
    self.optimizer = optimizer
  }
}

/// A rule that changes parameters by their gradients.
///
/// The learning rate is a state cell named `optimizer.rate`: a session may change it between runs without
/// compiling again. Another, `optimizer.step`, counts finished updates. What a rule remembers of a parameter `w` is
/// state too, beginning at 0: `w.momentum`, `w.m`, `w.v`, and `w.greatest` of AMSGrad. Adam's bias corrections 1 − β₁ᵗ
/// and 1 − β₂ᵗ follow from the step.
///
/// One step clips the gradients, adds coupled decay to them, and then applies the rule. Each rule states the paper
/// its formula is from; where papers and practice differ, the numbers are those of PyTorch.
public struct Optimizer: Hashable, Sendable {
  /// The formula.
  public enum Rule: Hashable, Sendable {
    /// p ← p − rate·g, with momentum v ← momentum·v + g and p ← p − rate·v; Nesterov's form looks ahead by
    /// using g + momentum·v (Sutskever et al., 2013). From the second step on the g in v is damped by 1 − dampening.
    case sgd(momentum: Double, nesterov: Bool, dampening: Double = 0)
    /// m ← β₁m + (1−β₁)g, v ← β₂v + (1−β₂)g², p ← p − rate·m̂ / (√v̂ + ε) (Kingma and Ba, 2015).
    ///
    /// AMSGrad divides by the greatest v there has been (Reddi et al., 2018).
    case adam(beta1: Double, beta2: Double, epsilon: Double, amsgrad: Bool = false)
    /// v ← α·v + (1−α)g², u ← g / (√v + ε), p ← p − rate·u, or with b ← momentum·b + u in place of u (Tieleman and
    /// Hinton, 2012); centred, the square of m ← α·m + (1−α)g is subtracted from v (Graves, 2013).
    case rmsProp(alpha: Double, epsilon: Double, momentum: Double, isCentred: Bool)
    /// v ← v + g² from an initial v, p ← p − rate / (1 + (t−1)·decay) · g / (√v + ε) (Duchi et al., 2011).
    case adagrad(rateDecay: Double, initial: Double, epsilon: Double)
  }

  /// The formula.
  public var rule: Rule
  /// The learning rate a fresh session begins with.
  public var rate: Double
  /// How strongly parameters are drawn to zero.
  public var weightDecay: Double
  /// Whether decay acts on the parameter beside the rule (Loshchilov and Hutter, 2019), not through the gradient.
  public var decoupledDecay: Bool
  /// The greatest Euclidean norm of all gradients together; longer ones are scaled down (Pascanu et al., 2013).
  ///
  /// The factor is min(1, clipNorm / (norm + 10⁻⁶)).
  public var clipNorm: Double?

  /// Creates a rule.
  public init(
    rule: Rule, rate: Double, weightDecay: Double = 0, decoupledDecay: Bool = false,
    clipNorm: Double? = nil
  ) {
    self.rule = rule
    self.rate = rate
    self.weightDecay = weightDecay
    self.decoupledDecay = decoupledDecay
    self.clipNorm = clipNorm
  }

  /// Gradient descent, with momentum where it is not 0.
  public static func sgd(
    _ rate: Double, momentum: Double = 0, nesterov: Bool = false, dampening: Double = 0,
    weightDecay: Double = 0, clipNorm: Double? = nil
  ) -> Optimizer {
    Optimizer(
      rule: .sgd(momentum: momentum, nesterov: nesterov, dampening: dampening), rate: rate,
      weightDecay: weightDecay, clipNorm: clipNorm)
  }

  /// Adam; decay, if any, goes through the gradient.
  public static func adam(
    _ rate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    amsgrad: Bool = false, weightDecay: Double = 0, clipNorm: Double? = nil
  ) -> Optimizer {
    Optimizer(
      rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad), rate: rate,
      weightDecay: weightDecay, clipNorm: clipNorm)
  }

  /// Adam with decay beside the rule.
  public static func adamW(
    _ rate: Double = 1e-3, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8,
    amsgrad: Bool = false, weightDecay: Double = 1e-2, clipNorm: Double? = nil
  ) -> Optimizer {
    Optimizer(
      rule: .adam(beta1: beta1, beta2: beta2, epsilon: epsilon, amsgrad: amsgrad), rate: rate,
      weightDecay: weightDecay, decoupledDecay: true, clipNorm: clipNorm)
  }

  /// Gradients divided by the root of their mean square.
  public static func rmsProp(
    _ rate: Double = 1e-2, alpha: Double = 0.99, epsilon: Double = 1e-8, momentum: Double = 0,
    isCentred: Bool = false, weightDecay: Double = 0, clipNorm: Double? = nil
  ) -> Optimizer {
    Optimizer(
      rule: .rmsProp(alpha: alpha, epsilon: epsilon, momentum: momentum, isCentred: isCentred),
      rate: rate, weightDecay: weightDecay, clipNorm: clipNorm)
  }

  /// Gradients divided by the root of the sum of their squares.
  public static func adagrad(
    _ rate: Double = 1e-2, rateDecay: Double = 0, initial: Double = 0, epsilon: Double = 1e-10,
    weightDecay: Double = 0, clipNorm: Double? = nil
  ) -> Optimizer {
    Optimizer(
      rule: .adagrad(rateDecay: rateDecay, initial: initial, epsilon: epsilon), rate: rate,
      weightDecay: weightDecay, clipNorm: clipNorm)
  }

  /// The name of the state cell that holds the learning rate.
  public static let rateName: String = "optimizer.rate"
  /// The name of the state cell that counts finished updates, an `i64`.
  public static let stepName: String = "optimizer.step"

  /// The name dumps show.
  package var name: String {
    switch rule {
    case .sgd: "sgd"
    case .adam: decoupledDecay ? "adamW" : "adam"
    case .rmsProp: "rmsProp"
    case .adagrad: "adagrad"
    }
  }
}

extension Optimizer {
  /// What is wrong with the numbers; they are used in single precision, so they must make sense there.
  package var errors: [GraphError] {
    var errors: [GraphError] = []
    func expect(_ name: String, _ value: Double, _ fits: Bool, _ range: String) {
      if !fits { errors.append(GraphError("optimizer: \(name) is \(value), not \(range)")) }
    }
    func expectFraction(_ name: String, _ value: Double) {
      expect(name, value, value >= 0 && Float(value) < 1, "at least 0 and below 1")
    }
    func expectPositive(_ name: String, _ value: Double) {
      expect(name, value, Float(value) > 0 && Float(value).isFinite, "a number above 0")
    }
    expectPositive("the learning rate", rate)
    switch rule {
    case .sgd(let momentum, _, let dampening):
      expectFraction("momentum", momentum)
      expectFraction("dampening", dampening)
    case .rmsProp(let alpha, let epsilon, let momentum, _):
      expectFraction("alpha", alpha)
      expectFraction("momentum", momentum)
      expectPositive("epsilon", epsilon)
    case .adagrad(let rateDecay, let initial, let epsilon):
      for (name, value) in [("the decay of the rate", rateDecay), ("the initial value", initial)] {
        expect(name, value, value >= 0 && Float(value).isFinite, "a number at or above 0")
      }
      expectPositive("epsilon", epsilon)
    case .adam(let beta1, let beta2, let epsilon, _):
      expectFraction("beta1", beta1)
      expectFraction("beta2", beta2)
      expectPositive("epsilon", epsilon)
    }
    let isDecay = weightDecay >= 0 && Float(weightDecay).isFinite
    expect("the weight decay", weightDecay, isDecay, "a number at or above 0")
    if let clipNorm { expectPositive("the clipping norm", clipNorm) }
    return errors
  }
}

extension Graph {
  /// Returns this computation as a training step: compiling it adds the gradients and the update.
  ///
  /// - Parameters:
  ///   - output: The name of the output to minimise; it must be a single number.
  ///   - optimizer: The rule that changes the parameters.
  /// - Returns: The graph with the objective.
  /// - Throws: What is wrong with the graph so far or with the optimizer's numbers, or that there is no such output.
  public func minimizing(
    _ output: String, with optimizer: Optimizer
  ) throws(GraphErrors) -> Graph {
    _ = try validated()
    guard let value = self.output(output) else {
      let names = outputs.map { "\"\($0.name)\"" }.joined(separator: ", ")
      throw GraphErrors([
        GraphError(
          "minimizing: there is no output \"\(output)\"",
          hint: names.isEmpty ? "declare it with g.output" : "the outputs are \(names)")
      ])
    }
    guard self[value].type.shape.rank == 0, self[value].type.dataType.isFloat else {
      throw GraphErrors([
        GraphError(
          "minimizing: output \"\(output)\" is \(self[value].type), not one number",
          hint: "take its mean or sum", at: self[value].origin)
      ])
    }
    guard optimizer.errors.isEmpty else { throw GraphErrors(optimizer.errors) }
    return with(objective: Objective(minimizing: output, with: optimizer))
  }
}

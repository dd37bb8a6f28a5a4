extension Optimizer {
  /// The formula's name in graph text.
  var ruleName: String {
    switch rule {
    case .sgd: "sgd"
    case .adam: "adam"
    case .rmsProp: "rmsProp"
    case .adagrad: "adagrad"
    }
  }

  /// The numbers of the rule, as graph text shows them.
  var attributes: Attributes {
    var attributes = Attributes().with("rate", .number(rate))
    switch rule {
    case .sgd(let momentum, let nesterov, let dampening):
      attributes.append("momentum", .number(momentum))
      if nesterov { attributes.append("nesterov", .word("true")) }
      if dampening != 0 { attributes.append("dampening", .number(dampening)) }
    case .adam(let beta1, let beta2, let epsilon, let amsgrad):
      attributes.append("beta1", .number(beta1))
      attributes.append("beta2", .number(beta2))
      attributes.append("epsilon", .number(epsilon))
      if amsgrad { attributes.append("amsgrad", .word("true")) }
    case .rmsProp(let alpha, let epsilon, let momentum, let isCentred):
      attributes.append("alpha", .number(alpha))
      attributes.append("epsilon", .number(epsilon))
      attributes.append("momentum", .number(momentum))
      if isCentred { attributes.append("centred", .word("true")) }
    case .adagrad(let rateDecay, let initial, let epsilon):
      attributes.append("rateDecay", .number(rateDecay))
      attributes.append("initial", .number(initial))
      attributes.append("epsilon", .number(epsilon))
    }
    attributes.append("weightDecay", .number(weightDecay))
    if decoupledDecay { attributes.append("decoupledDecay", .word("true")) }
    if let clipNorm { attributes.append("clipNorm", .number(clipNorm)) }
    return attributes
  }

  /// Creates the rule that graph text names, or returns nil where there is none of that name.
  init?(ruleName: String, _ attributes: Attributes) throws(GraphError) {
    func number(_ name: String, default value: Double) throws(GraphError) -> Double {
      attributes[name] == nil ? value : try attributes.number(name)
    }
    switch ruleName {
    case "sgd":
      rule = .sgd(
        momentum: try number("momentum", default: 0),
        nesterov: attributes["nesterov"] == .word("true"),
        dampening: try number("dampening", default: 0))
    case "adam":
      rule = .adam(
        beta1: try number("beta1", default: 0.9), beta2: try number("beta2", default: 0.999),
        epsilon: try number("epsilon", default: 1e-8),
        amsgrad: attributes["amsgrad"] == .word("true"))
    case "rmsProp":
      rule = .rmsProp(
        alpha: try number("alpha", default: 0.99), epsilon: try number("epsilon", default: 1e-8),
        momentum: try number("momentum", default: 0),
        isCentred: attributes["centred"] == .word("true"))
    case "adagrad":
      rule = .adagrad(
        rateDecay: try number("rateDecay", default: 0),
        initial: try number("initial", default: 0),
        epsilon: try number("epsilon", default: 1e-10))
    default: return nil
    }
    rate = try attributes.number("rate")
    weightDecay = try number("weightDecay", default: 0)
    decoupledDecay = attributes["decoupledDecay"] == .word("true")
    clipNorm = attributes["clipNorm"] == nil ? nil : try attributes.number("clipNorm")
  }
}

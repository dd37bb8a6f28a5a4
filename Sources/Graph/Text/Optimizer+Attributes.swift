extension Optimizer {
  /// The formula's name in graph text.
  var ruleName: String {
    switch rule {
    case .sgd: "sgd"
    case .adam: "adam"
    }
  }

  /// The numbers of the rule, as graph text shows them.
  var attributes: Attributes {
    var attributes = Attributes().with("rate", .number(rate))
    switch rule {
    case .sgd(let momentum, let nesterov):
      attributes.append("momentum", .number(momentum))
      if nesterov { attributes.append("nesterov", .word("true")) }
    case .adam(let beta1, let beta2, let epsilon):
      attributes.append("beta1", .number(beta1))
      attributes.append("beta2", .number(beta2))
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
        nesterov: attributes["nesterov"] == .word("true"))
    case "adam":
      rule = .adam(
        beta1: try number("beta1", default: 0.9), beta2: try number("beta2", default: 0.999),
        epsilon: try number("epsilon", default: 1e-8))
    default: return nil
    }
    rate = try attributes.number("rate")
    weightDecay = try number("weightDecay", default: 0)
    decoupledDecay = attributes["decoupledDecay"] == .word("true")
    clipNorm = attributes["clipNorm"] == nil ? nil : try attributes.number("clipNorm")
  }
}

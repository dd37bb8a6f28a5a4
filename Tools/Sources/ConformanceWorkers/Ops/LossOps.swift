import Descent

extension OpTables {
  static let lossOps: OpTable = {
    var table: OpTable = [:]
    table["mse_loss"] = { try plain { mse($0, $1, reduction: $2) }($0) }
    table["l1_loss"] = { try plain { mae($0, $1, reduction: $2) }($0) }
    table["soft_margin_loss"] = { try plain { softMargin($0, $1, reduction: $2) }($0) }
    table["smooth_l1_loss"] = { call in
      let beta = try call.number(nil, "beta", default: 1)
      return try plain { smoothL1($0, $1, beta: beta, reduction: $2) }(call)
    }
    table["huber_loss"] = { call in
      let delta = try call.number(nil, "delta", default: 1)
      return try plain { huber($0, $1, delta: delta, reduction: $2) }(call)
    }
    table["kl_div"] = { call in
      let isLogarithm = try call.flag(nil, "log_target")
      if case .word("batchmean")? = call.take(nil, "reduction") {
        let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "target"))
        let sum = klDivergence(x, y, targetIsLogarithm: isLogarithm, reduction: .sum)
        return [sum / Double(x.rank == 0 ? 1 : x.size(0))]
      }
      return try plain { klDivergence($0, $1, targetIsLogarithm: isLogarithm, reduction: $2) }(call)
    }
    table["poisson_nll_loss"] = { call in
      let (isLogarithm, isFull) = (
        try call.flag(nil, "log_input", default: true), try call.flag(nil, "full")
      )
      let epsilon = try call.number(nil, "eps", default: 1e-8)
      return try plain {
        poissonNLL(
          $0, $1, isLogarithm: isLogarithm, isFull: isFull, epsilon: epsilon, reduction: $2)
      }(call)
    }
    table["gaussian_nll_loss"] = { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "target"))
      var variance = try call.tensor(2, "var")
      if variance.shape != x.shape, variance.rank == x.rank - 1 {
        variance = variance.expandAxis(-1)
      }
      let (isFull, epsilon) = (
        try call.flag(nil, "full"), try call.number(nil, "eps", default: 1e-6)
      )
      let repeats = y.rank < x.rank || y.shape != x.shape
      return [
        gaussianNLL(
          x, repeats ? y.broadcast(to: x.shape) : y, variance: variance, isFull: isFull,
          epsilon: epsilon, reduction: try call.reduction())
      ]
    }
    table["hinge_embedding_loss"] = { call in
      let margin = try call.number(nil, "margin", default: 1)
      return try plain { hingeEmbedding($0, $1, margin: margin, reduction: $2) }(call)
    }
    table["margin_ranking_loss"] = { call in
      let (x, y) = (try call.tensor(0, "input1"), try call.tensor(1, "input2"))
      return [
        marginRanking(
          x, y, try call.tensor(2, "target"), margin: try call.number(nil, "margin", default: 0),
          reduction: try call.reduction())
      ]
    }
    table["cosine_similarity"] = { call in
      let (x, y) = (try call.tensor(0, "x1"), try call.tensor(1, "x2"))
      return [
        cosineSimilarity(
          x, y, axis: try call.integer(2, "dim", default: 1),
          epsilon: try call.number(3, "eps", default: 1e-8))
      ]
    }
    table["cosine_embedding_loss"] = { call in
      let (x, y) = (try call.tensor(0, "input1"), try call.tensor(1, "input2"))
      return [
        cosineEmbedding(
          x, y, try call.tensor(2, "target"), margin: try call.number(nil, "margin", default: 0),
          reduction: try call.reduction())
      ]
    }
    table["pairwise_distance"] = { call in
      let (x, y) = (try call.tensor(0, "x1"), try call.tensor(1, "x2"))
      return [
        pairwiseDistance(
          x, y, order: try call.number(nil, "p", default: 2),
          epsilon: try call.number(nil, "eps", default: 1e-6),
          keepingAxes: try call.flag(nil, "keepdim"))
      ]
    }
    table["triplet_margin_loss"] = { call in
      let (a, p, n) = (
        try call.tensor(0, "anchor"), try call.tensor(1, "positive"), try call.tensor(2, "negative")
      )
      return [
        tripletMargin(
          anchor: a, positive: p, negative: n, margin: try call.number(nil, "margin", default: 1),
          order: try call.number(nil, "p", default: 2),
          epsilon: try call.number(nil, "eps", default: 1e-6), swap: try call.flag(nil, "swap"),
          reduction: try call.reduction())
      ]
    }
    table["binary_cross_entropy"] = { call in
      let weight = try call.optionalTensor(2, "weight")
      return try plain { binaryCrossEntropy($0, $1, weight: weight, reduction: $2) }(call)
    }
    table["binary_cross_entropy_with_logits"] = { call in
      let weight = try call.optionalTensor(2, "weight")
      let positive = try call.optionalTensor(nil, "pos_weight")
      return try plain {
        binaryCrossEntropyWithLogits(
          $0, $1, weight: weight, positiveWeight: positive, reduction: $2)
      }(call)
    }
    table["cross_entropy"] = { call in
      let (x, labels, weights, ignored) = try call.classes()
      let smoothing = try call.number(nil, "label_smoothing", default: 0)
      let isIndices = labels.dataType != .f32
      return [
        crossEntropy(
          x, isIndices ? labels : labels.classesLast, weights: weights, smoothing: smoothing,
          ignoring: isIndices ? ignored : nil, reduction: try call.reduction())
      ]
    }
    table["nll_loss"] = { call in
      let (x, labels, weights, ignored) = try call.classes()
      return [
        negativeLogLikelihood(
          x, labels, weights: weights, ignoring: ignored, reduction: try call.reduction())
      ]
    }
    for (name, meaning) in table {
      table[name] = nil
      table["nn.functional." + name] = meaning
    }
    return table
  }()

  /// Returns the meaning of a loss of a prediction and a target, which repeat to each other's shapes here.
  private static func plain(
    _ loss: @escaping (Tensor, Tensor, LossReduction) -> Tensor
  ) -> (OpCall) throws -> [Tensor] {
    { call in
      let (x, y) = (try call.tensor(0, "input"), try call.tensor(1, "target"))
      return [loss(x, y, try call.reduction())]
    }
  }
}

extension OpCall {
  /// Returns what becomes of a loss's elements.
  func reduction() throws -> LossReduction {
    switch take(nil, "reduction") {
    case nil, .word("mean")?: .mean
    case .word("sum")?: .sum
    case .word("none")?: .none
    default: throw WorkerError.refused("\(op): reduction")
    }
  }

  /// Returns scores with the classes last, labels, weights and the ignored class.
  fileprivate func classes() throws -> (Tensor, Tensor, Tensor?, Int) {
    let (x, labels) = (try tensor(0, "input"), try tensor(1, "target"))
    let weights = try optionalTensor(2, "weight")
    return (x.classesLast, labels, weights, try integer(nil, "ignore_index", default: -100))
  }
}

extension Tensor {
  /// The tensor with axis 1, the classes, moved behind all others.
  fileprivate var classesLast: Tensor { rank > 2 ? moveAxes([1], to: [-1]) : self }
}

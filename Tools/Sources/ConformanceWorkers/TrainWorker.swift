public import Foundation
import Descent

/// Trains models for some steps on given batches and tells each step's loss.
public struct TrainWorker: Worker {
  /// The name it says hello with.
  public static let name: String = "descent-train-worker"

  /// Creates a worker.
  public init() {}

  private struct Request: Decodable {
    let id: String
    let model: String
    let spec: [String]
    let loss: String
    let optimizer: OptimizerRequest
    let steps: Int
    let batch: Int
    let data: String
    let `init`: String
    let out: String
  }

  /// Returns the losses, and writes the parameters.
  public mutating func answer(_ request: Data) throws -> [String: any Encodable] {
    let request = try JSONDecoder().decode(Request.self, from: request)
    let data = try Safetensors(path: request.data)
    guard let x = data["X"], let y = data["y"], let batches = data["batches"] else {
      throw WorkerError.refused("X, y or batches are missing")
    }
    let prefix = request.model + "/"
    var initial: [String: NDArray] = [:]
    for entry in try Safetensors(path: request.`init`).entries
    where entry.name.hasPrefix(prefix) {
      initial[String(entry.name.dropFirst(prefix.count))] = entry.array
    }
    let graph = try graph(request, x, y, initial)
    let plan = try graph.minimizing("loss", with: request.optimizer.optimizer()).compile(
      batch: request.batch, options: CompileOptions(threads: 1))
    let session = try plan.makeSession()
    var losses: [Double] = []
    for step in 0..<request.steps {
      if let rates = request.optimizer.lrs, step < rates.count {
        try session.withState(Optimizer.rateName, of: Float.self) { $0[0] = Float(rates[step]) }
      }
      let rows = batches.row(step)
      let results = try session.run(["x": x.rows(rows), "y": y.rows(rows)])
      losses.append(results["loss"]?.doubles[0] ?? .nan)
    }
    let entries = session.state.entries.filter { initial[$0.name] != nil }
      .map { Safetensors.Entry($0.name, $0.array) }
    try Safetensors(entries).write(to: request.out)
    return ["losses": losses]
  }

  private func graph(
    _ request: Request, _ x: NDArray, _ y: NDArray, _ initial: [String: NDArray]
  ) throws -> Graph {
    var failure: (any Error)?
    let graph = Graph(request.model) { g in
      do {
        let inputs = g.input(
          "x", Shape([.batch] + x.dimensions.dropFirst().map { Extent(offset: $0) }))
        let targets = g.input(
          "y", Shape([.batch] + y.dimensions.dropFirst().map { Extent(offset: $0) }), y.dataType)
        var model = TrainModel(builder: g, initial: initial)
        let prediction = try request.spec.reduce(inputs) { try model.apply($1, to: $0) }
        switch request.loss {
        case "cross_entropy": g.output("loss", crossEntropy(prediction, targets))
        case "mse", "mse_loss": g.output("loss", mse(prediction, targets))
        default: throw WorkerError.unsupported("loss \(request.loss)")
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return graph
  }
}

/// An optimizer as requests name it.
struct OptimizerRequest: Decodable {
  let name: String
  let lr: Double
  let lrs: [Double]?
  let momentum: Double?
  let dampening: Double?
  let nesterov: Bool?
  let weight_decay: Double?
  let betas: [Double]?
  let eps: Double?
  let amsgrad: Bool?
  let alpha: Double?
  let centered: Bool?
  let lr_decay: Double?
  let initial_accumulator_value: Double?
  let clip: Double?

  /// Returns the library's optimizer.
  func optimizer() throws -> Optimizer {
    let betas = betas ?? [0.9, 0.999]
    guard betas.count == 2 else { throw WorkerError.refused("betas \(betas)") }
    let decay = weight_decay ?? 0
    switch name {
    case "SGD":
      return .sgd(
        lr, momentum: momentum ?? 0, nesterov: nesterov ?? false, dampening: dampening ?? 0,
        weightDecay: decay, clipNorm: clip)
    case "Adam":
      return .adam(
        lr, beta1: betas[0], beta2: betas[1], epsilon: eps ?? 1e-8, amsgrad: amsgrad ?? false,
        weightDecay: decay, clipNorm: clip)
    case "AdamW":
      return .adamW(
        lr, beta1: betas[0], beta2: betas[1], epsilon: eps ?? 1e-8, amsgrad: amsgrad ?? false,
        weightDecay: weight_decay ?? 1e-2, clipNorm: clip)
    case "RMSprop":
      return .rmsProp(
        lr, alpha: alpha ?? 0.99, epsilon: eps ?? 1e-8, momentum: momentum ?? 0,
        isCentred: centered ?? false, weightDecay: decay, clipNorm: clip)
    case "Adagrad":
      return .adagrad(
        lr, rateDecay: lr_decay ?? 0, initial: initial_accumulator_value ?? 0,
        epsilon: eps ?? 1e-10, weightDecay: decay, clipNorm: clip)
    default: throw WorkerError.unsupported("optimizer \(name)")
    }
  }
}

extension NDArray {
  /// Returns a row of a matrix of whole numbers.
  fileprivate func row(_ index: Int) -> [Int] {
    let width = dimensions[1]
    return doubles[index * width..<(index + 1) * width].map { Int($0) }
  }

  /// Returns the slices of the first axis at some indices.
  fileprivate func rows(_ indices: [Int]) -> NDArray {
    let width = dimensions.dropFirst().reduce(1, *)
    func pick<T>(_ elements: [T]) -> [T] {
      indices.flatMap { elements[$0 * width..<($0 + 1) * width] }
    }
    let storage: Storage =
      switch storage {
      case .f32(let elements): .f32(pick(elements))
      case .f64(let elements): .f64(pick(elements))
      case .i32(let elements): .i32(pick(elements))
      case .i64(let elements): .i64(pick(elements))
      case .u8(let elements): .u8(pick(elements))
      case .bool(let elements): .bool(pick(elements))
      }
    return NDArray(storage, dimensions: [indices.count] + dimensions.dropFirst())
  }
}

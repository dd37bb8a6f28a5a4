import Descent

/// What calls of operations mean, by name; a name with a variant is looked for first.
typealias OpTable = [String: @Sendable (OpCall) throws -> [Tensor]]

/// All groups of operations.
enum OpTables {
  static let all: OpTable = {
    let groups: [OpTable] = [
      unaryOps, binaryOps, activationOps, reductionOps, shapeOps, indexOps, matrixOps, lossOps,
      normalizationOps, poolOps, resamplingOps, convolutionOps,
    ]
    return groups.reduce(into: [:]) { $0.merge($1) { first, _ in first } }
  }()

  /// Returns what a call means.
  static func meaning(
    of op: String, variant: String
  ) throws -> @Sendable (OpCall) throws -> [Tensor] {
    guard let meaning = all["\(op)/\(variant)"] ?? all[op] else {
      throw WorkerError.unsupported(variant.isEmpty ? op : "\(op)/\(variant)")
    }
    return meaning
  }
}

extension Tensor {
  /// Returns what a function gives for this tensor; a single number counts as a vector of one meanwhile.
  func lifted(_ body: (Tensor) throws -> Tensor) rethrows -> Tensor {
    guard rank == 0 else { return try body(self) }
    let result = try body(reshape([1]))
    return result.rank == 1 && result.shape[0] == 1 ? result.reshape(.scalar) : result
  }

  /// The axes counted from the front, of which a single number has one.
  func axes(_ axes: [Int]?) throws -> [Int]? {
    guard let axes, !axes.isEmpty else { return nil }
    let counted = try axes.map { axis in
      let width = Swift.max(rank, 1)
      guard axis >= -width, axis < width else {
        throw WorkerError.refused("axis \(axis) is not an axis of \(shape)")
      }
      return axis < 0 ? axis + width : axis
    }
    guard Set(counted).count == counted.count else {
      throw WorkerError.refused("axes \(axes) are not distinct")
    }
    return rank == 0 ? [] : counted
  }
}

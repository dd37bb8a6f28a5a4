/// What a node computes: one family of operations and its attributes.
///
/// The enum is closed on purpose: a new family fails to compile at every stage that forgot it. A family is
/// one name in three rooms: `Graph/Ops/F.swift`, `Passes/Differentiation/F.swift`, `Codegen/Lowering/F.swift`.
public enum Op: Hashable, Sendable {
  /// A value that comes from outside the computation.
  case leaf(Leaf)
  /// A function of each element alone.
  case elementwise(Elementwise)
  /// Many elements become one along some axes.
  case reduction(Reduction)
  /// Elements change place, not value.
  case movement(Movement)
  /// Batched matrix product.
  case contraction(Contraction)
  /// Windows times weights.
  case convolution(Convolution)
  /// The maps before and behind products of 3×3 windows in tiles.
  case winograd(Winograd)
  /// Places that are themselves data.
  case index(Index)

  /// The family's own description.
  package var definition: any OpDefinition {
    switch self {
    case .leaf(let op): op
    case .elementwise(let op): op
    case .reduction(let op): op
    case .movement(let op): op
    case .contraction(let op): op
    case .convolution(let op): op
    case .winograd(let op): op
    case .index(let op): op
    }
  }

  /// Returns the type of the result, or throws what is wrong with the operands.
  ///
  /// Every node that is made asks for it, so it does without the box that `definition` is.
  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    switch self {
    case .leaf(let op): try op.resultType(of: operands)
    case .elementwise(let op): try op.resultType(of: operands)
    case .reduction(let op): try op.resultType(of: operands)
    case .movement(let op): try op.resultType(of: operands)
    case .contraction(let op): try op.resultType(of: operands)
    case .convolution(let op): try op.resultType(of: operands)
    case .winograd(let op): try op.resultType(of: operands)
    case .index(let op): try op.resultType(of: operands)
    }
  }

  /// The operation's name in dumps, such as `add`.
  public var name: String { definition.name }

  /// One line that says what the operation computes.
  public var summary: String { definition.summary }

  /// One operation of every kind, for tables and tests; attributes are only examples.
  package static var samples: [Op] {
    Leaf.samples.map(Op.leaf) + Elementwise.samples.map(Op.elementwise)
      + Reduction.samples.map(Op.reduction) + Movement.samples.map(Op.movement)
      + Contraction.samples.map(Op.contraction) + Convolution.samples.map(Op.convolution)
      + Winograd.samples.map(Op.winograd) + Index.samples.map(Op.index)
  }

  /// Returns the operation a line of graph text names, or nil where no family knows the name.
  package static func named(
    _ name: String, attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Op? {
    if let op = try Leaf.named(name, attributes, type: type) { return .leaf(op) }
    if let op = try Elementwise.named(name, attributes, type: type) { return .elementwise(op) }
    if let op = try Reduction.named(name, attributes, type: type) { return .reduction(op) }
    if let op = try Movement.named(name, attributes, type: type) { return .movement(op) }
    if let op = try Contraction.named(name, attributes, type: type) { return .contraction(op) }
    if let op = try Convolution.named(name, attributes, type: type) { return .convolution(op) }
    if let op = try Winograd.named(name, attributes, type: type) { return .winograd(op) }
    if let op = try Index.named(name, attributes, type: type) { return .index(op) }
    return nil
  }
}

/// What a family of operations must say about itself.
package protocol OpDefinition: Hashable, Sendable {
  /// The name in dumps.
  var name: String { get }
  /// One line that says what it computes.
  var summary: String { get }
  /// The static parameters, in the order in which dumps show them.
  var attributes: Attributes { get }
  /// Returns the type of the result, or throws what is wrong with the operands.
  func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType
  /// Returns the result for operands of bound types: slow and obvious, the meaning of the operation.
  ///
  /// - Precondition: `resultType(of:)` accepts the operands' types and gives `result`.
  func reference(_ operands: [NDArray], result: TensorType) -> NDArray
  /// Returns the work for operands of bound types.
  func cost(of operands: [TensorType], result: TensorType) -> Cost
  /// One operation of each kind in the family.
  static var samples: [Self] { get }
  /// Returns the operation with a name and attributes, or nil where the family does not know the name.
  static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Self?
}

/// The arithmetic and traffic of one operation, were it run alone.
public struct Cost: Hashable, Sendable {
  /// Scalar operations; a fused multiply-add counts as two.
  public var flops: Int
  /// Bytes of all operands.
  public var bytesRead: Int
  /// Bytes of the result.
  public var bytesWritten: Int

  /// Creates a cost with the traffic of bound types.
  package init(flops: Int, operands: [TensorType], result: TensorType) {
    self.flops = flops
    self.bytesRead = operands.reduce(0) { $0 + $1.byteCount }
    self.bytesWritten = result.byteCount
  }
}

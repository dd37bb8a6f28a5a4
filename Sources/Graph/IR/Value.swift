/// The result of one node, named by the node's position in its graph.
///
/// Every node has exactly one result, so a value also names its node.
public struct Value: Hashable, Sendable, Comparable, Codable, CustomStringConvertible {
  /// The position of the node in `Graph.nodes`.
  public let index: Int32

  /// Creates the value at a position.
  public init(_ index: Int) {
    self.index = Int32(index)
  }

  /// Whether the left value's node comes first.
  public static func < (left: Value, right: Value) -> Bool { left.index < right.index }

  /// The value as dumps show it, such as `%5`.
  public var description: String { "%\(index)" }
}

/// One vertex of a graph: an operation applied to earlier values.
public struct Node: Sendable {
  /// What is computed.
  public let op: Op
  /// The values it is computed from, all earlier in the graph.
  public let operands: [Value]
  /// The type of the result.
  public let type: TensorType
  /// Where the user wrote it; not part of equality.
  public let origin: Origin

  package init(op: Op, operands: [Value] = [], type: TensorType, origin: Origin = .unknown) {
    self.op = op
    self.operands = operands
    self.type = type
    self.origin = origin
  }
}

extension Node: Hashable {
  /// Whether operation, operands and type agree; the origins may differ.
  public static func == (left: Node, right: Node) -> Bool {
    left.op == right.op && left.operands == right.operands && left.type == right.type
  }

  /// Feeds operation, operands and type to a hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(op)
    hasher.combine(operands)
    hasher.combine(type)
  }
}

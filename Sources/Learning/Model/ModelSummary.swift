public import DescentGraph

/// What each layer of a model makes and costs, as a table.
public struct ModelSummary: Hashable, Sendable {
  /// One layer.
  public struct Row: Hashable, Sendable {
    /// Position and type, such as `0.Dense`.
    public let layer: String
    /// The type of its result.
    public let output: TensorType
    /// How many numbers training changes in it.
    public let parameterCount: Int
    /// Scalar operations for one example; a fused multiply-add counts as two.
    public let flops: Int
    /// The size of its result for one example.
    public let byteCount: Int
  }

  /// The model's name.
  public let name: String
  /// The type of the operand.
  public let input: TensorType
  /// The layers, in order.
  public let rows: [Row]

  /// How many numbers training changes in the model.
  public var parameterCount: Int { rows.reduce(0) { $0 + $1.parameterCount } }
  /// Scalar operations for one example.
  public var flops: Int { rows.reduce(0) { $0 + $1.flops } }
  /// The size of all results for one example.
  public var byteCount: Int { rows.reduce(0) { $0 + $1.byteCount } }

  /// Measures a graph whose layers end before the given nodes.
  init(_ graph: Graph, labels: [String], ends: [(nodeCount: Int, result: TensorType)]) {
    name = graph.name
    input = graph.nodes[0].type
    let types = graph.nodes.map { $0.type.example }
    var start = 1
    var rows: [Row] = []
    for (label, end) in zip(labels, ends) {
      // A layer that adds no node, or meets one that is there, costs nothing again.
      let nodes = start..<max(start, end.nodeCount)
      rows.append(
        Row(
          layer: label, output: end.result,
          parameterCount: nodes.reduce(0) { $0 + graph.nodes[$1].parameterCount },
          flops: nodes.reduce(0) { sum, index in
            let node = graph.nodes[index]
            let operands = node.operands.map { types[Int($0.index)] }
            return sum + node.op.definition.cost(of: operands, result: types[index]).flops
          },
          byteCount: end.result.example.byteCount))
      start = nodes.upperBound
    }
    self.rows = rows
  }
}

extension TensorType {
  /// The type for a batch of one.
  fileprivate var example: TensorType {
    TensorType(dataType, shape.bound(batch: 1) ?? shape)
  }
}

extension Node {
  /// How many numbers training changes in this leaf.
  fileprivate var parameterCount: Int {
    if case .leaf(.parameter) = op { type.shape.count } else { 0 }
  }
}

extension ModelSummary: CustomStringConvertible {
  /// The table, a row a layer.
  public var description: String {
    var table = TextTable(["layer", "output", "parameters", "FLOPs", "bytes"], left: 2)
    for row in rows {
      table.append([
        row.layer, "\(row.output)", grouped(row.parameterCount), grouped(row.flops),
        grouped(row.byteCount),
      ])
    }
    table.appendRule()
    table.append(["total", "", grouped(parameterCount), grouped(flops), grouped(byteCount)])
    return """
      \(name): \(input)
      \(table)
      parameters take \(grouped(parameterCount * 4)) bytes; FLOPs and bytes are those of one example
      """
  }
}

/// A value in a graph under construction: what the DSL's operators and functions work on.
///
/// Nothing is computed when tensors are combined; nodes are added to the graph. A tensor that came out of a
/// mistake is a placeholder, and whatever is built from it is one too.
public struct Tensor {
  /// The graph under construction.
  package let builder: GraphBuilder
  /// The value, or nil for a placeholder.
  package let value: Value?

  /// Creates a handle for a value.
  package init(_ builder: GraphBuilder, _ value: Value?) {
    self.builder = builder
    self.value = value
  }

  /// The element type and shape; a placeholder counts as one number.
  public var type: TensorType {
    guard let value else { return TensorType(.f32, .scalar) }
    return builder.type(of: value)
  }

  /// The extents.
  public var shape: Shape { type.shape }

  /// The number of axes.
  public var rank: Int { shape.rank }

  /// The type of one element.
  public var dataType: DataType { type.dataType }

  /// Whether the tensor came out of a mistake.
  package var isPlaceholder: Bool { value == nil }

  /// Adds a node with this tensor as its first operand.
  package func apply(_ op: Op, _ others: Tensor...) -> Tensor {
    Tensor(builder, builder.add(op, [value] + others.map(\.value)))
  }

  /// Records a mistake and returns a placeholder.
  package func failure(_ message: String, hint: String? = nil) -> Tensor {
    builder.record(GraphError(message, hint: hint))
    return Tensor(builder, nil)
  }
}

/// A line of the user's program, as default arguments capture it.
package struct Site: Hashable, Sendable {
  package let file: String
  package let line: Int

  package init(_ file: String, _ line: Int) {
    self.file = file
    self.line = line
  }
}

extension GraphBuilder {
  /// Runs a body whose nodes come from a line; inside a composite, the composite's own line stays.
  package func at<T>(_ site: Site, _ composite: String = "", _ body: () -> T) -> T {
    guard origin.composite.isEmpty else { return body() }
    origin = Origin(file: site.file, line: site.line, composite: composite)
    defer { origin.composite = "" }
    return body()
  }
}

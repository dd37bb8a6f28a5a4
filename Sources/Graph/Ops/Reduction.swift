/// Many elements become one along a run of neighbouring axes, which the result no longer has.
///
/// **Order.** View the operand as `[outer, extent, inner]`, where the reduced axes are `extent`. The order in
/// which elements meet depends on this logical shape alone:
/// - `inner == 1` (a *row* reduction): the row is cut into chunks of `rowChunk` elements. In a chunk of n
///   elements there are L lanes, the power of two at or above n and at most `maximumLanes`; every lane starts
///   at the identity, and element i meets lane i mod L in ascending order. The lanes then combine as a tree,
///   and so do the chunks.
/// - else (a *column* reduction): the extent is cut into chunks of `columnChunk` rows. A chunk starts at the
///   identity and takes its rows in ascending order; the chunks combine as a tree.
/// - A *tree* over n values: with s the greatest power of two below n, value i takes value i + s for every
///   i < n − s; then n becomes s, until one is left.
///
/// `argMax` and `argMin` give the first index; a NaN counts as beyond every number.
public struct Reduction: Hashable, Sendable {
  /// How elements meet.
  public enum Kind: String, Hashable, Sendable, CaseIterable, Codable {
    case sum, product, max, min, any, all, argMax, argMin

    /// Whether the result is where an element is, not what it is.
    package var isIndex: Bool { self == .argMax || self == .argMin }
  }

  /// How elements meet.
  public let kind: Kind
  /// The reduced axes: neighbours, in ascending order.
  public let axes: [Int]

  /// Creates a reduction over neighbouring axes.
  public init(_ kind: Kind, axes: [Int]) {
    self.kind = kind
    self.axes = axes
  }

  /// The number of elements of a row that are reduced before their partial result meets another's.
  package static let rowChunk = 4096
  /// The greatest number of lanes a row is dealt to.
  package static let maximumLanes = 64
  /// The number of rows that are reduced before their partial result meets another's.
  package static let columnChunk = 128
}

extension Reduction: OpDefinition {
  package var name: String { kind.rawValue }

  package var summary: String {
    switch kind {
    case .sum: "the sum along axes; 0 where there is nothing"
    case .product: "the product along axes; 1 where there is nothing"
    case .max: "the greatest along axes; NaN if any is NaN"
    case .min: "the least along axes; NaN if any is NaN"
    case .any: "whether any is true along axes"
    case .all: "whether all are true along axes"
    case .argMax: "the first index of the greatest along axes"
    case .argMin: "the first index of the least along axes"
    }
  }

  package var attributes: Attributes { Attributes().with("axes", axes) }

  package func resultType(of operands: [TensorType]) throws(GraphError) -> TensorType {
    try expect(1, operands)
    let (dataType, shape) = (operands[0].dataType, operands[0].shape)
    try expectAxes(axes, of: shape)
    guard let first = axes.first, axes.last == first + axes.count - 1 else {
      throw GraphError("\(name): axes \(axes) are not neighbours")
    }
    let kept = Shape(
      shape.extents.indices.filter { !axes.contains($0) }.map { shape.extents[$0] })
    switch kind {
    case .sum, .product:
      try expect(operands[0], in: .numbers)
      return TensorType(dataType, kept)
    case .max, .min, .argMax, .argMin:
      try expect(operands[0], in: .numbers)
      for axis in axes where shape[axis].fixed == 0 {
        throw GraphError("\(name): axis \(axis) of \(shape) is empty")
      }
      return TensorType(kind.isIndex ? .i32 : dataType, kept)
    case .any, .all:
      try expect(operands[0], in: .truth)
      return TensorType(.bool, kept)
    }
  }

  package func cost(of operands: [TensorType], result: TensorType) -> Cost {
    Cost(flops: operands[0].shape.count, operands: operands, result: result)
  }

  /// Returns the operand seen as `[outer, extent, inner]`.
  package func view(of shape: Shape) -> (outer: Int, extent: Int, inner: Int) {
    let dimensions = shape.dimensions
    let first = axes[0]
    let end = first + axes.count
    return (
      dimensions[..<first].reduce(1, *), dimensions[first..<end].reduce(1, *),
      dimensions[end...].reduce(1, *)
    )
  }

  package static var samples: [Reduction] { Kind.allCases.map { Reduction($0, axes: [1]) } }

  package static func named(
    _ name: String, _ attributes: Attributes, type: TensorType
  ) throws(GraphError) -> Reduction? {
    guard let kind = Kind(rawValue: name) else { return nil }
    return Reduction(kind, axes: try attributes.integers("axes"))
  }
}

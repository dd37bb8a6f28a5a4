/// The extents of a tensor, outermost first; storage is row-major.
public struct Shape: Hashable, Sendable, Codable {
  /// The length of each axis.
  public let extents: [Extent]

  /// The greatest number of axes a tensor may have.
  public static let maximumRank: Int = 8

  /// Creates a shape from extents.
  public init(_ extents: [Extent]) {
    self.extents = extents
  }

  /// Creates a shape from numbers.
  public init(_ dimensions: [Int]) {
    self.extents = dimensions.map { Extent(offset: $0) }
  }

  /// The shape of a single number.
  public static let scalar: Shape = Shape([Extent]())

  /// How many axes there are.
  public var rank: Int { extents.count }

  /// Accesses the extent of one axis.
  public subscript(axis: Int) -> Extent { extents[axis] }

  /// Whether any axis depends on the batch size.
  public var isSymbolic: Bool { extents.contains { $0.isSymbolic } }

  /// The extents as numbers.
  ///
  /// - Precondition: The shape is bound, that is, no axis depends on the batch size.
  public var dimensions: [Int] { extents.map(number) }

  /// Whether the extents are these numbers.
  package func has(_ dimensions: [Int]) -> Bool {
    extents.elementsEqual(dimensions) { $0.fixed == $1 }
  }

  private func number(_ extent: Extent) -> Int {
    guard let fixed = extent.fixed else {
      preconditionFailure("shape \(self) is used as numbers before the batch size is bound")
    }
    return fixed
  }

  /// The product of the extents, or nil where it overflows or is not linear in the batch size.
  public var elementCount: Extent? { Shape.product(extents) }

  /// The number of elements.
  ///
  /// - Precondition: The shape is bound and came from a verified graph, so the product does not overflow.
  public var count: Int { extents.reduce(1) { $0 * number($1) } }

  /// The extents without those of 1, which places do not depend on.
  package var squeezed: [Extent] { extents.contains(1) ? extents.filter { $0 != 1 } : extents }

  /// Returns the product of extents, or nil where it overflows or is not linear in the batch size.
  package static func product(_ extents: some Sequence<Extent>) -> Extent? {
    var result = Extent(offset: 1)
    for extent in extents {
      guard let next = result.multiplied(by: extent) else { return nil }
      result = next
    }
    return result
  }

  /// Returns the shape for a batch size, or nil where an extent overflows or would be negative.
  package func bound(batch: Int) -> Shape? {
    var result: [Extent] = []
    result.reserveCapacity(rank)
    for extent in extents {
      guard let fixed = extent.bound(batch: batch), fixed >= 0 else { return nil }
      result.append(Extent(offset: fixed))
    }
    return Shape(result)
  }

  /// Returns the row-major distance, in elements, between neighbours along each axis.
  ///
  /// - Precondition: The shape is bound.
  package var strides: [Int] {
    let dimensions = dimensions
    var strides = [Int](repeating: 1, count: dimensions.count)
    for axis in dimensions.indices.dropLast().reversed() {
      strides[axis] = strides[axis + 1] * dimensions[axis + 1]
    }
    return strides
  }
}

extension Shape: ExpressibleByArrayLiteral, CustomStringConvertible {
  /// Creates a shape from a literal such as `[.batch, 784]`.
  public init(arrayLiteral elements: Extent...) {
    self.init(elements)
  }

  /// The shape as dumps show it, such as `[batch, 784]`.
  public var description: String {
    "[" + extents.map(\.description).joined(separator: ", ") + "]"
  }
}

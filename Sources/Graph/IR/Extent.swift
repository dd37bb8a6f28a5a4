/// The length of one axis: a number, or a linear expression in the batch size.
///
/// `.batch` stands for a number that is bound when a graph is compiled. Extents stay linear,
/// `scale·batch + offset`, so that flattening `[batch, time]` or concatenating two batches still has a type.
public struct Extent: Hashable, Sendable, Codable {
  /// How many times the batch size counts.
  public let scale: Int
  /// The part that does not depend on the batch size.
  public let offset: Int

  /// Creates `scale·batch + offset`.
  public init(scale: Int = 0, offset: Int) {
    self.scale = scale
    self.offset = offset
  }

  /// The batch size, bound at compile time.
  public static let batch: Extent = Extent(scale: 1, offset: 0)

  /// The extent as a number, or nil while it depends on the batch size.
  public var fixed: Int? { scale == 0 ? offset : nil }

  /// Whether the extent depends on the batch size.
  public var isSymbolic: Bool { scale != 0 }

  /// Returns the number this extent is for a batch size, or nil where it overflows.
  package func bound(batch: Int) -> Int? {
    let (product, overflow) = scale.multipliedReportingOverflow(by: batch)
    let (sum, carry) = product.addingReportingOverflow(offset)
    return overflow || carry ? nil : sum
  }

  /// Returns the sum, or nil on overflow.
  package func adding(_ other: Extent) -> Extent? {
    let (s, o) = scale.addingReportingOverflow(other.scale)
    let (t, p) = offset.addingReportingOverflow(other.offset)
    return o || p ? nil : Extent(scale: s, offset: t)
  }

  /// Returns the difference, or nil on overflow.
  package func subtracting(_ other: Extent) -> Extent? {
    let (s, o) = scale.subtractingReportingOverflow(other.scale)
    let (t, p) = offset.subtractingReportingOverflow(other.offset)
    return o || p ? nil : Extent(scale: s, offset: t)
  }

  /// Returns the product, or nil where it overflows or would not be linear.
  package func multiplied(by other: Extent) -> Extent? {
    guard scale == 0 || other.scale == 0 else { return nil }
    let (constant, overflow) = offset.multipliedReportingOverflow(by: other.offset)
    let (left, leftOverflow) = scale.multipliedReportingOverflow(by: other.offset)
    let (right, rightOverflow) = other.scale.multipliedReportingOverflow(by: offset)
    guard !overflow, !leftOverflow, !rightOverflow else { return nil }
    return Extent(scale: left + right, offset: constant)
  }
}

extension Extent: ExpressibleByIntegerLiteral, CustomStringConvertible {
  /// Creates a fixed extent.
  public init(integerLiteral value: Int) {
    self.init(offset: value)
  }

  /// The extent as dumps show it: `16`, `batch`, `2*batch+1`.
  public var description: String {
    guard scale != 0 else { return "\(offset)" }
    let symbol = scale == 1 ? "batch" : "\(scale)*batch"
    if offset == 0 { return symbol }
    return offset > 0 ? "\(symbol)+\(offset)" : "\(symbol)\(offset)"
  }
}

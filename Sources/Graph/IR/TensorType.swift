/// The element type and shape of a value.
public struct TensorType: Hashable, Sendable, Codable, CustomStringConvertible {
  /// The type of one element.
  public let dataType: DataType
  /// The extents.
  public let shape: Shape

  /// Creates a type.
  public init(_ dataType: DataType, _ shape: Shape) {
    self.dataType = dataType
    self.shape = shape
  }

  /// The type as dumps show it, such as `f32[batch, 784]`.
  public var description: String { "\(dataType)\(shape)" }

  /// The number of bytes a bound value of this type occupies.
  ///
  /// - Precondition: The shape is bound and came from a verified graph.
  public var byteCount: Int { shape.count * dataType.byteCount }
}

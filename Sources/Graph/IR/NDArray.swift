/// A dense array of numbers in row-major order: what goes into a session and what comes out of it.
///
/// Equality and hashing compare bits, so that a NaN equals itself and −0 differs from +0.
public struct NDArray: Sendable, Codable {
  /// The elements, typed.
  public enum Storage: Sendable, Codable {
    /// Elements of type `f32`.
    case f32([Float])
    /// Elements of type `f64`.
    case f64([Double])
    /// Elements of type `i32`.
    case i32([Int32])
    /// Elements of type `i64`.
    case i64([Int64])
    /// Elements of type `u8`.
    case u8([UInt8])
    /// Elements of type `bool`.
    case bool([Bool])
  }

  /// The extents, outermost first.
  public let dimensions: [Int]
  /// The elements in row-major order.
  public let storage: Storage

  /// Creates an array from elements in row-major order.
  ///
  /// - Precondition: The product of the dimensions is the number of elements.
  public init(_ storage: Storage, dimensions: [Int]) {
    precondition(
      NDArray.elementCount(dimensions) == storage.count,
      "\(storage.count) elements do not fill dimensions \(dimensions)")
    self.storage = storage
    self.dimensions = dimensions
  }

  /// Returns the product of dimensions, or nil where one is negative or the product overflows.
  package static func elementCount(_ dimensions: [Int]) -> Int? {
    var count = 1
    for dimension in dimensions {
      let (next, overflow) = count.multipliedReportingOverflow(by: dimension)
      guard !overflow, dimension >= 0 else { return nil }
      count = next
    }
    return count
  }
}

extension NDArray {
  /// Creates an array from what another was encoded to.
  ///
  /// - Throws: `DecodingError` also where the elements do not fill the dimensions.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    let dimensions = try container.decode([Int].self, forKey: .dimensions)
    let storage = try container.decode(Storage.self, forKey: .storage)
    guard NDArray.elementCount(dimensions) == storage.count else {
      throw DecodingError.dataCorruptedError(
        forKey: .storage, in: container,
        debugDescription: "\(storage.count) elements do not fill dimensions \(dimensions)")
    }
    self.init(storage, dimensions: dimensions)
  }
}

extension NDArray {
  /// Creates a vector, or an array of given dimensions, of `f32`.
  ///
  /// - Precondition: The product of the dimensions is the number of elements.
  public init(_ elements: [Float], dimensions: [Int]? = nil) {
    self.init(.f32(elements), dimensions: dimensions ?? [elements.count])
  }

  /// Creates a vector, or an array of given dimensions, of `i32`.
  ///
  /// - Precondition: The product of the dimensions is the number of elements.
  @_disfavoredOverload  // Bare literals are real numbers.
  public init(_ elements: [Int32], dimensions: [Int]? = nil) {
    self.init(.i32(elements), dimensions: dimensions ?? [elements.count])
  }

  /// Creates an array without axes.
  public init(scalar value: Float) {
    self.init(.f32([value]), dimensions: [])
  }

  /// Creates an array whose elements are all zero.
  ///
  /// - Precondition: No dimension is negative.
  public init(zeros dataType: DataType, dimensions: [Int]) {
    self.init(repeating: 0, dataType, dimensions: dimensions)
  }

  /// Creates an array whose elements are all one value, rounded to the element type.
  ///
  /// - Precondition: No dimension is negative; the value is representable in an integer type.
  public init(repeating value: Double, _ dataType: DataType, dimensions: [Int]) {
    let count = dimensions.reduce(1, *)
    switch dataType {
    case .f32: self.init(.f32(Array(repeating: Float(value), count: count)), dimensions: dimensions)
    case .f64: self.init(.f64(Array(repeating: value, count: count)), dimensions: dimensions)
    case .i32: self.init(.i32(Array(repeating: Int32(value), count: count)), dimensions: dimensions)
    case .i64: self.init(.i64(Array(repeating: Int64(value), count: count)), dimensions: dimensions)
    case .u8: self.init(.u8(Array(repeating: UInt8(value), count: count)), dimensions: dimensions)
    case .bool:
      self.init(.bool(Array(repeating: value != 0, count: count)), dimensions: dimensions)
    }
  }

  /// The type of one element.
  public var dataType: DataType { storage.dataType }

  /// The number of elements.
  public var count: Int { storage.count }

  /// The element type and shape.
  public var type: TensorType { TensorType(dataType, Shape(dimensions)) }

  /// Returns the same elements with other dimensions.
  ///
  /// - Precondition: The number of elements stays the same.
  public func reshaped(_ dimensions: [Int]) -> NDArray {
    NDArray(storage, dimensions: dimensions)
  }

  /// The only element, as a `Float`.
  ///
  /// - Precondition: There is exactly one element.
  public var scalar: Float {
    precondition(count == 1, "an array of type \(type) is not one number")
    return Float(doubles[0])
  }

  /// The elements as `Float`, rounded where the element type is wider.
  public var floats: [Float] {
    if case .f32(let elements) = storage { return elements }
    return doubles.map { Float($0) }
  }

  /// The elements as `Double`; 64-bit integers beyond 2^53 are rounded.
  public var doubles: [Double] {
    switch storage {
    case .f32(let elements): elements.map { Double($0) }
    case .f64(let elements): elements
    case .i32(let elements): elements.map { Double($0) }
    case .i64(let elements): elements.map { Double($0) }
    case .u8(let elements): elements.map { Double($0) }
    case .bool(let elements): elements.map { $0 ? 1 : 0 }
    }
  }
}

extension NDArray.Storage {
  /// The type of one element.
  public var dataType: DataType {
    switch self {
    case .f32: .f32
    case .f64: .f64
    case .i32: .i32
    case .i64: .i64
    case .u8: .u8
    case .bool: .bool
    }
  }

  /// The number of elements.
  public var count: Int {
    switch self {
    case .f32(let elements): elements.count
    case .f64(let elements): elements.count
    case .i32(let elements): elements.count
    case .i64(let elements): elements.count
    case .u8(let elements): elements.count
    case .bool(let elements): elements.count
    }
  }
}

extension NDArray: Hashable {
  /// Whether type, dimensions and every bit agree.
  public static func == (left: NDArray, right: NDArray) -> Bool {
    guard left.dimensions == right.dimensions else { return false }
    switch (left.storage, right.storage) {
    case (.f32(let a), .f32(let b)):
      return a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
    case (.f64(let a), .f64(let b)):
      return a.elementsEqual(b) { $0.bitPattern == $1.bitPattern }
    case (.i32(let a), .i32(let b)): return a == b
    case (.i64(let a), .i64(let b)): return a == b
    case (.u8(let a), .u8(let b)): return a == b
    case (.bool(let a), .bool(let b)): return a == b
    default: return false
    }
  }

  /// Feeds type, dimensions and every bit to a hasher.
  public func hash(into hasher: inout Hasher) {
    hasher.combine(dataType)
    hasher.combine(dimensions)
    switch storage {
    case .f32(let elements): for element in elements { hasher.combine(element.bitPattern) }
    case .f64(let elements): for element in elements { hasher.combine(element.bitPattern) }
    case .i32(let elements): hasher.combine(elements)
    case .i64(let elements): hasher.combine(elements)
    case .u8(let elements): hasher.combine(elements)
    case .bool(let elements): hasher.combine(elements)
    }
  }
}

extension NDArray: CustomStringConvertible {
  /// The type and the first few elements.
  public var description: String {
    let shown: [String] =
      switch storage {
      case .f32(let elements): elements.prefix(8).map(\.description)
      case .f64(let elements): elements.prefix(8).map(\.description)
      case .i32(let elements): elements.prefix(8).map(\.description)
      case .i64(let elements): elements.prefix(8).map(\.description)
      case .u8(let elements): elements.prefix(8).map(\.description)
      case .bool(let elements): elements.prefix(8).map(\.description)
      }
    return "\(type) " + shown.joined(separator: " ") + (count > 8 ? " …" : "")
  }
}

/// The type of one element of a tensor.
public enum DataType: UInt8, Hashable, Sendable, CaseIterable, Codable {
  /// IEEE binary32, the type that must be fast.
  case f32
  /// IEEE binary64, for references and gradient checks.
  case f64
  /// Two's complement 32-bit integer; arithmetic wraps.
  case i32
  /// Two's complement 64-bit integer; arithmetic wraps.
  case i64
  /// Unsigned byte; arithmetic wraps.
  case u8
  /// Truth value, stored as one byte holding 0 or 1.
  case bool

  /// The size of one element in memory.
  public var byteCount: Int {
    switch self {
    case .u8, .bool: 1
    case .f32, .i32: 4
    case .f64, .i64: 8
    }
  }

  /// Whether the type holds real numbers, and so can carry a gradient.
  public var isFloat: Bool { self == .f32 || self == .f64 }

  /// Whether the type holds integers; truth values are not integers.
  public var isInteger: Bool { self == .i32 || self == .i64 || self == .u8 }
}

extension DataType: CustomStringConvertible {
  /// The short name used in dumps, such as `f32`.
  public var description: String {
    switch self {
    case .f32: "f32"
    case .f64: "f64"
    case .i32: "i32"
    case .i64: "i64"
    case .u8: "u8"
    case .bool: "bool"
    }
  }

  /// Creates the type with a short name.
  package init?(name: some StringProtocol) {
    guard let match = Self.allCases.first(where: { $0.description == name }) else { return nil }
    self = match
  }
}

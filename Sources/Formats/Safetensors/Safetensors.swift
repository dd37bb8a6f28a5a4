public import DescentGraph

/// Named arrays and text about them, as a safetensors file holds them.
///
/// ```
/// header length, 8 bytes │ header, JSON │ the arrays' bytes, little-endian, without gaps
/// ```
public struct Safetensors: Hashable, Sendable {
  /// A name and its array.
  public struct Entry: Hashable, Sendable {
    /// The name, unique in its file.
    public let name: String
    /// The array.
    public let array: NDArray

    /// Creates an entry.
    public init(_ name: String, _ array: NDArray) {
      self.name = name
      self.array = array
    }
  }

  /// The arrays, in the order of the header they were read from.
  public var entries: [Entry]
  /// Free text by key.
  public var metadata: [String: String]

  /// Creates the contents of a file.
  public init(_ entries: [Entry] = [], metadata: [String: String] = [:]) {
    self.entries = entries
    self.metadata = metadata
  }

  /// Reads a file.
  ///
  /// Types that tensors do not have widen: `F16` and `BF16` to `f32`, `I8`, `I16` and `U16` to
  /// `i32`, `U32` to `i64`.
  /// - Throws: `FormatError` where the file cannot be read, or any byte of it is out of place.
  public init(path: String) throws(FormatError) {
    try self.init(decoding: try Files.read(path), name: path)
  }

  /// Writes a file, whole or not at all; equal contents give equal bytes.
  ///
  /// - Throws: `FormatError` where a name is used twice or the file cannot be written.
  public func write(to path: String) throws(FormatError) {
    try Files.write(try encoded(), to: path)
  }

  /// Accesses the array of a name.
  public subscript(name: String) -> NDArray? {
    entries.first { $0.name == name }?.array
  }
}

extension Safetensors {
  static let metadataKey = "__metadata__"
  /// The longest header that is read: more than any model needs, little enough to parse.
  static let headerLimit = 100_000_000

  /// The element types by their names in the header, in the order in which files list them last
  /// to first: by alignment, and among equals as other writers have it.
  static let elementTypes: [(name: String, format: ElementFormat)] = [
    ("BOOL", .bool), ("U8", .u8), ("I8", .i8), ("I16", .i16), ("U16", .u16), ("F16", .f16),
    ("BF16", .bf16), ("I32", .i32), ("U32", .u32), ("F32", .f32), ("F64", .f64), ("I64", .i64),
  ]
}

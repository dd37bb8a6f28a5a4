public import DescentGraph

/// The IDX format, in which MNIST and its kin are published: one array, big-endian, no names.
///
/// ```
/// 0 0 type rank │ extent, 4 bytes each │ elements in row-major order
/// ```
public enum IDX {
  /// Reads an array from a file, plain or compressed with gzip.
  ///
  /// Elements of 8 and 16 signed bits widen to `i32`.
  /// - Throws: `FormatError` where the file cannot be read or its size is not what it promises.
  public static func read(_ path: String) throws(FormatError) -> NDArray {
    try decode(try Gzip.readFile(path), name: path)
  }

  /// Writes an array of `u8`, `i32`, `f32` or `f64` to a file.
  ///
  /// - Throws: `FormatError` where the format cannot hold the array or the file cannot be written.
  public static func write(_ array: NDArray, to path: String) throws(FormatError) {
    try Files.write(try encode(array), to: path)
  }

  /// Returns the array that bytes hold.
  package static func decode(_ bytes: [UInt8], name: String) throws(FormatError) -> NDArray {
    guard bytes.prefix(2).allSatisfy({ $0 == 0 }) else {
      throw .idxMagic(bytes.prefix(2), in: name)
    }
    guard bytes.count >= 4 else { throw .headerCut(after: bytes.count, in: name) }
    guard let element = elements.first(where: { $0.code == bytes[2] }) else {
      throw .idxType(bytes[2], in: name)
    }
    let rank = Int(bytes[3])
    let start = 4 + 4 * rank
    guard bytes.count >= start else { throw .headerCut(after: bytes.count, in: name) }
    let dimensions = (0..<rank).map { Int(bytes.little32(at: 4 + 4 * $0).byteSwapped) }
    let promised = try element.format.byteCount(dimensions, name: element.name, in: name)
    guard promised == bytes.count - start else {
      throw .payload(promised: promised, found: bytes.count - start, in: name)
    }
    let storage = try element.format.decode(
      bytes, in: start..<bytes.count, bigEndian: true, source: name)
    return NDArray(storage, dimensions: dimensions)
  }

  /// Returns an array as the bytes of a file.
  package static func encode(_ array: NDArray) throws(FormatError) -> [UInt8] {
    let format = ElementFormat(array.dataType)
    guard let element = elements.first(where: { $0.format == format }) else {
      throw .idxUnwritable(array.dataType)
    }
    guard array.dimensions.count <= Shape.maximumRank else {
      throw .rank(array.dimensions.count, in: "")
    }
    var bytes: [UInt8] = [0, 0, element.code, UInt8(array.dimensions.count)]
    for dimension in array.dimensions {
      guard let extent = UInt32(exactly: dimension) else { throw .idxExtent(dimension) }
      bytes.append(extent, true)
    }
    array.storage.encode(into: &bytes, bigEndian: true)
    return bytes
  }

  private static let elements: [(code: UInt8, format: ElementFormat, name: String)] = [
    (0x08, .u8, "u8"), (0x09, .i8, "i8"), (0x0b, .i16, "i16"), (0x0c, .i32, "i32"),
    (0x0d, .f32, "f32"), (0x0e, .f64, "f64"),
  ]
}

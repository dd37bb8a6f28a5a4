public import DescentGraph

/// NumPy's format for one array.
///
/// ```
/// 0x93 NUMPY │ version │ header length │ header, a Python dictionary │ elements
/// ```
public enum NPY {
  /// Reads an array from a file, in C or Fortran order, of either byte order.
  ///
  /// Types that tensors do not have widen: `f2` to `f32`, `i1`, `i2` and `u2` to `i32`, `u4` to
  /// `i64`.
  /// - Throws: `FormatError` where the file cannot be read or its size is not what it promises.
  public static func read(_ path: String) throws(FormatError) -> NDArray {
    try decode(try Files.read(path), name: path)
  }

  /// Writes an array to a file.
  ///
  /// - Throws: `FormatError` where the file cannot be written.
  public static func write(_ array: NDArray, to path: String) throws(FormatError) {
    try Files.write(encode(array), to: path)
  }

  /// Returns the array that bytes hold.
  package static func decode(_ bytes: [UInt8], name: String) throws(FormatError) -> NDArray {
    let (headerStart, start) = try headerBounds(bytes, name: name)
    var parser = NPYHeaderParser(bytes, in: headerStart..<start, name: name)
    let header = try parser.header()
    guard let (format, bigEndian) = element(header.descriptor) else {
      throw .npyType(header.descriptor, in: name)
    }
    let promised = try format.byteCount(header.dimensions, name: header.descriptor, in: name)
    guard promised == bytes.count - start else {
      throw .payload(promised: promised, found: bytes.count - start, in: name)
    }
    let storage = try format.decode(
      bytes, in: start..<bytes.count, bigEndian: bigEndian, source: name)
    // An empty array may have vast extents beside its zero: there is nothing to put in order.
    guard header.isFortranOrder, promised > 0 else {
      return NDArray(storage, dimensions: header.dimensions)
    }
    return NDArray(
      storage.picking(fortranPositions(header.dimensions)), dimensions: header.dimensions)
  }

  /// Returns an array as the bytes of a file, the same that NumPy writes.
  package static func encode(_ array: NDArray) -> [UInt8] {
    let format = ElementFormat(array.dataType)
    guard let type = elements.first(where: { $0.format == format })?.name else {
      preconditionFailure("every type of tensors has a name in NPY: \(format)")
    }
    let order = format.byteCount == 1 ? "|" : "<"
    let shape = array.dimensions.map(String.init).joined(separator: ", ")
    let comma = array.dimensions.count == 1 ? "," : ""
    var header =
      "{'descr': '\(order)\(type)', 'fortran_order': False, 'shape': (\(shape)\(comma)), }"
    // Room for the outermost extent to grow in place when rows are appended to the file.
    if let first = array.dimensions.first {
      header += String(repeating: " ", count: max(0, 21 - String(first).count))
    }
    let used = 10 + header.utf8.count + 1
    header += String(repeating: " ", count: (64 - used % 64) % 64) + "\n"

    var bytes = magic + [1, 0]
    bytes.append(UInt16(header.utf8.count), false)
    bytes += header.utf8
    array.storage.encode(into: &bytes)
    return bytes
  }

  // MARK: Header

  private static let magic: [UInt8] = [0x93] + "NUMPY".utf8

  private static let elements: [(name: String, format: ElementFormat)] = [
    ("b1", .bool), ("u1", .u8), ("i1", .i8), ("u2", .u16), ("i2", .i16), ("u4", .u32), ("i4", .i32),
    ("i8", .i64), ("f2", .f16), ("f4", .f32), ("f8", .f64),
  ]

  /// Returns where the header starts and where it ends.
  private static func headerBounds(_ bytes: [UInt8], name: String) throws(FormatError)
    -> (Int, Int)
  {
    guard bytes.starts(with: magic) else { throw .npyMagic(in: name) }
    guard bytes.count >= 12 else { throw .headerCut(after: bytes.count, in: name) }
    guard (1...3).contains(bytes[6]), bytes[7] == 0 else {
      throw .npyVersion(bytes[6], bytes[7], in: name)
    }
    let start = bytes[6] == 1 ? 10 : 12
    let length = bytes[6] == 1 ? Int(bytes.little16(at: 8)) : Int(bytes.little32(at: 8))
    guard length <= bytes.count - start else { throw .headerCut(after: bytes.count, in: name) }
    return (start, start + length)
  }

  private static func element(_ descriptor: String) -> (ElementFormat, bigEndian: Bool)? {
    guard let order = descriptor.first, "<>|=".contains(order),
      let element = elements.first(where: { $0.name == descriptor.dropFirst() }),
      order != "|" || element.format.byteCount == 1
    else { return nil }
    return (element.format, order == ">")
  }

  /// Returns, for each element in row-major order, its position where the first axis runs fastest.
  private static func fortranPositions(_ dimensions: [Int]) -> [Int] {
    var positions = [0]
    var stride = 1
    for dimension in dimensions {
      positions = positions.flatMap { base in (0..<dimension).map { base + $0 * stride } }
      stride *= dimension
    }
    return positions
  }
}

extension NDArray.Storage {
  /// Returns the elements at some positions.
  fileprivate func picking(_ positions: [Int]) -> NDArray.Storage {
    switch self {
    case .f32(let elements): .f32(positions.map { elements[$0] })
    case .f64(let elements): .f64(positions.map { elements[$0] })
    case .i32(let elements): .i32(positions.map { elements[$0] })
    case .i64(let elements): .i64(positions.map { elements[$0] })
    case .u8(let elements): .u8(positions.map { elements[$0] })
    case .bool(let elements): .bool(positions.map { elements[$0] })
    }
  }
}

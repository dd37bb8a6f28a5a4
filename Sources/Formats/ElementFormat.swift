import DescentGraph

/// The element types files hold; narrow ones widen on reading to a type that tensors have.
enum ElementFormat: CaseIterable {
  case bool
  case u8
  case i8
  case u16
  case i16
  case u32
  case i32
  case i64
  case f16
  case bf16
  case f32
  case f64

  /// The size of one element in the file.
  var byteCount: Int {
    switch self {
    case .bool, .u8, .i8: 1
    case .u16, .i16, .f16, .bf16: 2
    case .u32, .i32, .f32: 4
    case .i64, .f64: 8
    }
  }

  /// The format that holds a tensor's elements without loss.
  init(_ type: DataType) {
    switch type {
    case .f32: self = .f32
    case .f64: self = .f64
    case .i32: self = .i32
    case .i64: self = .i64
    case .u8: self = .u8
    case .bool: self = .bool
    }
  }

  /// Returns how many bytes an array takes, or throws where that overflows.
  ///
  /// Extents of zero count as one in the check, so that later strides cannot overflow either.
  func byteCount(_ dimensions: [Int], name: String, in source: String) throws(FormatError) -> Int {
    guard dimensions.count <= Shape.maximumRank else { throw .rank(dimensions.count, in: source) }
    // Widening may double or quadruple the bytes: the result has to fit, too.
    let nonzero = dimensions.map { max($0, 1) } + [byteCount * 4]
    guard NDArray.elementCount(nonzero) != nil,
      let count = NDArray.elementCount(dimensions + [byteCount])
    else { throw .sizeOverflows(dimensions, of: name, in: source) }
    return count
  }
}

// MARK: Decoding

extension ElementFormat {
  /// Returns the elements in a range of bytes.
  ///
  /// - Precondition: The range lies within the bytes and holds a whole number of elements.
  func decode(
    _ bytes: [UInt8], in range: Range<Int>, bigEndian: Bool = false, source: String
  ) throws(FormatError) -> NDArray.Storage {
    let offsets = stride(from: range.lowerBound, to: range.upperBound, by: byteCount)
    func half(_ offset: Int) -> UInt16 {
      bigEndian ? bytes.little16(at: offset).byteSwapped : bytes.little16(at: offset)
    }
    func word(_ offset: Int) -> UInt32 {
      bigEndian ? bytes.little32(at: offset).byteSwapped : bytes.little32(at: offset)
    }
    func long(_ offset: Int) -> UInt64 {
      bigEndian ? bytes.little64(at: offset).byteSwapped : bytes.little64(at: offset)
    }
    switch self {
    case .bool:
      if let wrong = range.first(where: { bytes[$0] > 1 }) {
        throw .notBoolean(bytes[wrong], index: wrong - range.lowerBound, in: source)
      }
      return .bool(bytes[range].map { $0 == 1 })
    case .u8: return .u8(Array(bytes[range]))
    case .i8: return .i32(bytes[range].map { Int32(Int8(bitPattern: $0)) })
    case .u16: return .i32(offsets.map { Int32(half($0)) })
    case .i16: return .i32(offsets.map { Int32(Int16(bitPattern: half($0))) })
    case .u32: return .i64(offsets.map { Int64(word($0)) })
    case .i32: return .i32(offsets.map { Int32(bitPattern: word($0)) })
    case .i64: return .i64(offsets.map { Int64(bitPattern: long($0)) })
    case .f16: return .f32(offsets.map { Float(binary16: half($0)) })
    case .bf16: return .f32(offsets.map { Float(bitPattern: UInt32(half($0)) << 16) })
    case .f32: return .f32(offsets.map { Float(bitPattern: word($0)) })
    case .f64: return .f64(offsets.map { Double(bitPattern: long($0)) })
    }
  }
}

extension Float {
  /// Creates the number that bits of IEEE binary16 stand for; every one is exact.
  init(binary16 bits: UInt16) {
    let sign = UInt32(bits & 0x8000) << 16
    let magnitude = UInt32(bits & 0x7fff) << 13
    if bits & 0x7c00 == 0x7c00 {
      self.init(bitPattern: sign | 0x7f80_0000 | magnitude)
    } else {
      // The exponents' biases differ by 112; a product sets them right for subnormals as well.
      self.init(bitPattern: sign | (Float(bitPattern: magnitude) * 0x1p112).bitPattern)
    }
  }
}

extension [UInt8] {
  func little16(at offset: Int) -> UInt16 {
    UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
  }

  func little32(at offset: Int) -> UInt32 {
    UInt32(little16(at: offset)) | UInt32(little16(at: offset + 2)) << 16
  }

  func little64(at offset: Int) -> UInt64 {
    UInt64(little32(at: offset)) | UInt64(little32(at: offset + 4)) << 32
  }
}

// MARK: Encoding

extension NDArray.Storage {
  /// Appends the elements to bytes.
  func encode(into bytes: inout [UInt8], bigEndian: Bool = false) {
    switch self {
    case .f32(let elements):
      for element in elements { bytes.append(element.bitPattern, bigEndian) }
    case .f64(let elements):
      for element in elements { bytes.append(element.bitPattern, bigEndian) }
    case .i32(let elements):
      for element in elements { bytes.append(UInt32(bitPattern: element), bigEndian) }
    case .i64(let elements):
      for element in elements { bytes.append(UInt64(bitPattern: element), bigEndian) }
    case .u8(let elements): bytes += elements
    case .bool(let elements): for element in elements { bytes.append(element ? 1 : 0) }
    }
  }
}

extension [UInt8] {
  mutating func append(_ word: UInt16, _ bigEndian: Bool) {
    let word = bigEndian ? word.byteSwapped : word
    append(UInt8(truncatingIfNeeded: word))
    append(UInt8(truncatingIfNeeded: word >> 8))
  }

  mutating func append(_ word: UInt32, _ bigEndian: Bool) {
    let word = bigEndian ? word.byteSwapped : word
    append(UInt16(truncatingIfNeeded: word), false)
    append(UInt16(truncatingIfNeeded: word >> 16), false)
  }

  mutating func append(_ word: UInt64, _ bigEndian: Bool) {
    let word = bigEndian ? word.byteSwapped : word
    append(UInt32(truncatingIfNeeded: word), false)
    append(UInt32(truncatingIfNeeded: word >> 32), false)
  }
}

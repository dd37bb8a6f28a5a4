// MARK: JSON

extension FormatError {
  static func json(_ message: String, at byte: Int, in source: String) -> FormatError {
    FormatError("malformed JSON at byte \(byte): \(message)", in: source)
  }
}

// MARK: Safetensors

extension FormatError {
  static func tensor(_ name: String, _ message: String, in source: String) -> FormatError {
    FormatError("tensor \(quoted(name)): \(message)", in: source)
  }

  static func safetensorsShort(_ count: Int, in source: String) -> FormatError {
    FormatError("\(count) bytes are too few: a safetensors file has at least 10", in: source)
  }

  static func safetensorsHeaderLength(_ length: UInt64, rest: Int, in source: String) -> FormatError
  {
    FormatError("the header claims \(length) bytes but \(rest) follow", in: source)
  }

  static func safetensorsHeaderLimit(_ length: UInt64, limit: Int, in source: String) -> FormatError
  {
    FormatError("the header claims \(length) bytes, the limit is \(limit)", in: source)
  }

  static func safetensorsHeaderStart(in source: String) -> FormatError {
    FormatError("the header does not begin with \"{\"", in: source)
  }

  static func safetensorsMetadata(in source: String) -> FormatError {
    FormatError("\"__metadata__\" is not an object of strings", in: source)
  }

  static func tensorNotObject(_ name: String, in source: String) -> FormatError {
    tensor(name, "its description is not an object", in: source)
  }

  static func tensorField(_ name: String, _ field: String, _ expected: String, in source: String)
    -> FormatError
  {
    tensor(name, "\"\(field)\" is not \(expected)", in: source)
  }

  static func tensorType(_ name: String, _ type: String, in source: String) -> FormatError {
    tensor(name, "unknown element type \(quoted(type))", in: source)
  }

  static func tensorBackwards(_ name: String, _ begin: Int, _ end: Int, in source: String)
    -> FormatError
  {
    tensor(name, "its bytes begin at \(begin), after their end at \(end)", in: source)
  }

  static func tensorOutside(_ name: String, _ bytes: Range<Int>, of count: Int, in source: String)
    -> FormatError
  {
    tensor(name, "bytes \(bytes) reach outside the data of \(count) bytes", in: source)
  }

  static func tensorSize(
    _ name: String, _ dimensions: [Int], _ type: String, takes size: Int, found: Int,
    in source: String
  ) -> FormatError {
    tensor(
      name, "\(list(dimensions)) elements of \(type) take \(size) bytes but it has \(found)",
      in: source)
  }

  static func tensorOverlap(_ name: String, _ bytes: Range<Int>, _ other: String, in source: String)
    -> FormatError
  {
    tensor(name, "bytes \(bytes) overlap tensor \(quoted(other))", in: source)
  }

  static func tensorGap(_ name: String, _ bytes: Range<Int>, in source: String) -> FormatError {
    tensor(name, "bytes \(bytes) before it belong to no tensor", in: source)
  }

  static func tensorTail(_ bytes: Range<Int>, in source: String) -> FormatError {
    FormatError("bytes \(bytes) after the last tensor belong to no tensor", in: source)
  }

  static func tensorTwice(_ name: String) -> FormatError {
    tensor(name, "the name is used twice", in: "")
  }

  static let tensorReservedName = tensor(
    "__metadata__", "the name is reserved for metadata", in: "")
}

// MARK: NPY

extension FormatError {
  static func npyMagic(in source: String) -> FormatError {
    FormatError("not an NPY file: it does not begin with 0x93 \"NUMPY\"", in: source)
  }

  static func npyVersion(_ major: UInt8, _ minor: UInt8, in source: String) -> FormatError {
    FormatError("NPY version \(major).\(minor) is unknown; expected 1.0, 2.0 or 3.0", in: source)
  }

  static func npyHeader(_ expected: String, at byte: Int, in source: String) -> FormatError {
    FormatError("malformed NPY header at byte \(byte): expected \(expected)", in: source)
  }

  static func npyKey(_ key: String, _ verdict: String, in source: String) -> FormatError {
    FormatError("NPY header: \(verdict) key \(quoted(key))", in: source)
  }

  static func npyType(_ descriptor: String, in source: String) -> FormatError {
    FormatError("unsupported NPY element type \(quoted(descriptor))", in: source)
  }
}

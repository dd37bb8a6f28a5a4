/// What an NPY header says.
struct NPYHeader {
  let descriptor: String
  let isFortranOrder: Bool
  let dimensions: [Int]
}

/// Parses the one Python dictionary that an NPY header is, not Python at large.
struct NPYHeaderParser {
  private let bytes: [UInt8]
  private let end: Int
  private let name: String
  private var position: Int
  private var descriptor: String?
  private var isFortranOrder: Bool?
  private var dimensions: [Int]?

  init(_ bytes: [UInt8], in range: Range<Int>, name: String) {
    self.bytes = bytes
    self.position = range.lowerBound
    self.end = range.upperBound
    self.name = name
  }

  mutating func header() throws(FormatError) -> NPYHeader {
    try expect("{")
    while !skip("}") {
      let key = try string()
      try expect(":")
      try value(of: key)
      if skip("}") { break }
      try expect(",")
    }
    skipSpace()
    guard position == end else { throw failure("nothing but spaces") }
    guard let descriptor else { throw .npyKey("descr", "no", in: name) }
    guard let isFortranOrder else { throw .npyKey("fortran_order", "no", in: name) }
    guard let dimensions else { throw .npyKey("shape", "no", in: name) }
    return NPYHeader(
      descriptor: descriptor, isFortranOrder: isFortranOrder, dimensions: dimensions)
  }

  private mutating func value(of key: String) throws(FormatError) {
    switch key {
    case "descr" where descriptor == nil: descriptor = try string()
    case "fortran_order" where isFortranOrder == nil: isFortranOrder = try truthValue()
    case "shape" where dimensions == nil: dimensions = try tuple()
    case "descr", "fortran_order", "shape": throw .npyKey(key, "duplicate", in: name)
    default: throw .npyKey(key, "unknown", in: name)
    }
  }

  private mutating func string() throws(FormatError) -> String {
    skipSpace()
    guard position < end, [UInt8(ascii: "'"), UInt8(ascii: "\"")].contains(bytes[position]) else {
      throw failure("a string")
    }
    let start = position + 1
    guard let close = bytes[start..<end].firstIndex(of: bytes[position]) else {
      throw failure("a string that ends")
    }
    position = close + 1
    return String(decoding: bytes[start..<close], as: UTF8.self)
  }

  private mutating func truthValue() throws(FormatError) -> Bool {
    if skip("True") { return true }
    if skip("False") { return false }
    throw failure("True or False")
  }

  private mutating func tuple() throws(FormatError) -> [Int] {
    try expect("(")
    var numbers: [Int] = []
    while !skip(")") {
      numbers.append(try number())
      if skip(")") { break }
      try expect(",")
    }
    return numbers
  }

  private mutating func number() throws(FormatError) -> Int {
    skipSpace()
    let digits = bytes[position..<end].prefix {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
    }
    guard let number = Int(String(decoding: digits, as: UTF8.self)) else {
      throw failure("a count below 2^63")
    }
    position += digits.count
    return number
  }

  private mutating func expect(_ text: String) throws(FormatError) {
    guard skip(text) else { throw failure("\"\(text)\"") }
  }

  private mutating func skip(_ text: String) -> Bool {
    skipSpace()
    guard bytes[position..<end].starts(with: text.utf8) else { return false }
    position += text.utf8.count
    return true
  }

  private mutating func skipSpace() {
    while position < end, bytes[position] == 0x20 || bytes[position] == 0x0a { position += 1 }
  }

  private func failure(_ expected: String) -> FormatError {
    .npyHeader(expected, at: position, in: name)
  }
}

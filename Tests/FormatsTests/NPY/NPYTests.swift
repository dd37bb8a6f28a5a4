import DescentFormats
import DescentGraph
import Testing

/// Returns a file of version 1.0 with a header padded to 118 bytes, as NumPy pads short ones.
private func file(_ header: String, _ data: String) -> [UInt8] {
  let padding = String(repeating: " ", count: 117 - header.utf8.count)
  return hex("934e554d5059 0100 7600") + (header + padding + "\n").utf8 + hex(data)
}

@Suite struct NPYTests {
  /// Arrays beside the files NumPy makes of them.
  static let samples: [(NDArray, [UInt8])] = [
    (
      NDArray([1, -2.5, 3, 4, 5, 6] as [Float], dimensions: [2, 3]),
      file(
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
        "0000803f 000020c0 00004040 00008040 0000a040 0000c040")
    ),
    (
      NDArray([1, -2, 3] as [Int32]),
      file(
        "{'descr': '<i4', 'fortran_order': False, 'shape': (3,), }", "01000000feffffff03000000")
    ),
    (
      NDArray(.i64([7]), dimensions: []),
      file("{'descr': '<i8', 'fortran_order': False, 'shape': (), }", "0700000000000000")
    ),
    (
      NDArray(.u8([1, 255]), dimensions: [2, 1]),
      file("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1), }", "01ff")
    ),
    (
      NDArray(.bool([true, false]), dimensions: [2]),
      file("{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", "0100")
    ),
    (
      NDArray(.f64([0.5]), dimensions: [1]),
      file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }", "000000000000e03f")
    ),
  ]

  @Test func readsAndWritesWhatNumPyDoes() throws {
    for (array, bytes) in Self.samples {
      #expect(try NPY.decode(bytes, name: "a") == array)
      #expect(NPY.encode(array) == bytes)
    }
    try withTemporaryFile("a.npy") { path in
      try NPY.write(Self.samples[0].0, to: path)
      #expect(try NPY.read(path) == Self.samples[0].0)
    }
  }

  @Test func longHeadersGrowByWholeLines() throws {
    let array = NDArray(zeros: .u8, dimensions: [1, 1, 1, 1, 1, 1, 1, 1_000_000])
    let bytes = NPY.encode(array)
    #expect((bytes.count - 1_000_000) % 64 == 0)
    #expect(try NPY.decode(bytes, name: "a").dimensions == array.dimensions)
  }

  @Test func fortranOrder() throws {
    let matrix = file(
      "{'descr': '<i4', 'fortran_order': True, 'shape': (2, 3), }",
      "01000000 04000000 02000000 05000000 03000000 06000000")
    #expect(
      try NPY.decode(matrix, name: "a")
        == NDArray([1, 2, 3, 4, 5, 6] as [Int32], dimensions: [2, 3])
    )
    let cube = file(
      "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 4), }",
      "000c0410081401 0d0511091502 0e06120a1603 0f07130b17")
    #expect(
      try NPY.decode(cube, name: "a") == NDArray(.u8(Array(0..<24)), dimensions: [2, 3, 4]))
    let empty = file("{'descr': '|u1', 'fortran_order': True, 'shape': (1099511627776, 0), }", "")
    #expect(try NPY.decode(empty, name: "a").dimensions == [1 << 40, 0])
  }

  @Test func otherVersionsAndSpellings() throws {
    let header = Array("{\"shape\":(2,),'fortran_order':False,'descr':\"<i4\"}".utf8)
    for version: UInt8 in [2, 3] {
      let bytes =
        hex("934e554d5059") + [version, 0, UInt8(header.count), 0, 0, 0] + header
        + hex("0100000002000000")
      #expect(try NPY.decode(bytes, name: "a") == NDArray([1, 2] as [Int32]))
    }
  }

  @Test func otherTypesWidenAndOtherByteOrdersTurn() throws {
    func read(_ type: String, _ data: String) throws -> NDArray {
      let count = data.count / 2 / (type.last?.wholeNumberValue ?? 1)
      return try NPY.decode(
        file("{'descr': '\(type)', 'fortran_order': False, 'shape': (\(count),), }", data),
        name: "a")
    }
    #expect(try read(">i4", "0000000100000002") == NDArray([1, 2] as [Int32]))
    #expect(try read(">f8", "3fe0000000000000") == NDArray(.f64([0.5]), dimensions: [1]))
    #expect(try read("=f4", "0000803f") == NDArray([1] as [Float]))
    #expect(try read("|i1", "ff") == NDArray([-1] as [Int32]))
    #expect(try read("<i2", "feff") == NDArray([-2] as [Int32]))
    #expect(try read(">u2", "fffe") == NDArray([65534] as [Int32]))
    #expect(try read("<u4", "ffffffff") == NDArray(.i64([4_294_967_295]), dimensions: [1]))
  }

  #if !arch(x86_64) || os(Linux)
    @Test func everyHalfPrecisionNumberIsExact() throws {
      var bytes = file("{'descr': '<f2', 'fortran_order': False, 'shape': (65536,), }", "")
      for bits in 0...0xffff { bytes += [UInt8(bits & 0xff), UInt8(bits >> 8)] }
      for (bits, value) in try NPY.decode(bytes, name: "a").floats.enumerated() {
        let expected = Float(Float16(bitPattern: UInt16(bits)))
        if expected.isNaN {
          #expect(value.isNaN)
        } else if value.bitPattern != expected.bitPattern {
          Issue.record("\(bits): \(value) instead of \(expected)")
        }
      }
    }
  #endif
}

@Suite struct NPYErrorTests {
  private func expect(
    _ message: String, from bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectError("a.npy: " + message, sourceLocation: sourceLocation) { () throws(FormatError) in
      try NPY.decode(bytes, name: "a.npy")
    }
  }

  private func expect(
    _ message: String, header: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expect(message, from: file(header, "00"), sourceLocation: sourceLocation)
  }

  @Test func container() {
    let good = NPYTests.samples[0].1
    expect("not an NPY file: it does not begin with 0x93 \"NUMPY\"", from: [])
    expect("not an NPY file: it does not begin with 0x93 \"NUMPY\"", from: Array("PK".utf8))
    expect("the file ends in its header, after 11 bytes", from: Array(good[..<11]))
    expect("the file ends in its header, after 127 bytes", from: Array(good[..<127]))
    expect("the header promises 24 bytes but 23 follow", from: good.dropLast())
    expect("the header promises 24 bytes but 25 follow", from: good + [0])
    for version: [UInt8] in [[0, 0], [4, 0], [1, 1]] {
      expect(
        "NPY version \(version[0]).\(version[1]) is unknown; expected 1.0, 2.0 or 3.0",
        from: good[..<6] + version + good[8...])
    }
  }

  @Test func header() {
    let type = "'descr': '|u1'"
    let order = "'fortran_order': False"
    let shape = "'shape': (1,)"
    let rows = [
      ("", 128, "\"{\""), ("{1", 11, "a string"), ("{'descr", 11, "a string that ends"),
      ("{'descr' '|u1'", 19, "\":\""), ("{'descr':[('x', '<f4')]}", 19, "a string"),
      ("{'fortran_order': 0}", 28, "True or False"),
      ("{'shape': (-1,)}", 21, "a count below 2^63"),
      ("{'shape': (9223372036854775808,)}", 21, "a count below 2^63"),
      ("{'shape': (1x2)}", 22, "\",\""), ("{\(type)", 128, "\",\""),
      ("{\(type), \(order), \(shape)} x", 66, "nothing but spaces"),
    ]
    for (header, byte, expected) in rows {
      expect(
        "malformed NPY header at byte \(byte): expected \(expected)", header: header)
    }
    expect("NPY header: no key \"descr\"", header: "{}")
    expect("NPY header: no key \"fortran_order\"", header: "{\(type)}")
    expect("NPY header: no key \"shape\"", header: "{\(type), \(order)}")
    expect("NPY header: duplicate key \"descr\"", header: "{\(type), \(type)}")
    expect("NPY header: unknown key \"name\"", header: "{'name': 1}")
  }

  @Test func typesAndSizes() {
    func header(_ type: String, _ shape: String) -> String {
      "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape)}"
    }
    for type in ["<c8", "|O", "|S3", "", "f4", "|f4", "<u8"] {
      expect("unsupported NPY element type \"\(type)\"", header: header(type, "(1,)"))
    }
    expect(
      "the size of [4294967296, 4294967296] elements of |u1 overflows",
      header: header("|u1", "(4294967296, 4294967296)"))
    expect("9 axes exceed the limit of 8", header: header("|u1", "(1, 1, 1, 1, 1, 1, 1, 1, 1)"))
    expect(
      "element 0 holds 2 but a truth value is 0 or 1", from: file(header("|b1", "(1,)"), "02"))
  }
}

import DescentFormats
import DescentGraph
import Testing

@Suite struct IDXTests {
  @Test func everyElementType() throws {
    #expect(
      try IDX.decode(hex("00000802 00000001 00000002 07ff"), name: "a")
        == NDArray(.u8([7, 255]), dimensions: [1, 2]))
    #expect(
      try IDX.decode(hex("00000901 00000002 07ff"), name: "a") == NDArray([7, -1] as [Int32]))
    #expect(
      try IDX.decode(hex("00000b01 00000002 0102 fffe"), name: "a")
        == NDArray([258, -2] as [Int32]))
    #expect(
      try IDX.decode(hex("00000c01 00000001 80000001"), name: "a")
        == NDArray([Int32.min + 1]))
    #expect(try IDX.decode(hex("00000d00 3fc00000"), name: "a") == NDArray(scalar: 1.5))
    #expect(
      try IDX.decode(hex("00000e01 00000001 3ff8000000000000"), name: "a")
        == NDArray(.f64([1.5]), dimensions: [1]))
  }

  @Test func whatIsWrittenIsRead() throws {
    let arrays = [
      NDArray(.u8([1, 2, 3, 4, 5, 6]), dimensions: [3, 1, 2]),
      NDArray([1.5, -.zero, .nan] as [Float]), NDArray([-7, .max] as [Int32], dimensions: [2, 1]),
      NDArray(.f64([.pi]), dimensions: []), NDArray(zeros: .u8, dimensions: [0, 28]),
    ]
    for array in arrays { #expect(try IDX.decode(IDX.encode(array), name: "a") == array) }
    #expect(try IDX.encode(arrays[0]) == hex("00000803 00000003 00000001 00000002 010203040506"))
    try withTemporaryFile("a.idx") { path in
      try IDX.write(arrays[1], to: path)
      #expect(try IDX.read(path) == arrays[1])
    }
  }

  @Test func compressedFiles() throws {
    try withTemporaryFile("a.gz") { path in
      // [1, 2, 3] as u8 in one stored block, checksum made with zlib.
      let idx = hex("00000801 00000003 010203")
      var check = CRC32()
      check.update(idx)
      let trailer = (0..<4).map { UInt8(truncatingIfNeeded: check.value >> (8 * UInt32($0))) }
      try Files.write(
        hex("1f8b0800000000000003 010b00f4ff") + idx + trailer + [11, 0, 0, 0], to: path)
      #expect(try IDX.read(path) == NDArray(.u8([1, 2, 3]), dimensions: [3]))
    }
  }

  @Test func malformedFiles() {
    func expect(
      _ message: String, _ bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
    ) {
      expectError("train-images: " + message, sourceLocation: sourceLocation) {
        () throws(FormatError) in
        try IDX.decode(bytes, name: "train-images")
      }
    }
    let header = hex("00000803 00000001 0000001c 0000001c")
    expect(
      "the header promises 784 bytes but 100 follow", header + [UInt8](repeating: 0, count: 100))
    expect(
      "the header promises 784 bytes but 785 follow", header + [UInt8](repeating: 0, count: 785))
    expect("the file ends in its header, after 15 bytes", Array(header.dropLast()))
    expect("the file ends in its header, after 3 bytes", [0, 0, 8])
    expect("the file ends in its header, after 0 bytes", [])
    expect("not an IDX file: it begins with 0x89 0x50 instead of 0x00 0x00", [0x89, 0x50, 0x4e])
    expect("unknown IDX element type 0x0a", hex("00000a01 00000000"))
    expect("9 axes exceed the limit of 8", hex("00000809") + [UInt8](repeating: 0, count: 36))
    expect(
      "the size of [4294967295, 4294967295, 4294967295] elements of u8 overflows",
      hex("00000803 ffffffff ffffffff ffffffff"))
    // A zero makes the product small, and the strides of the array as large as before.
    expect(
      "the size of [0, 4294967295, 4294967295] elements of f32 overflows",
      hex("00000d03 00000000 ffffffff ffffffff"))
  }

  @Test func arraysTheFormatCannotHold() {
    expectError("IDX has no element type for bool") { () throws(FormatError) in
      try IDX.encode(NDArray(.bool([true]), dimensions: [1]))
    }
    expectError("IDX extents have 32 bits: 4294967296 does not fit") { () throws(FormatError) in
      try IDX.encode(NDArray(zeros: .u8, dimensions: [0, 1 << 32]))
    }
    expectError("9 axes exceed the limit of 8") { () throws(FormatError) in
      try IDX.encode(NDArray(zeros: .u8, dimensions: [Int](repeating: 1, count: 9)))
    }
  }
}

import DescentFormats
import DescentGraph
import Testing

@Suite struct SafetensorsTests {
  static let sample = Safetensors(
    [
      .init("b", NDArray([1, 2] as [Float])),
      .init("a", NDArray([3] as [Float], dimensions: [1, 1])),
      .init("key", NDArray(.i64([9]), dimensions: [1])),
      .init("u", NDArray(.u8([1, 2, 3]), dimensions: [3])),
      .init("m", NDArray(.bool([true, false]), dimensions: [2])),
      .init("i", NDArray([5] as [Int32])), .init("d", NDArray(.f64([0.5]), dimensions: [1])),
      .init("e", NDArray(zeros: .f32, dimensions: [0, 3])), .init("s", NDArray(scalar: 2)),
    ], metadata: ["format": "descent"])

  /// What the format's own library writes for the sample.
  static let header =
    #"{"__metadata__":{"format":"descent"},"#
    + #""key":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"#
    + #""d":{"dtype":"F64","shape":[1],"data_offsets":[8,16]},"#
    + #""a":{"dtype":"F32","shape":[1,1],"data_offsets":[16,20]},"#
    + #""b":{"dtype":"F32","shape":[2],"data_offsets":[20,28]},"#
    + #""e":{"dtype":"F32","shape":[0,3],"data_offsets":[28,28]},"#
    + #""s":{"dtype":"F32","shape":[],"data_offsets":[28,32]},"#
    + #""i":{"dtype":"I32","shape":[1],"data_offsets":[32,36]},"#
    + #""u":{"dtype":"U8","shape":[3],"data_offsets":[36,39]},"#
    + #""m":{"dtype":"BOOL","shape":[2],"data_offsets":[39,41]}}  "#
  static let bytes =
    hex("1802000000000000") + header.utf8
    + hex(
      """
      0900000000000000 000000000000e03f 00004040 0000803f00000040 00000040 05000000 010203 0100
      """)

  @Test func writesWhatOthersWrite() throws {
    #expect(try Self.sample.encoded() == Self.bytes)
    #expect(Self.header.utf8.count == 0x218)
  }

  @Test func readsItInTheOrderOfTheHeader() throws {
    let read = try Safetensors(decoding: Self.bytes, name: "a")
    #expect(read.entries.map(\.name) == ["key", "d", "a", "b", "e", "s", "i", "u", "m"])
    #expect(read.metadata == ["format": "descent"])
    for entry in Self.sample.entries { #expect(read[entry.name] == entry.array) }
    #expect(read["x"] == nil)
    #expect(try read.encoded() == Self.bytes)
  }

  @Test func files() throws {
    try withTemporaryFile("a.safetensors") { path in
      try Self.sample.write(to: path)
      #expect(try Files.read(path) == Self.bytes)
      #expect(try Safetensors(path: path)["b"] == NDArray([1, 2] as [Float]))
    }
  }

  @Test func nothingAtAll() throws {
    #expect(try Safetensors().encoded() == hex("0800000000000000") + "{}      ".utf8)
    #expect(try Safetensors(decoding: hex("0200000000000000 7b7d"), name: "a") == Safetensors())
  }

  @Test func namesOfEveryKind() throws {
    let names = ["", "é", "layers.0/weight", "\"\\\n", "名"]
    let file = Safetensors(names.map { .init($0, NDArray(scalar: 1)) })
    let read = try Safetensors(decoding: try file.encoded(), name: "a")
    #expect(Set(read.entries.map(\.name)) == Set(names))
  }

  @Test func narrowTypesWiden() throws {
    func read(_ type: String, _ shape: String, _ data: [UInt8]) throws -> NDArray? {
      let header = """
        {"w":{"dtype":"\(type)","shape":\(shape),"data_offsets":[0,\(data.count)],"note":[]}}
        """
      return try Safetensors(
        decoding: [UInt8(header.utf8.count), 0, 0, 0, 0, 0, 0, 0] + header.utf8 + data, name: "a")[
          "w"]
    }
    #expect(try read("F16", "[2]", hex("003e 00b4")) == NDArray([1.5, -0.25] as [Float]))
    #expect(try read("BF16", "[2]", hex("c03f 80be")) == NDArray([1.5, -0.25] as [Float]))
    #expect(try read("I8", "[2]", hex("01ff")) == NDArray([1, -1] as [Int32]))
    #expect(try read("I16", "[1]", hex("feff")) == NDArray([-2] as [Int32]))
    #expect(try read("U16", "[1]", hex("feff")) == NDArray([65534] as [Int32]))
    #expect(
      try read("U32", "[1]", hex("feffffff")) == NDArray(.i64([4_294_967_294]), dimensions: [1]))
    let nan = try read("F32", "[1]", hex("0100c0ff"))
    #expect(nan == NDArray([Float(bitPattern: 0xffc0_0001)]))
  }

  @Test func namesThatCannotBeWritten() {
    let one = NDArray(scalar: 1)
    expectError("tensor \"w\": the name is used twice") { () throws(FormatError) in
      try Safetensors([.init("w", one), .init("w", one)]).encoded()
    }
    expectError("tensor \"__metadata__\": the name is reserved for metadata") {
      () throws(FormatError) in try Safetensors([.init("__metadata__", one)]).encoded()
    }
    expectError("9 axes exceed the limit of 8") { () throws(FormatError) in
      try Safetensors([.init("w", one.reshaped([Int](repeating: 1, count: 9)))]).encoded()
    }
  }
}

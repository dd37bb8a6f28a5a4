import DescentFormats
import DescentGraph
import Testing

@Suite struct SafetensorsErrorTests {
  private func expect(
    _ message: String, from bytes: [UInt8], sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expectError("state.safetensors: " + message, sourceLocation: sourceLocation) {
      () throws(FormatError) in
      try Safetensors(decoding: bytes, name: "state.safetensors")
    }
  }

  private func file(_ header: String, length: UInt64? = nil, data: Int = 64) -> [UInt8] {
    let length = length ?? UInt64(header.utf8.count)
    return (0..<8).map { UInt8(truncatingIfNeeded: length >> (8 * UInt64($0))) } + header.utf8
      + [UInt8](repeating: 0, count: data)
  }

  private func tensor(
    _ name: String, _ offsets: String, shape: String = "[16]", type: String = "F32"
  )
    -> String
  {
    #""\#(name)":{"dtype":"\#(type)","shape":\#(shape),"data_offsets":\#(offsets)}"#
  }

  private func expect(
    _ message: String, header: String, data: Int = 64,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    expect(message, from: file("{\(header)}", data: data), sourceLocation: sourceLocation)
  }

  @Test func theControlIsAccepted() throws {
    let bytes = file("{" + tensor("w", "[0,64]") + "}")
    #expect(
      try Safetensors(decoding: bytes, name: "a")["w"] == NDArray(zeros: .f32, dimensions: [16]))
  }

  @Test func headerLength() {
    expect("0 bytes are too few: a safetensors file has at least 10", from: [])
    expect(
      "9 bytes are too few: a safetensors file has at least 10",
      from: [UInt8](repeating: 1, count: 9))
    expect("the header claims 67 bytes but 66 follow", from: file("{}", length: 67))
    for length: UInt64 in [.max, 1 << 63, .max - 7, 100_000_001] {
      expect(
        "the header claims \(length) bytes, the limit is 100000000",
        from: file("{}", length: length))
    }
    expect("the header does not begin with \"{\"", from: file("{}", length: 0, data: 0))
    expect("the header does not begin with \"{\"", from: file(" {}"))
    expect("malformed JSON at byte 1: expected a key in quotes", from: file("{}", length: 1))
    expect(
      "malformed JSON at byte 56: duplicate key \"w\"",
      header: tensor("w", "[0,64]") + "," + tensor("w", "[0,64]"))
  }

  @Test func overlapsAndHoles() {
    expect(
      "tensor \"w\": bytes 0..<64 overlap tensor \"v\"",
      header: tensor("v", "[0,64]") + "," + tensor("w", "[0,64]"))
    expect(
      "tensor \"v\": bytes 32..<96 overlap tensor \"w\"",
      header: tensor("v", "[32,96]") + "," + tensor("w", "[0,64]"), data: 96)
    expect(
      "tensor \"w\": bytes 60..<124 overlap tensor \"v\"",
      header: tensor("v", "[0,64]") + "," + tensor("w", "[60,124]"), data: 124)
    expect(
      "tensor \"w\": bytes 64..<72 before it belong to no tensor",
      header: tensor("v", "[0,64]") + "," + tensor("w", "[72,136]"), data: 136)
    expect(
      "tensor \"w\": bytes 0..<4 before it belong to no tensor", header: tensor("w", "[4,68]"),
      data: 68)
    expect(
      "bytes 64..<104 after the last tensor belong to no tensor", header: tensor("w", "[0,64]"),
      data: 104)
    expect("bytes 0..<64 after the last tensor belong to no tensor", header: "")
  }

  @Test func offsets() {
    expect(
      "tensor \"w\": bytes 0..<128 reach outside the data of 64 bytes",
      header: tensor("w", "[0,128]", shape: "[32]"))
    expect(
      "tensor \"w\": bytes 4611686018427387904..<4611686018427387968 reach outside the data of 64 bytes",
      header: tensor("w", "[4611686018427387904,4611686018427387968]"))
    expect(
      "tensor \"w\": its bytes begin at 64, after their end at 0", header: tensor("w", "[64,0]"))
    for offsets in [
      "[-64,0]", "[0.5,64]", "[0.0,64]", "[18446744073709551616,18446744073709551680]", "[64]",
      "[0,32,64]", "null", "\"0\"", "[\"0\",64]",
    ] {
      expect(
        "tensor \"w\": \"data_offsets\" is not a pair of counts below 2^63",
        header: tensor("w", offsets))
    }
  }

  @Test func shapes() {
    expect(
      "tensor \"w\": [1000, 1000] elements of F32 take 4000000 bytes but it has 64",
      header: tensor("w", "[0,64]", shape: "[1000,1000]"))
    expect(
      "tensor \"w\": the size of [4194305, 4194305, 211106198978564] elements of F32 overflows",
      header: tensor("w", "[0,64]", shape: "[4194305,4194305,211106198978564]"))
    expect(
      "tensor \"w\": the size of [0, 4611686018427387904, 8] elements of F32 overflows",
      header: tensor("w", "[0,0]", shape: "[0,4611686018427387904,8]"), data: 0)
    expect(
      "tensor \"w\": 9 axes exceed the limit of 8",
      header: tensor("w", "[0,64]", shape: "[1,1,1,1,1,1,1,1,16]"))
    for shape in ["[-2,-8]", "[2.5]", "null", "16", "[\"16\"]", "[9223372036854775808]"] {
      expect(
        "tensor \"w\": \"shape\" is not a list of counts below 2^63",
        header: tensor("w", "[0,64]", shape: shape))
    }
  }

  @Test func typesAndFields() {
    expect(
      "tensor \"w\": unknown element type \"F99\"", header: tensor("w", "[0,64]", type: "F99"))
    expect(
      "tensor \"w\": \"dtype\" is not a string", header: #""w":{"shape":[],"data_offsets":[0,4]}"#)
    expect(
      "tensor \"w\": \"shape\" is not a list of counts below 2^63",
      header: #""w":{"dtype":"F32","data_offsets":[0,4]}"#)
    expect("tensor \"w\": its description is not an object", header: #""w":[]"#)
    expect("\"__metadata__\" is not an object of strings", header: #""__metadata__":{"k":5}"#)
    expect("\"__metadata__\" is not an object of strings", header: #""__metadata__":null"#)
  }

  @Test func truthValues() {
    var bytes = file("{" + tensor("m", "[0,3]", shape: "[3]", type: "BOOL") + "}", data: 3)
    bytes[bytes.count - 2] = 7
    expect("tensor \"m\": element 1 holds 7 but a truth value is 0 or 1", from: bytes)
  }

  @Test func longNamesAreCut() {
    let name = String(repeating: "x", count: 1000)
    expect(
      "tensor \"\(String(repeating: "x", count: 60))…\": its description is not an object",
      header: "\"\(name)\":1")
  }

  @Test func damageNeverTraps() {
    var random = SplitMix(state: 11)
    for _ in 0..<1000 {
      var bytes = SafetensorsTests.bytes
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
          in: 0...255, using: &random)
      }
      guard let read = try? Safetensors(decoding: bytes, name: "a") else { continue }
      #expect(read.entries.reduce(0) { $0 + $1.array.count * $1.array.dataType.byteCount } >= 41)
    }
  }
}

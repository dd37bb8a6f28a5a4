import DescentFormats
import Testing

@Suite struct JSONValueTests {
  private func parse(_ text: String) throws(FormatError) -> JSONValue {
    try JSONValue.parse(Array(text.utf8), name: "a.json")
  }

  @Test func everyKindOfValue() throws {
    let value = try parse(
      " {\"a\" : [ 1 , -2.5e1,true,false , null, [], {}],\r\n\t\"b\":{\"c\":\"d\"} } ")
    #expect(
      value["a"]
        == .array([
          .integer(1), .number(-25), .bool(true), .bool(false), .null, .array([]), .object([]),
        ]))
    #expect(value["b"]?["c"] == .string("d"))
    #expect(value["x"] == nil)
    #expect(JSONValue.null["x"] == nil)
  }

  @Test func numbers() throws {
    #expect(try parse("9223372036854775807") == .integer(.max))
    #expect(try parse("-9223372036854775808") == .integer(.min))
    #expect(try parse("9223372036854775808") == .number(0x1p63))
    #expect(try parse("0") == .integer(0))
    guard case .number(let zero) = try parse("-0") else { throw FormatFailure.notANumber }
    #expect(zero.sign == .minus)
    #expect(try parse("1E+2") == .number(100))
    #expect(try parse("5e-324") == .number(.leastNonzeroMagnitude))
    #expect(try parse("2.0") == .number(2))
  }

  private enum FormatFailure: Error { case notANumber }

  @Test func strings() throws {
    #expect(
      try parse(#""\"\\\/\b\f\n\r\t\u0041\u00e9\ud83d\ude00é😀""#)
        == .string("\"\\/\u{8}\u{c}\n\r\tA\u{e9}😀é😀"))
    #expect(try parse("\"\"") == .string(""))
    #expect(try parse(#""\u0000""#) == .string("\0"))
  }

  @Test func writing() throws {
    let value = JSONValue.object([
      .init("z\"\\\n\u{1}\u{1f}é", .array([.integer(-1), .number(1.5), .number(1e22), .null])),
      .init("a", .object([.init("b", .bool(true)), .init("c", .bool(false))])),
      .init("d", .number(.infinity)), .init("e", .array([])),
    ])
    let text =
      #"{"z\"\\\n\u0001\u001fé":[-1,1.5,1e+22,null],"a":{"b":true,"c":false},"d":null,"e":[]}"#
    #expect(value.serialized() == text)
    #expect(try parse(text).serialized() == text)
  }

  @Test func malformedDocuments() {
    let rows: [(String, Int, String)] = [
      ("", 0, "expected a value"), ("[1,", 3, "expected a value"), ("nul", 0, "expected a value"),
      ("[1 2]", 3, "expected \",\" or \"]\""), ("{\"a\":1 \"b\"", 7, "expected \",\" or \"}\""),
      ("[1,]", 3, "expected a value"), ("{\"a\":1,}", 7, "expected a key in quotes"),
      ("{1:2}", 1, "expected a key in quotes"), ("{\"a\" 1}", 5, "expected \":\""),
      ("1 2", 2, "text follows the value"), ("01", 1, "text follows the value"),
      ("-", 1, "expected a digit"), ("+1", 0, "expected a value"), ("1.", 2, "expected a digit"),
      ("1e", 2, "expected a digit"), (".5", 0, "expected a value"),
      ("[1e999]", 1, "a number is out of range"), ("NaN", 0, "expected a value"),
      ("{\"a\":1,\"b\":2,\"a\":3}", 13, "duplicate key \"a\""),
      ("\"abc", 0, "a string is not closed"), ("\"a\nb\"", 2, "a control character in a string"),
      (#""\x""#, 1, "an unknown escape"), (#""\u12"#, 3, "expected four hexadecimal digits"),
      (#""\u+123""#, 3, "expected four hexadecimal digits"),
      (#""\ud83d""#, 1, "half a surrogate pair"), (#""\ud83dA""#, 1, "half a surrogate pair"),
      (#""\ud83d\u0041""#, 1, "half a surrogate pair"), (#""\ude00""#, 1, "half a surrogate pair"),
      (#""\udc00\udc00""#, 1, "half a surrogate pair"),
      ("\"\\", 2, "a string is not closed"),
    ]
    for (text, byte, message) in rows {
      expectError("a.json: malformed JSON at byte \(byte): \(message)") { () throws(FormatError) in
        try parse(text)
      }
    }
    expectError("a.json: malformed JSON at byte 1: a string is not UTF-8") {
      () throws(FormatError) in
      try JSONValue.parse(hex("5b 22 fffe 22 5d"), name: "a.json")
    }
  }

  @Test func depthIsLimited() throws {
    let deepest = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
    #expect(try parse(deepest).serialized() == deepest)
    let wide = "[" + String(repeating: "[],", count: 99) + "{}]"
    #expect(try parse(wide).serialized() == wide)
    for opening in ["[", "{\"a\":"] {
      expectError(
        "a.json: malformed JSON at byte \(64 * opening.utf8.count): more than 64 levels"
      ) { () throws(FormatError) in
        try parse(String(repeating: opening, count: 100_000))
      }
    }
  }
}

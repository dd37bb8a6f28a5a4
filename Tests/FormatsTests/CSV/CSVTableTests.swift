import DescentFormats
import Testing

@Suite struct CSVTableTests {
  private func table(
    _ text: String, hasHeader: Bool = true, separator: CSVTable.Separator = .comma,
    skipping: Int = 0
  ) throws(FormatError) -> CSVTable {
    try CSVTable(
      parsing: Array(text.utf8), name: "a.csv", hasHeader: hasHeader, separator: separator,
      skippingLines: skipping)
  }

  @Test func headerAndNumbers() throws {
    let geyser = try table("\"eruptions\",\"waiting\"\n3.600,79\n 1.8 ,-54e-1\n")
    #expect(geyser.columns == ["eruptions", "waiting"])
    #expect(geyser.rowCount == 2)
    #expect(try geyser.column("waiting") == [79, -5.4])
    #expect(try geyser.column(at: 0) == [3.6, 1.8])
    #expect(try geyser.matrix(columns: ["waiting", "eruptions"]) == [79, 3.6, -5.4, 1.8])
    #expect(try geyser.matrix(at: [0]) == [3.6, 1.8])
    #expect(geyser[1, 0] == " 1.8 ")
  }

  @Test func withoutHeaderColumnsAreCounted() throws {
    let digits = try table("1,2,3\n4,5,6", hasHeader: false)
    #expect(digits.columns == ["0", "1", "2"])
    #expect(try digits.column("2") == [3, 6])
  }

  @Test func everyLineEndEmptyLinesAndMark() throws {
    let text = "\u{feff}a,b\r\n1,2\r\r3,4\n\n\n5,6"
    let parsed = try table(text)
    #expect(parsed.columns == ["a", "b"])
    #expect(try parsed.column("b") == [2, 4, 6])
  }

  @Test func quotes() throws {
    let parsed = try table("name,\"a \"\"b\"\", c\"\n\"x\ny\",5\"\n\"\",\"7\"\n")
    #expect(parsed.columns == ["name", "a \"b\", c"])
    #expect(try parsed.strings("name") == ["x\ny", ""])
    #expect(parsed[0, 1] == "5\"")
    #expect(parsed[1, 1] == "7")
  }

  @Test func otherSeparatorsAndLinesInFront() throws {
    #expect(try table("note, 1\n\na;b\n1;2", separator: .semicolon, skipping: 1).column("b") == [2])
    #expect(try table("1 2\n3 4", hasHeader: false, separator: .space).column(at: 1) == [2, 4])
    #expect(try table("a\tb\n3\t4", separator: .tab).column("a") == [3])
  }

  @Test func filesPlainAndCompressed() throws {
    try withTemporaryFile("a.csv") { path in
      try Files.write(Array("a\n1\n".utf8), to: path)
      #expect(try CSVTable(path: path).column("a") == [1])
      try Files.write(GzipSample.dynamic, to: path)
      let squares = try CSVTable(path: path, hasHeader: false, separator: .space)
      #expect(try squares.column(at: 0) == (0..<60).map { Double($0 * $0) })
    }
    expectError("cannot open \"x.csv\": No such file or directory") { () throws(FormatError) in
      try CSVTable(path: "x.csv")
    }
  }

  // MARK: Errors

  @Test func missingCell() throws {
    let text = "eruptions,waiting\n1,2\n3,4\n\"5\n\",6\n7,8\n9, \n,1"
    let parsed = try CSVTable(parsing: Array(text.utf8), name: "faithful.csv")
    expectError("faithful.csv:7: column \"waiting\" has no value") { () throws(FormatError) in
      try parsed.column("waiting")
    }
    expectError("faithful.csv:8: column \"eruptions\" has no value") { () throws(FormatError) in
      try CSVTable(parsing: Array("eruptions,b\n\n\n\n\n\n\n,1".utf8), name: "faithful.csv")
        .matrix(columns: ["eruptions"])
    }
  }

  @Test func cellsThatAreNoNumbers() throws {
    for (cell, verdict) in [
      ("abc", "is not a number"), ("1,5", "is not a number"), ("0x10", "is not a number"),
      ("1 2", "is not a number"), ("nan", "is not a finite number"),
      ("-inf", "is not a finite number"), ("1e400", "is not a finite number"),
    ] {
      let parsed = try table("y;x\n1;2\n1;\(cell)\n", separator: .semicolon)
      expectError("a.csv:3: cell \"\(cell)\" in column \"x\" \(verdict)") {
        () throws(FormatError) in
        try parsed.column("x")
      }
    }
    let wide = try table("x\n1e40")
    #expect(try wide.column("x") == [1e40])
    expectError("a.csv:2: cell \"1e40\" in column \"x\" does not fit in f32") {
      () throws(FormatError) in
      try wide.matrix(columns: ["x"])
    }
  }

  @Test func raggedRows() {
    expectError("a.csv:3: row has 1 cell but there are 2 columns") { () throws(FormatError) in
      try table("a,b\n1,2\n3\n")
    }
    expectError("a.csv:3: row has 1 cell but there are 2 columns") { () throws(FormatError) in
      try table("a,b\r\n1,2\r\n3\r\n")
    }
    expectError("a.csv:2: row has 3 cells but there are 2 columns") { () throws(FormatError) in
      try table("1,2\n1,2,\n", hasHeader: false)
    }
  }

  @Test func columnsThatAreNotThere() throws {
    let parsed = try table("a,b,b\n1,2,3")
    expectError("a.csv: no column \"c\"; there are \"a\", \"b\", \"b\"") {
      () throws(FormatError) in try parsed.column("c")
    }
    expectError("a.csv: column \"b\" exists more than once") { () throws(FormatError) in
      try parsed.matrix(columns: ["a", "b"])
    }
    for index in [3, -1] {
      expectError("a.csv: no column at index \(index); there are 3, counted from 0") {
        () throws(FormatError) in try parsed.matrix(at: [0, index])
      }
    }
    let names = (0..<12).map { "\"\($0)\"" }.joined(separator: ", ")
    expectError("a.csv: no column \"x\"; there are \(names) and 3 more") {
      () throws(FormatError) in
      try table((0..<15).map(String.init).joined(separator: ","), hasHeader: false).strings("x")
    }
  }

  @Test func malformedText() {
    expectError("a.csv: there are no rows") { () throws(FormatError) in try table("\n\r\n") }
    expectError("a.csv:2: the quote opened here is never closed") { () throws(FormatError) in
      try table("a\n\"1\n2\n")
    }
    expectError("a.csv:2: text follows a closing quote") { () throws(FormatError) in
      try table("a\n\"1\" 2\n")
    }
  }
}

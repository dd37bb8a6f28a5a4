import DescentGraph

// MARK: Files

extension FormatError {
  static func cannot(_ verb: String, _ path: String, _ reason: String) -> FormatError {
    FormatError("cannot \(verb) \(quoted(path)): \(reason)", in: "")
  }
}

// MARK: Arrays of any format

extension FormatError {
  static func payload(promised: Int, found: Int, in source: String) -> FormatError {
    FormatError("the header promises \(promised) bytes but \(found) follow", in: source)
  }

  static func headerCut(after count: Int, in source: String) -> FormatError {
    FormatError("the file ends in its header, after \(count) bytes", in: source)
  }

  static func sizeOverflows(_ dimensions: [Int], of type: String, in source: String) -> FormatError
  {
    FormatError("the size of \(list(dimensions)) elements of \(type) overflows", in: source)
  }

  static func rank(_ rank: Int, in source: String) -> FormatError {
    FormatError("\(rank) axes exceed the limit of \(Shape.maximumRank)", in: source)
  }

  static func notBoolean(_ byte: UInt8, index: Int, in source: String) -> FormatError {
    FormatError("element \(index) holds \(byte) but a truth value is 0 or 1", in: source)
  }
}

// MARK: Gzip

extension FormatError {
  static func gzip(_ message: String, in source: String) -> FormatError {
    FormatError("gzip: \(message)", in: source)
  }

  static func gzipMagic(_ bytes: some Sequence<UInt8>, in source: String) -> FormatError {
    let found = bytes.prefix(2).map { hex(UInt32($0), digits: 2) }.joined(separator: " ")
    let shown = found.isEmpty ? "it is empty" : "it begins with \(found) instead of 0x1f 0x8b"
    return gzip("not a gzip file: \(shown)", in: source)
  }

  static func gzipMethod(_ method: UInt8, in source: String) -> FormatError {
    gzip("compression method \(method) is not deflate, which is 8", in: source)
  }

  static func gzipFlags(_ flags: UInt8, in source: String) -> FormatError {
    gzip("reserved flags are set in \(hex(UInt32(flags), digits: 2))", in: source)
  }

  static func gzipTruncated(in source: String) -> FormatError {
    gzip("the file ends before its data does", in: source)
  }

  static func gzipHeaderChecksum(_ found: UInt32, _ stated: UInt32, in source: String)
    -> FormatError
  {
    gzip(
      "header checksum is \(hex(found, digits: 4)) but the header says \(hex(stated, digits: 4))",
      in: source)
  }

  static func gzipChecksum(_ found: UInt32, _ stated: UInt32, in source: String) -> FormatError {
    gzip(
      "checksum is \(hex(found, digits: 8)) but the trailer says \(hex(stated, digits: 8))",
      in: source)
  }

  static func gzipSize(_ found: UInt32, _ stated: UInt32, in source: String) -> FormatError {
    gzip("size is \(found) but the trailer says \(stated)", in: source)
  }

  static func gzipGarbage(_ count: Int, in source: String) -> FormatError {
    gzip("\(count) bytes after the last member are not gzip", in: source)
  }

  static func inflateLimit(_ limit: Int, in source: String) -> FormatError {
    gzip("the data inflates beyond the limit of \(limit) bytes", in: source)
  }

  static func inflateBlockType(in source: String) -> FormatError {
    gzip("deflate: block type 3 does not exist", in: source)
  }

  static func inflateStoredLength(_ length: Int, _ check: Int, in source: String) -> FormatError {
    gzip("deflate: stored length \(length) does not match its complement \(check)", in: source)
  }

  static func inflateLengths(_ alphabet: String, in source: String) -> FormatError {
    gzip("deflate: the \(alphabet) code lengths form no prefix code", in: source)
  }

  static func inflateRepeat(in source: String) -> FormatError {
    gzip("deflate: a repeated code length has none before it or runs past the end", in: source)
  }

  static func inflateCode(_ alphabet: String, in source: String) -> FormatError {
    gzip("deflate: the bits match no \(alphabet) code", in: source)
  }

  static func inflateDistance(_ distance: Int, at position: Int, in source: String) -> FormatError {
    gzip("deflate: a copy at byte \(position) reaches back \(distance) bytes", in: source)
  }
}

// MARK: CSV

extension FormatError {
  static func noRows(in source: String) -> FormatError {
    FormatError("there are no rows", in: source)
  }

  static func openQuote(in source: String, line: Int) -> FormatError {
    FormatError("the quote opened here is never closed", in: source, line: line)
  }

  static func afterQuote(in source: String, line: Int) -> FormatError {
    FormatError("text follows a closing quote", in: source, line: line)
  }

  static func ragged(cells: Int, columns: Int, in source: String, line: Int) -> FormatError {
    FormatError(
      "row has \(cells) cell\(cells == 1 ? "" : "s") but there are \(columns) columns", in: source,
      line: line)
  }

  static func noValue(column: String, in source: String, line: Int) -> FormatError {
    FormatError("column \(quoted(column)) has no value", in: source, line: line)
  }

  static func badCell(
    _ cell: String, column: String, _ verdict: String, in source: String, line: Int
  ) -> FormatError {
    FormatError(
      "cell \(quoted(cell)) in column \(quoted(column)) \(verdict)", in: source, line: line)
  }

  static func unknownColumn(_ name: String, among columns: [String], in source: String)
    -> FormatError
  {
    let rest = columns.count > 12 ? " and \(columns.count - 12) more" : ""
    let shown = columns.prefix(12).map(quoted).joined(separator: ", ")
    return FormatError("no column \(quoted(name)); there are \(shown)\(rest)", in: source)
  }

  static func columnIndex(_ index: Int, count: Int, in source: String) -> FormatError {
    FormatError("no column at index \(index); there are \(count), counted from 0", in: source)
  }

  static func ambiguousColumn(_ name: String, in source: String) -> FormatError {
    FormatError("column \(quoted(name)) exists more than once", in: source)
  }
}

// MARK: IDX

extension FormatError {
  static func idxMagic(_ bytes: some Sequence<UInt8>, in source: String) -> FormatError {
    let found = bytes.map { hex(UInt32($0), digits: 2) }.joined(separator: " ")
    return FormatError("not an IDX file: it begins with \(found) instead of 0x00 0x00", in: source)
  }

  static func idxType(_ code: UInt8, in source: String) -> FormatError {
    FormatError("unknown IDX element type \(hex(UInt32(code), digits: 2))", in: source)
  }

  static func idxUnwritable(_ type: DataType) -> FormatError {
    FormatError("IDX has no element type for \(type)", in: "")
  }

  static func idxExtent(_ extent: Int) -> FormatError {
    FormatError("IDX extents have 32 bits: \(extent) does not fit", in: "")
  }
}

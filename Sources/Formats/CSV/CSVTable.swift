/// A table of text cells with named columns, read from a CSV file, plain or compressed with gzip.
///
/// Cells become numbers when a column is asked for, so a table may hold text and gaps elsewhere.
public struct CSVTable: Sendable {
  /// What stands between two cells.
  public enum Separator: UInt8, Sendable {
    /// A comma.
    case comma = 0x2c
    /// A semicolon, where the comma is the decimal point.
    case semicolon = 0x3b
    /// A tabulator.
    case tab = 0x09
    /// One space.
    case space = 0x20
  }

  /// The file's name, for error messages.
  public let name: String
  /// The names in the header; without a header, the positions counted from 0.
  public let columns: [String]
  /// How many rows there are; the header is none.
  public let rowCount: Int

  /// The cells, row after row.
  private let cells: [String]
  /// The line each row starts on.
  private let lines: [Int]

  /// Reads a file.
  ///
  /// - Parameters:
  ///   - path: The file, plain or gzip.
  ///   - hasHeader: Whether the first row holds the columns' names.
  ///   - separator: What stands between two cells.
  ///   - skippedLineCount: How many lines in front are no part of the table.
  /// - Throws: `FormatError` where the file cannot be read or the rows differ in length.
  public init(
    path: String, hasHeader: Bool = true, separator: Separator = .comma,
    skippingLines skippedLineCount: Int = 0
  ) throws(FormatError) {
    try self.init(
      parsing: try Gzip.readFile(path), name: path, hasHeader: hasHeader, separator: separator,
      skippingLines: skippedLineCount)
  }

  /// Parses the bytes of a file that is already in memory.
  ///
  /// - Parameters:
  ///   - bytes: The text in UTF-8.
  ///   - name: What error messages call it.
  ///   - hasHeader: Whether the first row holds the columns' names.
  ///   - separator: What stands between two cells.
  ///   - skippedLineCount: How many lines in front are no part of the table.
  /// - Throws: `FormatError` where a quote stays open or the rows differ in length.
  public init(
    parsing bytes: [UInt8], name: String, hasHeader: Bool = true, separator: Separator = .comma,
    skippingLines skippedLineCount: Int = 0
  ) throws(FormatError) {
    var parser = CSVParser(bytes, name: name, separator: separator.rawValue)
    for _ in 0..<max(0, skippedLineCount) { parser.skipLine() }

    var row: [String] = []
    guard try parser.nextRow(into: &row) != nil else { throw .noRows(in: name) }
    let columns = hasHeader ? row : row.indices.map(String.init)
    var cells = hasHeader ? [] : row
    var lines = hasHeader ? [] : [parser.rowLine]
    while let line = try parser.nextRow(into: &row) {
      guard row.count == columns.count else {
        throw .ragged(cells: row.count, columns: columns.count, in: name, line: line)
      }
      cells += row
      lines.append(line)
    }
    self.name = name
    self.columns = columns
    self.rowCount = lines.count
    self.cells = cells
    self.lines = lines
  }

  /// Accesses the text of one cell.
  ///
  /// - Precondition: Row and column exist.
  public subscript(row: Int, column: Int) -> String {
    precondition(
      (0..<rowCount).contains(row) && columns.indices.contains(column),
      "cell (\(row), \(column)) is outside \(rowCount) rows of \(columns.count) columns")
    return cells[row * columns.count + column]
  }
}

// MARK: Columns

extension CSVTable {
  /// Returns the position of a named column.
  ///
  /// - Throws: `FormatError` where there is none of that name, or more than one.
  public func index(of column: String) throws(FormatError) -> Int {
    guard let index = columns.firstIndex(of: column) else {
      throw .unknownColumn(column, among: columns, in: name)
    }
    guard columns.lastIndex(of: column) == index else { throw .ambiguousColumn(column, in: name) }
    return index
  }

  /// Returns a column as text.
  ///
  /// - Throws: `FormatError` where there is no such column.
  public func strings(_ column: String) throws(FormatError) -> [String] {
    let index = try index(of: column)
    return (0..<rowCount).map { self[$0, index] }
  }

  /// Returns a column as numbers.
  ///
  /// - Throws: `FormatError` where there is no such column, or a cell is no finite number.
  public func column(_ column: String) throws(FormatError) -> [Double] {
    try self.column(at: try index(of: column))
  }

  /// Returns the column at a position as numbers.
  ///
  /// - Throws: `FormatError` where there is no such column, or a cell is no finite number.
  public func column(at index: Int) throws(FormatError) -> [Double] {
    try check(index)
    var numbers: [Double] = []
    numbers.reserveCapacity(rowCount)
    for row in 0..<rowCount { numbers.append(try number(row, index)) }
    return numbers
  }

  /// Returns some columns as one matrix in row-major order, a row of the table being a row of it.
  ///
  /// - Throws: `FormatError` where a column is missing, or a cell is no number that fits.
  public func matrix(columns: [String]) throws(FormatError) -> [Float] {
    var indices: [Int] = []
    for column in columns { indices.append(try index(of: column)) }
    return try matrix(at: indices)
  }

  /// Returns the columns at some positions as one matrix in row-major order.
  ///
  /// - Throws: `FormatError` where a column is missing, or a cell is no number that fits.
  public func matrix(at indices: [Int]) throws(FormatError) -> [Float] {
    for index in indices { try check(index) }
    var elements: [Float] = []
    elements.reserveCapacity(rowCount * indices.count)
    for row in 0..<rowCount {
      for index in indices {
        let element = Float(try number(row, index))
        guard element.isFinite else { throw badCell(row, index, "does not fit in f32") }
        elements.append(element)
      }
    }
    return elements
  }

  /// Returns the column at a position as whole numbers, such as the indices of classes.
  ///
  /// - Throws: `FormatError` where there is no such column, or a cell is no whole number that fits.
  public func integers(at index: Int) throws(FormatError) -> [Int32] {
    try check(index)
    var integers: [Int32] = []
    integers.reserveCapacity(rowCount)
    for row in 0..<rowCount {
      let cell = cells[row * columns.count + index].trimmed
      // Tables from elsewhere write whole numbers as `3.0`, and missing ones as `nan`.
      if let number = Double(cell), !number.isFinite {
        throw badCell(row, index, "is not an integer")
      }
      let number = try number(row, index)
      guard number == number.rounded() else { throw badCell(row, index, "is not an integer") }
      guard let integer = Int32(exactly: number) else {
        throw badCell(row, index, "does not fit in i32")
      }
      integers.append(integer)
    }
    return integers
  }

  private func check(_ index: Int) throws(FormatError) {
    guard columns.indices.contains(index) else {
      throw .columnIndex(index, count: columns.count, in: name)
    }
  }

  private func number(_ row: Int, _ column: Int) throws(FormatError) -> Double {
    let cell = cells[row * columns.count + column].trimmed
    guard !cell.isEmpty else {
      throw .noValue(column: columns[column], in: name, line: lines[row])
    }
    // `Double` reads base 16 as well, which in a table is a mistake or a name.
    guard let number = Double(cell), !cell.utf8.contains(where: { $0 | 0x20 == 0x78 }) else {
      throw badCell(row, column, "is not a number")
    }
    guard number.isFinite else { throw badCell(row, column, "is not a finite number") }
    return number
  }

  private func badCell(_ row: Int, _ column: Int, _ verdict: String) -> FormatError {
    .badCell(
      self[row, column], column: columns[column], verdict, in: name, line: lines[row])
  }
}

extension String {
  /// The text without blanks at its ends.
  fileprivate var trimmed: Substring {
    let isBlank = { (byte: UInt8) in byte == 0x20 || byte == 0x09 }
    guard let first = utf8.firstIndex(where: { !isBlank($0) }),
      let last = utf8.lastIndex(where: { !isBlank($0) })
    else { return "" }
    return self[first...last]
  }
}

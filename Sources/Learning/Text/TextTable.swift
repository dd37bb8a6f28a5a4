/// Rows of text in aligned columns.
struct TextTable: CustomStringConvertible {
  private let header: [String]
  private let leftCount: Int
  private var rows: [[String]?] = []

  /// Creates a table; the first columns are aligned at the left, the others at the right.
  init(_ header: [String], left leftCount: Int) {
    self.header = header
    self.leftCount = leftCount
  }

  /// Adds a row.
  mutating func append(_ row: [String]) { rows.append(row) }

  /// Adds a line from edge to edge.
  mutating func appendRule() { rows.append(nil) }

  var description: String {
    let lines = [header] + rows.compactMap { $0 }
    let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    let rule = String(repeating: "─", count: widths.reduce(0, +) + 2 * (widths.count - 1))
    return ([header] + rows)
      .map { row in row.map { TextTable.line($0, widths, leftCount: leftCount) } ?? rule }
      .joined(separator: "\n")
  }

  /// Returns cells padded to widths, without blanks at the end.
  static func line(_ cells: [String], _ widths: [Int], leftCount: Int) -> String {
    var text = ""
    for (column, cell) in cells.enumerated() {
      let padding = String(repeating: " ", count: max(0, widths[column] - cell.count))
      text += column == 0 ? "" : "  "
      text += column < leftCount ? cell + padding : padding + cell
    }
    while text.last == " " { text.removeLast() }
    return text
  }
}

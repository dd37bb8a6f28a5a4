/// The table that training prints, one row an epoch; every column is wide enough from the start.
struct EpochTable {
  private let columns: [String]
  private let widths: [Int]

  init(_ names: [String], hasValidation: Bool) {
    columns =
      ["epoch"] + names + (hasValidation ? names.map { "val \($0)" } : [])
      + ["examples/s", "seconds"]
    widths = columns.map { max($0.count, 7) }
  }

  /// The first line.
  var header: String { TextTable.line(columns, widths, leftCount: 0) }

  /// Returns the line of an epoch.
  func row(_ epoch: History.Epoch) -> String {
    let scores = epoch.training.values + (epoch.validation?.values ?? [])
    let cells =
      ["\(epoch.number)"] + scores.map { fixed($0, 4) }
      + [grouped(Int(epoch.examplesPerSecond)), fixed(epoch.seconds, 2)]
    return TextTable.line(cells, widths, leftCount: 0)
  }
}

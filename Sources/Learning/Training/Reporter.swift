import Glibc

/// Where training reports to: a table with one row an epoch, and a line that is overwritten in between.
public struct Reporter {
  let row: (String) -> Void
  let progress: ((String) -> Void)?

  /// Creates a reporter.
  ///
  /// - Parameters:
  ///   - progress: Is given the text of the line that is overwritten; empty when it is over.
  ///   - row: Is given each line of the table, the header first.
  public init(progress: ((String) -> Void)? = nil, row: @escaping (String) -> Void) {
    self.progress = progress
    self.row = row
  }

  /// Reports nothing.
  public static var silent: Reporter { Reporter { _ in } }

  /// Reports to the standard output; the line that is overwritten needs a terminal.
  public static var standard: Reporter {
    guard isatty(STDOUT_FILENO) == 1 else { return Reporter { print($0) } }
    return Reporter(
      progress: { text in
        print("\r\u{1b}[K\(text)", terminator: "")
        // A line that does not end stays in the buffer.
        _ = fflush(nil)
      }, row: { print($0) })
  }
}

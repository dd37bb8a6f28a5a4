// How amounts are written: with the unit that leaves one to three digits before the point.

/// Returns a size such as `512 B` or `1.5 KiB`.
func bytes(_ count: Int) -> String { scaled(count, by: 1024, ["B", "KiB", "MiB", "GiB", "TiB"]) }

/// Returns an amount of arithmetic such as `12.4 kFLOP`.
func flops(_ count: Int) -> String {
  scaled(count, by: 1000, ["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"])
}

/// Returns a duration in milliseconds, such as `0.25`.
func milliseconds(_ nanoseconds: Int) -> String { decimal(nanoseconds, over: 1_000_000, places: 2) }

/// Returns a duration in microseconds, such as `0.25`.
func microseconds(_ nanoseconds: Double) -> String {
  let shown = min(nanoseconds.rounded(), 1e15)
  return decimal(Int(shown), over: 1000, places: 2)
}

/// Returns a share such as `98.4 %`, or `100 %` of nothing.
func percent(_ part: Int, of whole: Int) -> String {
  guard whole > 0, part != whole else { return "100 %" }
  return "\(decimal(Int(1000 * (Double(part) / Double(whole))), over: 10, places: 1)) %"
}

/// Returns a noun with its number, such as `1 kernel` or `3 kernels`.
func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }

/// Returns a text filled with blanks up to a width.
func padded(_ text: String, to width: Int, right: Bool = false) -> String {
  let blanks = String(repeating: " ", count: max(0, width - text.count))
  return right ? blanks + text : text + blanks
}

private func scaled(_ count: Int, by factor: Int, _ units: [String]) -> String {
  var (unit, divisor) = (0, 1)
  while count / divisor >= factor, unit < units.count - 1 {
    divisor *= factor
    unit += 1
  }
  return "\(unit == 0 ? "\(count)" : decimal(count, over: divisor, places: 1)) \(units[unit])"
}

/// Returns a quotient cut to a number of decimal places.
private func decimal(_ value: Int, over divisor: Int, places: Int) -> String {
  var digits = ""
  var rest = value % divisor
  for _ in 0..<places {
    // Divides first: the rest of a huge divisor times ten may not fit.
    let (product, overflow) = rest.multipliedReportingOverflow(by: 10)
    digits += overflow ? "0" : "\(product / divisor)"
    rest = overflow ? 0 : product % divisor
  }
  return "\(value / divisor).\(digits)"
}

import Descent
import Foundation

/// What was measured, as one line of JSON.
struct Report {
  let workload: Workload
  let threads: Int
  let samples: Samples
  let plan: Plan
  let limits: MachineLimits?
  let vectorBits: Int
  let first: Double
  let megabytes: Double?
  let check: [Double]

  var line: String {
    var fields: [(String, String)] = [
      ("workload", "\"\(workload.name)\""), ("threads", "\(threads)"),
      ("median_us", number(samples.median)), ("min_us", number(samples.least)),
      ("p90_us", number(samples.ninth)), ("samples", "\(samples.times.count)"),
      ("first_step_s", number(first)),
    ]
    if let megabytes { fields.append(("peak_rss_mb", number(megabytes))) }
    fields.append(("check", "[" + check.map(number).joined(separator: ", ") + "]"))
    if workload.operations > 0 {
      fields.append(("gflops", number(workload.operations / samples.median / 1e3)))
    } else {
      fields.append(("gbs", number(Double(workload.bytes) / samples.median / 1e3)))
    }
    if let limits { fields += held(against: limits) }
    fields += [
      ("kernels", "\(plan.kernelCount)"), ("arena_bytes", "\(plan.arenaBytes)"),
      ("arena_lower_bound", "\(plan.arenaLowerBound)"),
    ]
    return "{" + fields.map { "\"\($0.0)\": \($0.1)" }.joined(separator: ", ") + "}"
  }

  private func held(against limits: MachineLimits) -> [(String, String)] {
    guard let peak = limits.peaks.last(where: { $0.vectorBits <= vectorBits }),
      let level = limits.bandwidths.first(where: { $0.capacity > workload.bytes })
        ?? limits.bandwidths.last
    else { return [] }
    let arithmetic = workload.operations / peak.gigaflops / 1e3
    let rate = workload.writes ? level.triad : level.read
    // In microseconds: what must be computed, or what must be moved where that takes longer.
    let limit = max(arithmetic, Double(workload.bytes) / rate / 1e3)
    return [
      ("peak_gflops", number(peak.gigaflops)), ("read_gbs", number(level.read)),
      ("triad_gbs", number(level.triad)), ("level", "\"\(level.level.rawValue)\""),
      ("limit_us", number(limit)), ("percent_of_limit", number(100 * limit / samples.median)),
      ("percent_at_best", number(100 * limit / samples.least)),
    ]
  }

  /// Six digits; JSON has no word for what is no number.
  private func number(_ value: Double) -> String {
    value.isFinite ? String(format: "%.6g", value) : "null"
  }
}

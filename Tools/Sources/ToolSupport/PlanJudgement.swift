public import Descent
public import Foundation

/// Plans as JSON, and what the checker says of them.
public enum PlanJudgement {
  /// Returns a plan's facts as JSON; equal plans give equal bytes.
  public static func encode(_ plan: Plan) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return try encoder.encode(plan.planDump)
  }

  /// Returns why a plan in JSON is refused; empty where it is accepted.
  public static func faults(in data: Data) -> [String] {
    do {
      let dump = try JSONDecoder().decode(PlanDump.self, from: data)
      guard dump.version == 1 else { return ["malformed: version is \(dump.version), expected 1"] }
      return dump.check()
    } catch let error as DecodingError {
      return ["malformed: \(describe(error))"]
    } catch {
      return ["malformed: \(error.localizedDescription)"]
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, let context):
      "\(path(context)) has no \"\(key.stringValue)\""
    case .typeMismatch(let type, let context): "\(path(context)) is not of type \(type)"
    case .valueNotFound(let type, let context):
      "\(path(context)) is null, expected type \(type)"
    case .dataCorrupted(let context): "\(path(context)): \(context.debugDescription)"
    @unknown default: error.localizedDescription
    }
  }

  private static func path(_ context: DecodingError.Context) -> String {
    let keys = context.codingPath.map { key in
      key.intValue.map { "[\($0)]" } ?? ".\(key.stringValue)"
    }
    return keys.isEmpty ? "the plan" : String(keys.joined().drop { $0 == "." })
  }
}

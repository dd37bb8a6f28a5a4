public import DescentGraph

/// What the compiler decided, in order: the source of explanations and pass diffs.
public struct Journal: Sendable {
  /// One decision.
  public struct Entry: Sendable, CustomStringConvertible {
    /// The pass that decided.
    public let pass: String
    /// The rule within the pass.
    public let rule: String
    /// What was done, in dump syntax where it concerns nodes.
    public let text: String
    /// Where the user wrote the node concerned.
    public let origin: Origin

    /// The entry as one line.
    public var description: String {
      let place = origin.description
      return "\(pass)/\(rule): \(text)" + (place.isEmpty ? "" : "   // \(place)")
    }
  }

  /// The decisions in order.
  public private(set) var entries: [Entry] = []
  /// What became of each value that a kernel computes, once for each of its readers: the ledger of fusion.
  public package(set) var ledger: [FusionVerdict] = []
  /// The pass at work; entries are filed under it.
  package var pass: String = ""
  /// Rules that are switched off.
  package var disabledRules: Set<String> = []

  /// Creates an empty journal.
  package init() {}

  /// Adds a decision of the pass at work.
  package mutating func note(_ rule: String, _ text: String, at origin: Origin = .unknown) {
    entries.append(Entry(pass: pass, rule: rule, text: text, origin: origin))
  }
}

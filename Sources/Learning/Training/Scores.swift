/// Loss and metrics of a set of examples, each the mean over the examples.
public struct Scores: Hashable, Sendable {
  /// The names, the loss first.
  public let names: [String]
  /// The numbers, in the order of the names.
  public let values: [Double]

  /// The loss.
  public var loss: Double { values[0] }

  /// Accesses the number of a name, or nil.
  public subscript(name: String) -> Double? {
    names.firstIndex(of: name).map { values[$0] }
  }
}

/// The running mean of scores over batches of different size.
struct ScoreSum {
  private let names: [String]
  private var sums: [Double]
  private(set) var count: Int = 0

  init(_ names: [String]) {
    self.names = names
    sums = names.map { _ in 0 }
  }

  /// Adds the mean scores of a batch, which count as often as it has examples.
  mutating func add(_ values: [Double], count examples: Int) {
    for (index, value) in values.enumerated() { sums[index] += value * Double(examples) }
    count += examples
  }

  /// The mean over all examples so far.
  var mean: Scores { Scores(names: names, values: sums.map { $0 / Double(count) }) }
}

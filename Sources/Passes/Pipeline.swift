import DescentGraph

/// The passes a graph goes through: one list, which is data.
///
/// Passes that only simplify keep every bit of every result, whichever of them run. Those before
/// differentiation choose, in doing so, among equal ways to write a derivative: in which order cotangents are
/// added is settled by the graph that `differentiate` is given, and from there on kept.
package struct Pipeline: Sendable {
  /// The passes in order; a pass may stand in the list more than once.
  package let passes: [Pass]

  /// Creates a pipeline from a list.
  package init(_ passes: [Pass]) {
    self.passes = passes
  }

  /// Returns THE list, which begins when batch sizes are bound.
  ///
  /// - Parameters:
  ///   - fast: Whether equations that round differently are applied too.
  ///   - growthCap: The bytes up to which a folded constant may outgrow what it is folded from.
  ///   - minimumRecomputedBytes: The size from which on a value may be computed again rather than stored.
  ///   - prepares: Whether what follows from unchanged parameters is computed once.
  /// - Returns: The passes of a compile.
  package static func list(
    fast: Bool = false, growthCap: Int = 65_536, minimumRecomputedBytes: Int = 32 << 10,
    prepares: Bool = true
  ) -> Pipeline {
    let algebra = fast ? Pass.fastAlgebra(prepares: prepares) : .algebra
    let fold = Pass.fold(growthCap: growthCap)
    return Pipeline(
      [
        fold,
        .cse,
        algebra,
        .movement,
        .differentiate,
        .update,
        fold,
        algebra,
        .movement,
        .cse,
      ] + (fast ? [.winograd(prepares: prepares), .strassen(prepares: prepares)] : []) + [
        .rematerialise(minimumBytes: minimumRecomputedBytes, prepares: prepares),
        .dead,
      ])
  }

  /// The list of every compile that does not ask otherwise.
  package static let standard: Pipeline = list()

  /// The names under which passes are timed, stopped at and switched off: `cse`, the second time `cse.2`.
  package var labels: [String] {
    var seen: [String: Int] = [:]
    return passes.map { pass in
      let count = seen[pass.name, default: 0] + 1
      seen[pass.name] = count
      return count == 1 ? pass.name : "\(pass.name).\(count)"
    }
  }

  /// What is wrong with the list: a pass that stands before one it requires.
  package var fault: String? {
    var before: Set<String> = []
    for pass in passes {
      for name in pass.requires where !before.contains(name) {
        return "pass \(pass.name) requires \(name), which does not stand before it"
      }
      before.insert(pass.name)
    }
    return nil
  }
}

extension Pipeline: CustomStringConvertible {
  /// The list, one pass a line.
  package var description: String {
    let labels = labels
    let width = labels.map(\.count).max() ?? 0
    return passes.indices.map { index in
      let number = index < 9 ? " \(index + 1)" : "\(index + 1)"
      let label = labels[index] + String(repeating: " ", count: width - labels[index].count)
      let requires = passes[index].requires
      let after = requires.isEmpty ? "" : "   (after \(requires.joined(separator: ", ")))"
      return "\(number). \(label)  \(passes[index].summary)\(after)"
    }.joined(separator: "\n")
  }
}

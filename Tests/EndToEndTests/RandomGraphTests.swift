import DescentCompiler
import DescentGraph
import DescentTestSupport
import Foundation
import Testing

/// Random graphs, compiled and interpreted, agree in every bit under every option.
///
/// `DESCENT_RANDOM_GRAPHS` sets how many; the seeds begin at `DESCENT_RANDOM_SEED`. A failure names its seed.
@Suite struct RandomGraphTests {
  static let count = Int(ProcessInfo.processInfo.environment["DESCENT_RANDOM_GRAPHS"] ?? "") ?? 1000
  static let first =
    UInt64(ProcessInfo.processInfo.environment["DESCENT_RANDOM_SEED"] ?? "") ?? 0

  @Test func compiledEqualsInterpreted() throws {
    var differences: [String] = []
    for index in 0..<RandomGraphTests.count {
      let seed = RandomGraphTests.first + UInt64(index)
      let isTraining = index % 3 == 0
      let random = RandomGraph(seed: seed, isTraining ? .training : RandomGraph.Options())
      let agreement = Agreement(random: random, steps: isTraining ? 3 : 1)
      for options in variants(index) {
        do {
          if let difference = try agreement.difference(options) {
            differences.append("\(difference) with \(options)")
          }
        } catch {
          differences.append("seed \(seed): \(error)")
        }
      }
    }
    #expect(differences.isEmpty, "\(differences.count): \(differences.prefix(3))")
  }

  /// Every graph is compiled in a few ways; over all graphs, every way occurs.
  private func variants(_ index: Int) -> [CompileOptions] {
    let switchable = ["cse", "algebra", "movement", "dead", "fuse"]
    let all = Set(switchable)
    var options: [CompileOptions] = []
    for (position, threads) in [1, 1 + (index % 4)].enumerated() {
      let disabled: Set<String> =
        position == 0
        ? [] : index % 7 < 5 ? [switchable[index % 5]] : index % 7 == 5 ? all : []
      options.append(
        CompileOptions(
          threads: threads, disabled: disabled, poison: (index / 4 + position) % 2 == 0,
          minimumWorkPerThread: 1))
    }
    return options
  }
}

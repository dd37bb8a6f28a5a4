import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentRuntime
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

  /// Every graph is compiled for 1, 2, 3 and 4 threads; over all graphs, each count meets every pass switch and every
  /// backend this machine has, poisoned and not.
  private func variants(_ index: Int) -> [CompileOptions] {
    let switchable = [
      "fold", "cse", "algebra", "movement", "rematerialise", "dead", "fuse", "prepare", "pack",
      "taps", "strips", "order", "bundle", "waves",
    ]
    let switches = [[], Set(switchable)] + switchable.map { [$0] }
    let backends = Backend.allCases.filter { $0.runs(on: CPUFeatures.detected) }
    return (1...4).map { threads in
      CompileOptions(
        threads: threads, disabled: switches[(index + threads) % switches.count],
        poison: (index / switches.count + threads) % 2 == 0, minimumWorkPerThread: 1,
        minimumRecomputedBytes: index % 2 == 0 ? 0 : 32 << 10, minimumTappedBytes: 0,
        minimumStripBytes: 0, minimumPackedBytes: 0,
        backend: backends[(index + threads) / switches.count % backends.count])
    }
  }
}

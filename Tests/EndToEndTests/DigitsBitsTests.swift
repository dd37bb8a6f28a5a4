import Descent
import DescentCompiler
import DescentGraph
import DescentPasses
import Foundation
import Testing

/// Training gives the same bits however the step is compiled.
///
/// Portable code is slow in debug builds, so unless `DESCENT_EXHAUSTIVE` is set it runs on a few threads only, and
/// passes are switched off on the fastest backend.
@Suite struct DigitsBitsTests {
  private let step: Graph
  private let batches: [(inputs: NDArray, targets: NDArray)]

  init() throws {
    // Beside the examples, so that the tests run from any folder.
    let folder = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
    let path = (folder + ["Examples", "Data", "digits.csv.gz"]).joined(separator: "/")
    let digits = try Dataset.csv(path, inputs: 0..<64, label: 64).scaled(by: 1.0 / 16)
    let model = try Model("digits", input: [64]) {
      Dense(128, init: .heUniform)
      ReLU()
      Dense(64, init: .heUniform)
      ReLU()
      Dense(10)
    }
    step = try model.graph(loss: .crossEntropy, metrics: [.accuracy])
      .minimizing(Model.lossName, with: .adam(1e-3))
    batches = try digits.batches(size: 20, seed: 7).prefix(60).map { ($0.inputs, $0.targets) }
  }

  /// Returns the losses of 60 steps, then what the session remembers.
  private func train(_ options: CompileOptions) throws -> [NDArray] {
    let session = try step.compile(batch: 20, options: options).makeSession(seed: 42)
    var arrays: [NDArray] = []
    for batch in batches {
      let results = try session.run([
        Model.inputName: batch.inputs, Model.targetName: batch.targets,
      ])
      arrays.append(try results.loss)
    }
    return arrays + session.state.entries.map(\.array)
  }

  private func expectSame(_ expected: [NDArray], _ options: CompileOptions) throws {
    let found = try train(options)
    #expect(found.count == expected.count)
    #expect(
      zip(found, expected).allSatisfy { $0.equalsBits(of: $1) },
      "\(options.threads ?? 0) threads, \(options.backend?.rawValue ?? ""), \(options.disabled)")
  }

  private static let isExhaustive =
    ProcessInfo.processInfo.environment["DESCENT_EXHAUSTIVE"] == "1"

  private static let backends: [Backend] = [.portable, .avx2, .avx512].filter { backend in
    let graph = Graph("probe") { $0.output("x", -$0.input("y", [1])) }
    return (try? graph.compile(options: CompileOptions(backend: backend))) != nil
  }

  /// What can be switched off: all passes but those that make a training step of a graph.
  private static let switches =
    Pipeline.standard.labels.filter { !["differentiate", "update"].contains($0) }
    + ["fuse", "prepare", "pack", "taps", "strips", "order", "bundle", "waves"]

  @Test func onAnyNumberOfThreadsAndEveryBackend() throws {
    #expect(batches.count == 60)
    let expected = try train(CompileOptions(threads: 1, backend: .portable))
    let (first, last) = (expected[0].scalar, expected[59].scalar)
    #expect(last < first / 2, "the loss was \(first) and is \(last)")
    for backend in Self.backends {
      let isSlow = backend == .portable && !Self.isExhaustive
      for threads in isSlow ? [3] : [1, 2, 3, 4, 8] {
        try expectSame(
          expected, CompileOptions(threads: threads, minimumWorkPerThread: 1, backend: backend))
      }
    }
  }

  @Test(arguments: switches) func withEachPassOff(name: String) throws {
    let fastest = try #require(Self.backends.last)
    let expected = try train(CompileOptions(threads: 1, backend: fastest))
    let number = try #require(Self.switches.firstIndex(of: name))
    for backend in Self.isExhaustive ? Self.backends : [fastest] {
      let threads = [1, 2, 3, 4, 8][(number + Self.backends.firstIndex(of: backend)!) % 5]
      try expectSame(
        expected,
        CompileOptions(
          threads: threads, disabled: [name], minimumWorkPerThread: 1, backend: backend))
    }
  }
}

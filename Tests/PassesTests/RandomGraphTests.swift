import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

@Suite("Passes on random graphs")
struct RandomGraphTests {
  /// The pipelines of a forward graph: all passes, none, and each one missing.
  private static let choices: [Set<String>] = {
    let labels = Pipeline.standard.labels
    return [[], Set(labels)] + labels.map { [$0] }
  }()

  @Test("forward graphs keep every bit, whichever passes run", arguments: UInt64(0)..<60)
  func forward(_ seed: UInt64) throws {
    let random = RandomGraph(seed: seed)
    let before = try random.graph.bound(batch: random.batch)
    let inputs = before.moderate(random.inputs)
    let expected = before.evaluated(inputs)
    for disabled in Self.choices {
      var options = Pipeline.Options()
      options.disabled = disabled
      options.verifies = true
      let after = try Pipeline.standard.run(before, options).graph
      let found = after.evaluated(inputs)
      try #require(
        expected.elementsEqual(found) { $0.sameBits($1) },
        "seed \(seed) without \(disabled.sorted())\n\(before.text)\n\(after.text)")
    }
  }

  @Test("training graphs keep every bit from pass to pass", arguments: UInt64(0)..<60)
  func training(_ seed: UInt64) throws {
    let random = RandomGraph(seed: seed, .training)
    var options = Pipeline.Options()
    options.keepsSnapshots = true
    options.verifies = true
    let start = try random.graph.bound(batch: random.batch)
    let result = try Pipeline.standard.run(start, options)
    var before = start
    for (pass, after) in result.snapshots {
      defer { before = after }
      guard pass != "differentiate", pass != "update" else { continue }
      let inputs = before.moderate(random.inputs)
      try #require(
        before.evaluated(inputs).elementsEqual(after.evaluated(inputs)) { $0.sameBits($1) },
        "seed \(seed), pass \(pass)\n\(before.text)\n\(after.text)")
    }
  }

  @Test("each pass finds nothing to do on its own result", arguments: UInt64(0)..<60)
  func idempotent(_ seed: UInt64) throws {
    let random = RandomGraph(seed: seed, seed % 2 == 0 ? .training : RandomGraph.Options())
    let start = try random.graph.bound(batch: random.batch)
    for pass in Pipeline.standard.passes where !["differentiate", "update"].contains(pass.name) {
      var journal = Journal()
      let once = try pass.run(start, &journal)
      var second = Journal()
      let isSame = try pass.run(once, &second) == once
      try #require(isSame && second.entries.isEmpty, "seed \(seed), \(pass.name)\n\(once.text)")
    }
  }
}

extension Graph {
  /// The inputs, and moderate numbers for every other leaf that has memory.
  fileprivate func moderate(_ inputs: [String: NDArray]) -> [String: NDArray] {
    var inputs = inputs
    for node in nodes {
      guard case .leaf(let leaf) = node.op, let name = leaf.leafName, inputs[name] == nil,
        leaf.type.dataType == .f32
      else { continue }
      let numbers = (0..<leaf.type.shape.count).map {
        Float(($0 * 7 + name.utf8.count) % 11) / 8 - 0.5
      }
      inputs[name] = NDArray(numbers, dimensions: leaf.type.shape.dimensions)
    }
    return inputs
  }
}

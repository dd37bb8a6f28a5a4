import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// Random graphs through the fuser and the checker of its groups.
@Suite struct RandomFusionTests {
  @Test("groups of random graphs are lawful", arguments: [true, false])
  func areLawful(_ isTraining: Bool) throws {
    for seed in UInt64(0)..<400 {
      let random = RandomGraph(seed: seed, isTraining ? .training : RandomGraph.Options())
      var options = Pipeline.Options()
      // Every third graph keeps what other passes would have simplified.
      if seed % 3 == 0 { options.disabled = ["cse", "algebra", "movement", "dead"] }
      let graph = try Pipeline.standard.run(random.graph.bound(batch: random.batch), options).graph
      for isEnabled in [true, false] {
        var journal = Journal()
        let fused = FusedGraph(fusing: graph, isEnabled: isEnabled, journal: &journal)
        let violations = fused.check()
        try #require(violations == [], "seed \(seed)\n\(graph.text)")
      }
    }
  }
}

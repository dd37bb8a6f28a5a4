import DescentGraph
import DescentTestSupport
import Testing

@Suite struct RandomGraphTests {
  @Test func aSeedIsAGraph() {
    for seed in 0..<20 as Range<UInt64> {
      let (first, second) = (RandomGraph(seed: seed), RandomGraph(seed: seed))
      #expect(first.graph.text == second.graph.text)
      #expect(first.inputs == second.inputs)
      #expect(first.inputs(step: 3) == second.inputs(step: 3))
      #expect(first.inputs(step: 0) == first.inputs)
      #expect(first.inputs(step: 3).mapValues(\.type) == first.inputs.mapValues(\.type))
    }
  }

  @Test func everyOperationIsDrawn() {
    let wanted = Set(Op.samples.map(\.name)).subtracting(["state", "parameter"])
    var drawn: Set<String> = []
    for seed in 0..<400 as Range<UInt64> {
      drawn.formUnion(RandomGraph(seed: seed).graph.nodes.map(\.op.name))
    }
    #expect(wanted.subtracting(drawn) == [])
  }

  @Test func trainableGraphsHaveALossOverTheirParameters() {
    for seed in 0..<100 as Range<UInt64> {
      let random = RandomGraph(seed: seed, .training)
      #expect(!random.parameters.isEmpty, "seed \(seed)")
      #expect(random.loss.map { random.graph[$0].type } == TensorType(.f32, .scalar))
      #expect(random.graph.objective?.output == "loss")
      #expect(random.graph.nodes.allSatisfy { !$0.type.shape.extents.contains(0) }, "seed \(seed)")
    }
  }

  @Test func emptyAxesScalarsAndSpecialsOccur() {
    let graphs = (0..<300 as Range<UInt64>).map { RandomGraph(seed: $0) }
    let types = graphs.flatMap { $0.graph.nodes.map(\.type.shape) }
    #expect(types.contains { $0.extents.contains(0) })
    #expect(types.contains(.scalar))
    let numbers = graphs.flatMap { $0.inputs.values.flatMap(\.doubles) }
    #expect(numbers.contains { $0.isNaN })
    #expect(numbers.contains(.infinity))
    #expect(numbers.contains { $0 == 0 && $0.sign == .minus })
  }

  @Test func batchesOccurWhereTheyAreAllowed() {
    var options = RandomGraph.Options()
    #expect((0..<50).allSatisfy { !RandomGraph(seed: $0, options).graph.isSymbolic })
    options.allowsBatch = true
    #expect((0..<50).contains { RandomGraph(seed: $0, options).graph.isSymbolic })
  }
}

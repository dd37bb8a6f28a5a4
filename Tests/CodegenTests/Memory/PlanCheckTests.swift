import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// The checker of memory plans accepts what is right and names the rule that is broken.
@Suite struct PlanCheckTests {
  /// Two steps: the first reads the input and a constant into a temporary, the second that into the output.
  private var valid: PlanDump {
    let range = { (buffer: Int, value: Int) in
      PlanDump.Range(buf: buffer, lo: 0, hi: 64, value: value)
    }
    return PlanDump(
      version: 1, alignment: 64,
      arenas: [
        PlanDump.Arena(id: 0, bytes: 64, kind: "const"),
        PlanDump.Arena(id: 1, bytes: 64, kind: "param"),
        PlanDump.Arena(id: 2, bytes: 128, kind: "io"),
        PlanDump.Arena(id: 3, bytes: 128, kind: "scratch"),
      ],
      buffers: [
        PlanDump.Buffer(id: 0, arena: 0, offset: 0, bytes: 64, persist: true),
        PlanDump.Buffer(id: 1, arena: 1, offset: 0, bytes: 64, persist: true),
        PlanDump.Buffer(id: 2, arena: 2, offset: 0, bytes: 64, persist: false),
        PlanDump.Buffer(id: 3, arena: 2, offset: 64, bytes: 64, persist: false),
        PlanDump.Buffer(id: 4, arena: 3, offset: 0, bytes: 64, persist: false),
        PlanDump.Buffer(id: 5, arena: 3, offset: 64, bytes: 64, persist: false),
      ],
      steps: [
        PlanDump.Step(
          id: 0, op: "add", reads: [range(2, 12), range(0, 10)], writes: [range(4, 14)],
          inplace: [], after: []),
        PlanDump.Step(
          id: 1, op: "mul", reads: [range(4, 14), range(1, 11)], writes: [range(5, 15)],
          inplace: [], after: [0]),
        PlanDump.Step(
          id: 2, op: "copy", reads: [range(5, 15)], writes: [range(3, 15)], inplace: [],
          after: [1]),
      ],
      inputs: [2], outputs: [range(3, 15), range(1, 11)],
      initial: [range(2, 12), range(1, 11), range(0, 10)], threads: 1)
  }

  private func rules(_ change: (inout PlanDump) -> Void) -> Set<String> {
    var plan = valid
    change(&plan)
    return Set(plan.check().map { String($0.prefix(2)) })
  }

  @Test func aRightPlanIsAccepted() {
    #expect(valid.check() == [])
  }

  @Test func aResultMayTakeItsOperandsPlace() {
    #expect(
      rules {
        $0.buffers[5].offset = 0
        $0.steps[1].inplace = [[0, 0]]
      } == [])
  }

  @Test func boundsAreChecked() {
    #expect(rules { $0.arenas[3].bytes = 127 } == ["V1"])
    #expect(rules { $0.buffers[4].bytes = 63 } == ["V1"])
    #expect(rules { $0.buffers[4].offset = -64 } == ["V1"])
    #expect(rules { $0.buffers[4].bytes = .max - 7 } == ["V1"])
    #expect(rules { $0.buffers[4].arena = 9 } == ["V1"])
    #expect(rules { $0.steps[0].reads[0].buf = 9 } == ["V1"])
    #expect(rules { $0.steps[0].reads[0].hi = 65 } == ["V1"])
    #expect(rules { $0.steps[0].reads[0].lo = 65 } == ["V1"])
  }

  @Test func offsetsAreAligned() {
    #expect(rules { $0.buffers[4].offset = 32 } == ["V2"])
  }

  @Test func readsSeeTheLastWrite() {
    #expect(rules { $0.steps.remove(at: 0) }.contains("V3"))
    #expect(rules { $0.steps[1].reads[0].value = 99 } == ["V3"])
    #expect(rules { $0.steps[0].writes[0].hi = 60 } == ["V3"])
  }

  @Test func unorderedStepsShareNothing() {
    #expect(rules { $0.steps[1].after = [] } == ["V5"])
  }

  @Test func overlapsAreDeclared() {
    #expect(rules { $0.buffers[5].offset = 0 } == ["V6"])
  }

  @Test func numbersAreUniqueAndOrdersAcyclic() {
    #expect(rules { $0.steps[1].id = 0 } == ["V7"])
    #expect(rules { $0.buffers[1].id = 0 } == ["V7"])
    #expect(rules { $0.steps[0].after = [2] } == ["V7"])
    #expect(rules { $0.steps[0].after = [7] } == ["V7"])
  }

  @Test func outputsAreThereAtTheEnd() {
    #expect(rules { $0.outputs[0].value = 99 } == ["V8"])
    #expect(rules { $0.steps.removeLast() } == ["V8"])
  }

  @Test func whatPersistsIsNotShared() {
    #expect(
      rules {
        $0.buffers[4].arena = 1
        $0.buffers[4].offset = 0
      }.contains("V9"))
    #expect(rules { $0.steps[2].writes.append($0.steps[0].reads[1]) } == ["V9"])
  }

  @Test(arguments: [1, 2, 4, 8]) func everyPlanOfARandomGraphIsAccepted(threads: Int) throws {
    var unorderedCount = 0
    for seed in 0..<50 as Range<UInt64> {
      let random = RandomGraph(seed: seed, seed % 2 == 0 ? .training : RandomGraph.Options())
      let plan = try random.graph.compile(
        batch: random.batch, options: CompileOptions(threads: threads, minimumWorkPerThread: 1))
      let dump = plan.planDump
      #expect(dump.check() == [], "seed \(seed)")
      #expect(plan.arenaBytes >= plan.arenaLowerBound)
      let isOrdered = zip(dump.steps, dump.steps.dropFirst()).allSatisfy {
        $1.after?.contains($0.id) == true
      }
      if !isOrdered { unorderedCount += 1 }
    }
    #expect(unorderedCount > 10, "only \(unorderedCount) plans leave steps unordered")
  }
}

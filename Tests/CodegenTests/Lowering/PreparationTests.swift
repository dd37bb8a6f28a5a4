import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Kernels of the preparation come first, by themselves, and leave memory that nothing else writes.
@Suite struct PreparationTests {
  /// Two small loops and a product that are prepared, beside such as are not.
  private func program(threads: Int = 2, disabled: Set<String> = []) throws -> Program {
    let graph = Graph("prepared") { g in
      let (x, b) = (g.input("x", [64, 64]), g.parameter("b", [64], .ones))
      let (v, w) = (g.parameter("v", [64, 64], .ones), g.parameter("w", [64, 64], .ones))
      g.output("early", exp(x.transpose()))
      g.output("y", x.matmul(v.matmul(sin(w))) * exp(b) + w.sum(axes: [0]))
    }
    return try graph.compile(
      options: CompileOptions(threads: threads, disabled: disabled, minimumWorkPerThread: 1)
    ).program
  }

  @Test func preparationComesFirst() throws {
    for disabled in [[], ["bundle"], ["order"], ["fuse"]] as [Set<String>] {
      let program = try program(disabled: disabled)
      let count = program.preparationCount
      let written = { (kernels: ArraySlice<Kernel>) in
        Set(kernels.flatMap(\.operands).filter { $0.access == .write }.map(\.buffer))
      }
      let read = Set(program.kernels[count...].flatMap(\.operands).map(\.buffer))
      let kept = program.buffers.indices.filter { program.buffers[$0].role == .prepared }
      #expect(count > 0 && program.startsWave[count])
      #expect(Set(kept) == written(program.kernels[..<count]).intersection(read))
      #expect(written(program.kernels[count...]).isDisjoint(with: kept))
      #expect(kept.allSatisfy { program.memory.placements[$0].segment == .prepared })
    }
  }

  /// What only the preparation needs lies in the arena, and is gone when it is over.
  @Test func temporariesOfThePreparationAreNotKept() throws {
    let program = try program()
    let bytes = (64 * 64 + 64 + 64) * 4
    #expect(program.memory.preparedBytes == bytes)
    #expect(program.memory.arenaBytes >= 64 * 64 * 4)
  }

  @Test func bothKindsOfRunAreChecked() throws {
    var program = try program()
    #expect(program.planDump.check() == [])
    #expect(program.preparedPlanDump.check() == [])
    let kept = program.buffers.indices.filter { program.buffers[$0].role == .prepared }
    #expect(Set(kept).isDisjoint(with: program.planDump.initial.map(\.buf)))
    #expect(Set(kept).isSubset(of: program.preparedPlanDump.initial.map(\.buf)))
    for dump in [program.planDump, program.preparedPlanDump] {
      #expect(Set(kept).isSubset(of: dump.outputs.map(\.buf)))
      #expect(dump.buffers.filter { kept.contains($0.id) }.allSatisfy { $0.persist == true })
    }
    // A kernel of the run that writes where the preparation does, and so not its output.
    let large = try #require(kept.first { program.buffers[$0].byteCount == 64 * 64 * 4 })
    let last = program.kernels.count - 1
    let output = try #require(program.kernels[last].operands.firstIndex { $0.access == .write })
    program.kernels[last].operands[output].buffer = large
    #expect(program.preparedPlanDump.check().count { $0.hasPrefix("V8") } == 2)
  }

  /// A kernel that reads what the preparation has left in the arena finds it in the first run only.
  @Test func whatIsNotKeptIsNotThere() throws {
    var program = try program(threads: 1)
    let preparation = program.kernels[..<program.preparationCount]
    let temporary = try #require(
      preparation.flatMap(\.operands).first { program.buffers[$0.buffer].role == .temporary })
    let places = program.kernels.indices.dropFirst(program.preparationCount).flatMap { kernel in
      program.kernels[kernel].operands.indices.map { (kernel, $0) }
    }
    let (kernel, position) = try #require(
      places.first { kernel, position in
        let operand = program.kernels[kernel].operands[position]
        return program.buffers[operand.buffer].role == .prepared
          && operand.bytes.count == temporary.bytes.count
      })
    program.kernels[kernel].operands[position].buffer = temporary.buffer
    program.kernels[kernel].operands[position].value = temporary.value
    #expect(program.planDump.check() == [])
    #expect(program.preparedPlanDump.check().contains { $0.hasPrefix("V3") })
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Kernels that do not depend on each other run side by side, and checkers see it.
@Suite struct WaveTests {
  private func program(
    threads: Int = 2, disabled: Set<String> = [], _ body: (GraphBuilder) -> Void
  ) throws -> Program {
    try Graph("waves", body).compile(
      options: CompileOptions(threads: threads, disabled: disabled, minimumWorkPerThread: 1)
    ).program
  }

  /// Two products of one factor each, and one that needs both.
  private func branches(_ g: GraphBuilder) {
    let (x, y) = (g.input("x", [64, 64]), g.input("y", [64, 64]))
    let (a, b) = (x.matmul(g.input("a", [64, 64])), y.matmul(g.input("b", [64, 64])))
    g.output("z", a.matmul(b))
  }

  @Test func independentProductsShareAWave() throws {
    let program = try program(branches)
    #expect(program.startsWave == [true, false, true])
    #expect(program.planDump.steps.map(\.after) == [[], [], [0, 1]])
    #expect(program.planDump.check().isEmpty)
  }

  @Test func oneThreadNeedsNoWaves() throws {
    #expect(try program(threads: 1, branches).startsWave == [true, true, true])
  }

  @Test func wavesCanBeSwitchedOff() throws {
    let program = try program(disabled: ["waves"], branches)
    #expect(program.startsWave == [true, true, true])
    #expect(program.planDump.steps.map(\.after) == [[], [0], [1]])
  }

  /// Work that is too little for all threads goes to the one that has less to do.
  @Test func aWaveIsDividedAsAWhole() throws {
    let program = try program { g in
      g.output("y", g.input("x", [64, 64]).matmul(g.input("w", [64, 64])))
      g.output("sum", g.input("v", [70_000]).sum())
    }
    #expect(program.startsWave == [true, false])
    let slices = program.slices(isNative: false)
    #expect(slices.map { $0[0].count } == [2, 2])
    #expect(slices[1][0].count { !$0.isEmpty } == 1)
  }

  @Test func aStateChangesInAWaveOfItsOwnWhereIndicesAreChecked() throws {
    func waves(_ isChecked: Bool) throws -> [Bool] {
      try program { g in
        let state = g.state("s", [64, 64])
        let x = g.input("x", [64, 64])
        g.output("y", isChecked ? x.gather(g.input("i", [64], .i32)) : exp(x.transpose()))
        g.update(state, to: g.input("a", [64, 64]).matmul(g.input("b", [64, 64])))
      }.startsWave
    }
    #expect(try waves(true) == [true, true])
    #expect(try waves(false) == [true, false])
  }

  /// What one kernel of a wave reads last must not give way to another's result.
  @Test func memoryIsNotGivenAwayWithinAWave() throws {
    let program = try program(branches)
    var dump = program.planDump
    #expect(dump.check().isEmpty)
    let (first, second) = (dump.steps[0].writes[0].buf, dump.steps[1].writes[0].buf)
    let place = try #require(dump.buffers.first { $0.id == first }?.offset)
    let index = try #require(dump.buffers.firstIndex { $0.id == second })
    dump.buffers[index].offset = place
    #expect(dump.check().contains("V5: steps 0 and 1 are unordered but share bytes"))
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Small loops that do not depend on each other are one kernel.
@Suite struct BundleTests {
  private func program(
    threads: Int = 1, _ body: (GraphBuilder) -> Void
  ) throws -> Program {
    try Graph("bundles", body).compile(
      options: CompileOptions(threads: threads, minimumWorkPerThread: 1)
    ).program
  }

  @Test func aTrainingStepEndsWithABundle() throws {
    let plan = try Networks.mnist().compile(batch: 64, options: CompileOptions(threads: 1))
    expectSnapshot(
      plan.program.kernels.map(\.name).joined(separator: "\n"),
      """
      contract+add+relu
      contract+add+relu
      contract+add
      oneHot+max+sub+exp+sum+log+…
      contract+greater+select
      contract+greater+select
      contract+mul+add+mul+sub
      contract+mul+add+mul+sub
      contract+mul+add+mul+sub
      5 loops: neg+sum+mul, add, sum+mul+add+mul+sub, …
      """)
    let memory = plan.program.memory
    #expect(memory.arenaBytes * 100 <= memory.arenaLowerBound * 103)
  }

  @Test func dependentLoopsStayApart() throws {
    let names = try program { g in
      let x = g.input("x", [4, 8])
      let sum = x.sum(axes: [0])
      // Needs the sum at other places.
      g.output("y", x.sum(axes: [1]) + sum.slice(axis: 0, from: 2, to: 6))
      g.output("z", exp(g.input("w", [3])))
    }.kernels.map(\.name)
    #expect(names == ["sum", "2 loops: sum+add, exp"])
  }

  @Test func aStateIsReadBeforeItChanges() throws {
    let names = try program { g in
      let state = g.state("s", [2, 3])
      g.output("first", exp(state.transpose()))
      g.output("other", sin(g.input("x", [5])))
      g.update(state, to: state * 0.5)
    }.kernels.map(\.name)
    #expect(names == ["2 loops: exp, sin", "mul"])
  }

  @Test func largeLoopsStayApart() throws {
    let names = try program { g in
      g.output("y", exp(g.input("x", [1024, 64])))
      g.output("z", exp(g.input("w", [3])))
    }.kernels.map(\.name)
    #expect(names == ["exp", "exp"])
  }

  /// A loop of one unit goes to the thread that has less to do.
  @Test func threadsShareABundle() throws {
    let program = try program(threads: 2) { g in
      for index in 0..<4 { g.output("y\(index)", exp(g.input("x\(index)", [3]))) }
    }
    #expect(program.kernels.count == 1)
    #expect(
      program.slices(isNative: false) == [
        [[0..<1, 0..<0], [0..<0, 0..<1], [0..<1, 0..<0], [0..<0, 0..<1]]
      ])
  }

  @Test func theCheckerSeesALoopThatWritesWhatAnotherReads() throws {
    var program = try program { g in
      g.output("y", exp(g.input("x", [3])))
      g.output("z", sin(g.input("w", [3])))
    }
    #expect(program.bundleViolations.isEmpty)
    let operands = program.kernels[0].operands
    let read = try #require(operands.firstIndex { $0.access == .read })
    let written = try #require(operands.lastIndex { $0.access == .write })
    program.kernels[0].operands[written].buffer = operands[read].buffer
    #expect(
      program.bundleViolations == ["loop 1 of 2 loops: exp, sin writes what loop 0 touches"])
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Small loops that do not depend on each other are one kernel.
@Suite struct BundleTests {
  private func program(
    threads: Int = 1, disabled: Set<String> = [], _ body: (GraphBuilder) -> Void
  ) throws -> Program {
    try Graph("bundles", body).compile(
      options: CompileOptions(threads: threads, disabled: disabled, minimumWorkPerThread: 1)
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
      oneHot+max+sub+exp+sum+log+… then neg+sum+mul
      contract+greater+select
      contract+mul+add+mul+sub
      contract+greater+select
      contract+mul+add+mul+sub
      contract+mul+add+mul+sub
      4 loops: add, sum+mul+add+mul+sub, sum+mul+add+mul+sub, …
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
    #expect(names == ["2 loops: sum then sum+add, exp"])
  }

  /// The mean over rows needs all of them; the rows of a parallel kernel are worked on by several threads.
  @Test func aTinyLoopIsTheTailOfTheKernelItNeeds() throws {
    let program = try program(threads: 2) { g in
      let x = g.input("x", [256, 64])
      g.output("loss", mean(log(exp(x).sum(axes: [1]))))
    }
    #expect(program.kernels.map(\.name) == ["exp+sum then log+sum+mul"])
    let kernel = program.kernels[0]
    #expect(kernel.tails.count == 1)
    // What the rows leave is written and read within the kernel.
    #expect(kernel.operands.map(\.access) == [.read, .write, .write])
    let slices = program.slices(isNative: true)[0]
    #expect(slices.map(\.count) == [2, 1])
    let steps = program.planDump.steps
    #expect(steps[1].after == [0])
    #expect(steps[1].reads.map(\.value) == steps[0].writes.map(\.value))
  }

  @Test func aTailChangesNoStateBeforeIndicesAreChecked() throws {
    let names = try program(disabled: ["order"]) { g in
      let (x, state) = (g.input("x", [8, 4]), g.state("s", [8]))
      let sums = exp(x).sum(axes: [1])
      g.update(state, to: sums.reverse(axes: [0]) + state)
      g.output("y", x.gather(g.input("i", [3], .i32)))
    }.kernels.map(\.name)
    #expect(names == ["exp+sum", "gather", "add"])
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
    #expect(program.planDump.check().isEmpty)
    let operands = program.kernels[0].operands
    let read = try #require(operands.firstIndex { $0.access == .read })
    let written = try #require(operands.lastIndex { $0.access == .write })
    program.kernels[0].operands[written].buffer = operands[read].buffer
    #expect(
      program.planDump.check().contains("V5: steps 0 and 1 are unordered but share bytes"))
  }
}

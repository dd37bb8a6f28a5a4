import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentTestSupport
import Testing

/// Which kernels small graphs become.
@Suite struct KernelTests {
  private func kernels(
    disabled: Set<String> = [], _ body: (GraphBuilder) -> Void
  ) throws -> [String] {
    let options = CompileOptions(threads: 1, disabled: disabled)
    return try Graph("kernels", body).compile(batch: 4, options: options).program.kernels
      .map(\.name)
  }

  @Test func biasAndActivationFollowTheirContraction() throws {
    let names = try kernels { g in
      let x = g.input("x", [.batch, 8])
      g.output("y", relu(x.matmul(g.parameter("w", [8, 3])) + g.parameter("b", [3])))
    }
    #expect(names == ["contract+add+relu"])
  }

  @Test func elementwiseNodesShareAKernel() throws {
    let names = try kernels { g in
      let x = g.input("x", [.batch, 8])
      g.output("y", tanh(x * 2.0 + 1.0) * sigmoid(x))
    }
    #expect(names == ["mul+add+tanh+sigmoid+mul"])
  }

  @Test func withoutFusionEveryNodeIsAKernel() throws {
    let names = try kernels(disabled: ["fuse"]) { g in
      let x = g.input("x", [.batch, 8])
      g.output("y", tanh(x * 2.0 + 1.0))
    }
    #expect(names == ["mul", "add", "tanh"])
  }

  @Test func movementIsReadThrough() throws {
    let names = try kernels { g in
      let x = g.input("x", [4, 8])
      let window = x.slice(axis: 1, from: 2, to: 6).reverse(axes: [0])
      g.output("y", x.transpose() + window.sum(axes: [0], keepingAxes: true))
    }
    #expect(names == ["sum then add"])
  }

  @Test func reductionsTakeTheirPrologue() throws {
    let names = try kernels { g in
      let x = g.input("x", [.batch, 8])
      g.output("rows", (x * x).sum(axes: [1]))
      g.output("columns", exp(x).max(axes: [0]))
    }
    #expect(names == ["2 loops: mul+sum, exp+max"])
  }

  @Test func indexNodesAreMapsAndScatters() throws {
    let names = try kernels { g in
      let i = g.input("i", [.batch], .i32)
      let table = g.parameter("table", [5, 3])
      g.output("rows", table.gather(i) * 2.0)
      g.output("hot", i.oneHot(5) + 1.0)
      g.output("sum", table.scatterAdd(i, g.input("u", [.batch, 3])))
    }
    #expect(names == ["gather+mul", "oneHot+add", "scatterAdd"])
  }

  @Test func leavesThatAreOutputsAreCopied() throws {
    let names = try kernels { g in
      let x = g.input("x", [4, 8])
      g.output("x", x)
      g.output("again", x.reshape([32]))
      g.output("places", g.iota([5], axis: 0))
    }
    #expect(names == ["copy", "copy", "iota"])
  }

  @Test func anUpdateIsWrittenInPlace() throws {
    let graph = Graph("counter") { g in
      let count = g.state("count", [3])
      g.update(count, to: count + 1.0)
    }
    let program = try graph.compile(options: CompileOptions(threads: 1)).program
    #expect(program.kernels.map(\.name) == ["add"])
    #expect(program.memory.inPlace == [[Kernel.InPlace(read: 0, written: 1)]])
    #expect(program.memory.arenaBytes == 0)
  }

  @Test func stateIsWrittenBehindTheLastCheck() throws {
    let graph = Graph("late") { g in
      let count = g.state("count", [3])
      g.update(count, to: count + 1.0)
      g.output("rows", g.parameter("table", [5, 3]).gather(g.input("i", [.batch], .i32)))
    }
    let program = try graph.compile(batch: 2, options: CompileOptions(threads: 1)).program
    #expect(program.kernels.map(\.name) == ["gather", "add"])
    #expect(program.commitKernel == 1)
  }
}

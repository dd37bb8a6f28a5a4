import DescentGraph
import DescentPasses
import Testing

@Suite("Constant folding")
struct FoldTests {
  private func fold(_ graph: Graph, growthCap: Int = 65_536) throws -> Graph {
    var journal = Journal()
    return try Pass.fold(growthCap: growthCap).run(graph.validated(), &journal)
  }

  private func ramp(_ count: Int) -> NDArray { NDArray((0..<count).map { Float($0) }) }

  @Test("what depends on constants alone becomes a constant")
  func folds() throws {
    let graph = Graph("g") { g in
      let table = g.constant(NDArray([1, 2, 3, 4, 5, 6] as [Float], dimensions: [2, 3]))
      g.output("y", (table * 2.0 + 1.0).transpose().sum(axes: [0]))
    }
    #expect(
      try fold(graph)
        == Graph("g") { g in g.output("y", g.constant(NDArray([15, 33] as [Float]))) })
  }

  @Test("what is repeated stays repeated")
  func staysRepeated() throws {
    let graph = Graph("g") { g in
      let four = sqrt(g.constant(16).broadcast(to: [1000, 1000]))
      g.output("y", g.input("x", [1000, 1000]) * four)
    }
    #expect(
      try fold(graph)
        == Graph("g") { g in
          let four = g.constant(4).broadcast(to: [1000, 1000])
          g.output("y", g.input("x", [1000, 1000]) * four)
        })
  }

  @Test("repeated and counted elements are not written out for their own sake")
  func leavesLeaves() throws {
    let graph = Graph("g") { g in
      g.output("a", g.constant(ramp(3)).broadcast(to: [2, 3]))
      g.output("b", g.iota([4], axis: 0))
      g.output("c", g.iota([4], axis: 0) + 1.0)
    }
    #expect(try fold(graph) == graph)
  }

  @Test("what waits for the batch size is left alone")
  func symbolic() throws {
    let graph = Graph("g") { g in
      g.output("y", g.constant(2).broadcast(to: [.batch, 3]).sum())
      g.output("z", g.constant(2) * mean(g.input("x", [.batch])))
    }
    #expect(try fold(graph) == graph)
  }

  @Test("a constant does not outgrow the cap, unless its operands do")
  func growthCap() throws {
    let graph = Graph("g") { g in
      let (row, column) = (g.constant(ramp(10)), g.constant(ramp(10)).reshape([10, 1]))
      g.output("y", row + column)
    }
    let constants = { (graph: Graph) in
      graph.nodes.compactMap { node in
        if case .leaf(.constant(let array)) = node.op { array.count } else { nil }
      }
    }
    #expect(constants(try fold(graph)) == [100])
    #expect(constants(try fold(graph, growthCap: 399)) == [10, 10])
    #expect(constants(try fold(graph, growthCap: 400)) == [100])
    let large = Graph("g") { g in
      g.output("y", -g.constant(ramp(1000)))
    }
    #expect(try fold(large, growthCap: 16).nodes.count == 1)
  }

  @Test("compiling does not become running")
  func workCap() throws {
    let graph = Graph("g") { g in
      let table = g.constant(NDArray(repeating: 1.5, .f32, dimensions: [200, 200]))
      g.output("y", table.matmul(table + g.constant(ramp(200))))
    }
    #expect(try fold(graph).nodes.contains { $0.op.name == "contract" })
  }

  @Test("constant indices out of range are errors with their lines")
  func indices() throws {
    let graph = Graph("g") { g in
      let table = g.input("table", [10, 4])
      let place = g.constant(NDArray([0, 3, 9, 12, -1] as [Int32]))
      let matrix = g.constant(NDArray([0, 1, 2, 10, 4, 5] as [Int32], dimensions: [2, 3]))
      g.output("a", table.gather(place, file: "m/net.swift", line: 3))
      g.output("b", matrix.oneHot(10, file: "m/net.swift", line: 4))
      g.output(
        "c",
        table.scatterAdd(
          g.constant(-1, .i32), g.input("u", [4]), file: "m/net.swift", line: 5))
      g.output("d", table.gather(g.constant(9, .i32)))
      g.output(
        "e", g.constant(ramp(4)).gather(place + 1.0, file: "m/net.swift", line: 6))
    }
    do {
      _ = try fold(graph)
      Issue.record("no error was thrown")
    } catch let errors as GraphErrors {
      #expect(
        errors.description == """
          net.swift:3: error: gather: index 12 at position 3 is outside 0..<10
          net.swift:4: error: oneHot: index 10 at position [1, 0] is outside 0..<10
          net.swift:5: error: scatterAdd: index -1 is outside 0..<10
          net.swift:6: error: gather: index 4 at position 1 is outside 0..<4
          """)
    }
  }

  @Test("gathering with constants in range folds; folding again changes nothing")
  func gathers() throws {
    let graph = Graph("g") { g in
      g.output("y", g.constant(ramp(4)).gather(g.constant(NDArray([3, 1] as [Int32]))))
    }
    let once = try fold(graph)
    #expect(once == Graph("g") { g in g.output("y", g.constant(NDArray([3, 1] as [Float]))) })
    #expect(try fold(once) == once)
  }
}

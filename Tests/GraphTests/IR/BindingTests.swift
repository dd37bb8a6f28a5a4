import DescentGraph
import Testing

@Suite struct BindingTests {
  @Test func typesAndAttributesAreFixedAndNumbersKept() throws {
    let graph = Graph("g") { g in
      let x = g.input("x", [.batch, 3])
      let flat = x.reshape([Extent(scale: 3, offset: 0)])
      let wide = flat.broadcast(to: [2, Extent(scale: 3, offset: 0)])
      let cut = wide.slice(axis: 1, from: 1, to: Extent(scale: 3, offset: -1))
      g.output("padded", cut.pad(low: [0, 1], high: [0, 1]))
      g.output("mean", mean(x))
      g.output("index", g.iota([.batch], axis: 0))
    }
    #expect(graph.errors.isEmpty)
    let bound = try graph.bound(batch: 4)
    #expect(bound.nodes.count == graph.nodes.count)
    #expect(bound.nodes.allSatisfy { !$0.type.shape.isSymbolic })
    #expect(bound.outputs == graph.outputs)
    #expect(bound.nodes.map(\.origin) == graph.nodes.map(\.origin))
    let padded = try #require(bound.output("padded"))
    #expect(bound[padded].type == TensorType(.f32, [2, 12]))
    let slice = bound[padded].operands[0]
    #expect(
      bound[slice].op == .movement(.slice(starts: [0, 1], limits: [2, 11], strides: [1, 1])))
    let constants = bound.nodes.compactMap { node in
      if case .leaf(.constant(let array)) = node.op { array } else { nil }
    }
    #expect(constants == [NDArray(scalar: 12)])
  }

  @Test func aFixedGraphStaysAsItIs() throws {
    let graph = Graph("g") { g in g.output("y", exp(g.input("x", [2]))) }
    #expect(try graph.bound(batch: 7) == graph)
  }

  @Test(arguments: [0, -3]) func theBatchIsAtLeastOne(batch: Int) {
    let graph = Graph("g") { g in g.output("y", g.input("x", [.batch])) }
    #expect(
      messages(graph, batch: batch) == [
        "compile: the batch size is \(batch), not at least 1"
      ])
  }

  @Test func everySizeThatCannotBeIsReportedWhereItWasWritten() {
    let graph = Graph("g") { g in
      let a = g.input("a", [Extent(scale: Int.max / 2, offset: 1)])
      let b = g.input("b", [Extent(scale: 1, offset: -5)])
      let c = g.input("c", [.batch])
      g.output("a", exp(a))
      g.output("b", exp(b))
      g.output("c", c.slice(axis: 0, from: 4))
    }
    #expect(graph.errors.isEmpty)
    let error = #expect(throws: GraphErrors.self) { try graph.bound(batch: 3) }
    #expect(
      error?.description == """
        BindingTests.swift:47: error: input: \(Int.max / 2)*batch+1 overflows for a batch size of 3
        BindingTests.swift:48: error: input: batch-5 is -2 for a batch size of 3
        BindingTests.swift:52: error: slice: 4..<3 by 1 is not within axis 0 of [3]
        """)
  }

  @Test func aTypeThatGrowsTooLargeIsReported() {
    let graph = Graph("g") { g in
      let x = g.input("x", [.batch, Extent(offset: 1 << 40)])
      g.output("x", x)
    }
    #expect(
      messages(graph, batch: 1 << 30) == [
        "input: f32[1073741824, 1099511627776] is not a possible size"
      ])
  }

  @Test func aSizeMustFitItsType() {
    func size(_ dataType: DataType, _ extents: [Extent]) -> Graph {
      let builder = GraphBuilder(name: "g")
      builder.output("n", builder.add(.leaf(.size(extents, dataType)), []))
      return builder.build()
    }
    #expect(
      messages(size(.u8, [.batch, 3]), batch: 100) == [
        "size: 300 is not a value of type u8"
      ])
    #expect(
      messages(size(.i32, [.batch, 3]), batch: 1 << 30) == [
        "size: 3221225472 is not a value of type i32"
      ])
    #expect(messages(size(.bool, [.batch]), batch: 1) == ["size: 1 is not a value of type bool"])
    #expect(
      messages(size(.i64, [.batch, .batch]), batch: 1 << 32) == [
        "size: the product of [4294967296, 4294967296] overflows"
      ])
  }

  private func messages(_ graph: Graph, batch: Int) -> [String] {
    do {
      _ = try graph.bound(batch: batch)
      return []
    } catch {
      return error.errors.map(\.message)
    }
  }
}

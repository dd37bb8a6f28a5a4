import DescentGraph
import DescentPasses
import DescentTestSupport
import Testing

/// What becomes of shares that many users of one value hand back.
@Suite struct CotangentShareTests {
  /// Returns the nodes of an expression's derivative by `x` that are not those of the expression.
  private func derivative(_ shape: Shape, _ body: (GraphBuilder, Tensor) -> Tensor) throws
    -> [String]
  {
    let graph = Graph("shares") { g in g.output("y", body(g, g.input("x", shape)).sum()) }
    let whole = try graph.gradient(of: "y", withRespectTo: ["x"])
    return whole.nodes.dropFirst(graph.nodes.count).map(\.op.name)
  }

  @Test func slicesAreLaidSideBySide() throws {
    let found = try derivative([6, 2]) { _, x in
      let parts = x.split([1, 2, 3])
      return parts[0].sum() + parts[2].sum() + parts[1].sum()
    }
    #expect(found.filter { $0 == "concatenate" }.count == 1, "\(found)")
    #expect(!found.contains("add"), "\(found)")
  }

  @Test func whatIsNotTakenIsZero() throws {
    let graph = Graph("gaps") { g in
      let x = g.input("x", [7])
      let sum =
        x.slice(axis: 0, from: 1, to: 3).sum() + x.slice(axis: 0, from: 4, to: 6).sum() * 2.0
      g.output("y", sum)
    }
    let whole = try graph.gradient(of: "y", withRespectTo: ["x"])
    let found = try Interpreter().run(
      whole, inputs: ["x": NDArray(repeating: 1, .f32, dimensions: [7])])
    #expect(found["dy/dx"]?.floats == [0, 1, 1, 0, 2, 2, 0])
    #expect(!whole.nodes.suffix(4).map(\.op.name).contains("add"))
  }

  @Test func productsOfFewRowsAreOne() throws {
    let few = try derivative([8, 8]) { g, x in
      (0..<3).map { square(g.input("h\($0)", [2, 8]).matmul(x)).sum() }.reduce(g.constant(0), +)
    }
    #expect(few.suffix(3) == ["concatenate", "concatenate", "contract"], "\(few)")
    // Of eight rows, both factors are as large as the matrix.
    let many = try derivative([8, 8]) { g, x in
      (0..<3).map { square(g.input("h\($0)", [8, 8]).matmul(x)).sum() }.reduce(g.constant(0), +)
    }
    #expect(many.suffix(2) == ["contract", "add"], "\(many)")
    #expect(!many.contains("concatenate"), "\(many)")
  }

  /// Rows come in the order of the steps, so that they are those that other nodes have put together too.
  @Test func rowsKeepTheOrderOfTheSteps() throws {
    let graph = Graph("order") { g in
      let x = g.input("x", [4, 4])
      let sums = (0..<3).map { g.input("h\($0)", [1, 4]).matmul(x).sum() }
      g.output("y", sums.reduce(g.constant(0), +))
    }
    let whole = try graph.gradient(of: "y", withRespectTo: ["x"])
    let product = try #require(whole.nodes.last { $0.op.name == "contract" })
    let rows = whole[product.operands[0]].operands.map { value -> String? in
      if case .leaf(let leaf) = whole[value].op { leaf.leafName } else { nil }
    }
    #expect(rows == ["h0", "h1", "h2"])
  }
}

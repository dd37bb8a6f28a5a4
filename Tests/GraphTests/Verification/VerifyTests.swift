import DescentGraph
import Foundation
import Testing

@Suite struct VerifyTests {
  private let pair = TensorType(.f32, [2])
  private let here = Origin(file: "m.swift", line: 3)

  private func input(_ name: String, _ type: TensorType? = nil) -> Node {
    let type = type ?? pair
    return Node(op: .leaf(.input(name: name, type)), type: type, origin: here)
  }

  private func parameter(_ name: String, _ initializer: Initializer = .zeros) -> Node {
    Node(op: .leaf(.parameter(name: name, pair, initializer)), type: pair, origin: here)
  }

  private func exp(_ operand: Int, _ type: TensorType? = nil) -> Node {
    Node(
      op: .elementwise(.unary(.exp)), operands: [Value(operand)], type: type ?? pair, origin: here)
  }

  private func errors(
    _ nodes: [Node], outputs: [(String, Int)] = [], updates: [(Int, Int)] = [],
    objective: Objective? = nil
  ) -> [String] {
    Graph(
      name: "g", nodes: nodes,
      outputs: outputs.map { Graph.Output(name: $0.0, value: Value($0.1)) },
      updates: updates.map { Graph.Update(leaf: Value($0.0), value: Value($0.1)) },
      objective: objective
    ).verify().map(\.description)
  }

  @Test func aLawfulGraphHasNoErrors() throws {
    #expect(
      errors([input("x"), parameter("p"), exp(0)], outputs: [("y", 2)], updates: [(1, 2)]) == [])
    let graph = Graph("g") { g in g.output("y", g.input("x", [.batch])) }
    #expect(try graph.verified() == graph)
  }

  @Test func operandsComeFirst() {
    #expect(
      errors([input("x"), exp(1), exp(7), exp(-1)]) == [
        "m.swift:3: error: exp: operand %1 does not come before %1",
        "m.swift:3: error: exp: operand %7 does not come before %2",
        "m.swift:3: error: exp: operand %-1 does not come before %3",
      ])
  }

  @Test func typesFollowTheRule() {
    #expect(
      errors([input("x"), exp(0, TensorType(.f32, [3])), exp(0, TensorType(.f64, [2]))]) == [
        "m.swift:3: error: exp: %1 is f32[3], but the result is f32[2]",
        "m.swift:3: error: exp: %2 is f64[2], but the result is f32[2]",
      ])
    #expect(
      errors([input("x", TensorType(.i32, [2])), exp(0, TensorType(.i32, [2]))]) == [
        "m.swift:3: error: exp: needs real numbers, not i32[2]"
      ])
    let iota = Node(op: .leaf(.iota(pair, axis: 1)), type: pair, origin: here)
    #expect(errors([iota]) == ["m.swift:3: error: iota: axis 1 is not an axis of [2]"])
  }

  @Test func ranksAndSizesAreLimited() {
    let deep = TensorType(.f32, Shape([Int](repeating: 1, count: 9)))
    #expect(
      errors([input("x", deep)]) == [
        "m.swift:3: error: input: [1, 1, 1, 1, 1, 1, 1, 1, 1] has 9 axes, more than 8"
      ])
    #expect(
      errors([input("x", TensorType(.f32, [-2]))]) == [
        "m.swift:3: error: input: f32[-2] is not a possible size"
      ])
    // The rule of exp takes any shape; that no tensor has this one is the verifier's own finding.
    let negative = TensorType(.f32, [-2])
    let lying = Node(op: .leaf(.input(name: "x", pair)), type: negative, origin: here)
    #expect(
      errors([lying, exp(0, negative)]) == [
        "m.swift:3: error: input: %0 is f32[-2], but the result is f32[2]",
        "m.swift:3: error: exp: f32[-2] is not a possible size",
      ])
  }

  @Test func elementsFillTheirType() throws {
    #expect(
      errors([parameter("p", .values(NDArray([1, 2, 3] as [Float])))]) == [
        "m.swift:3: error: parameter: the initial values are f32[3], not f32[2]"
      ])
  }

  @Test func leavesHaveNamesOfTheirOwn() {
    #expect(
      errors([input("x"), parameter("x"), input("")]) == [
        "m.swift:3: error: parameter: the name \"x\" is taken",
        "m.swift:3: error: input: the name is empty",
      ])
  }

  @Test func memoryDoesNotDependOnTheBatch() {
    let type = TensorType(.f32, [.batch])
    let state = Node(op: .leaf(.state(name: "s", type, .zeros)), type: type, origin: here)
    #expect(
      errors([state]) == [
        "m.swift:3: error: state: \"s\" cannot have the batch size in its shape [batch]"
      ])
  }

  @Test func outputsAreNodesUnderDistinctNames() {
    #expect(
      errors([input("x")], outputs: [("y", 0), ("y", 0), ("z", 1), ("w", -1)]) == [
        "m.swift:3: error: output: the name \"y\" is taken",
        "error: output: \"z\" is %1, which is no node",
        "error: output: \"w\" is %-1, which is no node",
      ])
  }

  @Test func updatesFitTheirLeaves() {
    let nodes = [input("x"), parameter("p"), input("t", TensorType(.f32, [3]))]
    #expect(
      errors(nodes, updates: [(1, 0), (1, 0)]) == [
        "m.swift:3: error: update: \"p\" is updated twice"
      ])
    #expect(
      errors(nodes, updates: [(0, 1)]) == [
        "m.swift:3: error: update: only a parameter or state can be updated, not %0"
      ])
    #expect(
      errors(nodes, updates: [(1, 2)]) == [
        "m.swift:3: error: update: \"p\" is f32[2], not f32[3]"
      ])
    #expect(errors(nodes, updates: [(1, 9)]) == ["error: update: %1 = %9 refers to no node"])
  }

  @Test func theObjectiveIsOneRealNumber() {
    let objective = { Objective(minimizing: $0, with: .sgd($1)) }
    let nodes = [input("x"), input("n", TensorType(.i32, .scalar))]
    #expect(
      errors(nodes, objective: objective("loss", 1)) == [
        "error: minimize: there is no output \"loss\""
      ])
    #expect(
      errors(nodes, outputs: [("n", 1)], objective: objective("n", 0)) == [
        "error: optimizer: the learning rate is 0.0, not a number above 0",
        "m.swift:3: error: minimize: output \"n\" is i32[], not one real number\n  hint: take its mean or sum",
      ])
    #expect(
      errors(nodes, outputs: [("x", 0)], objective: objective("x", 1)) == [
        "m.swift:3: error: minimize: output \"x\" is f32[2], not one real number\n  hint: take its mean or sum"
      ])
  }

  @Test func verifiedThrowsThemAll() {
    let graph = Graph(name: "g", nodes: [input("x"), input("x"), exp(5)], outputs: [])
    #expect(throws: GraphErrors(graph.verify())) { try graph.verified() }
    #expect(graph.verify().count == 2)
  }
}

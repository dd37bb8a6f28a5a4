import DescentGraph
import DescentLearning
import Testing

@Suite struct LayerTests {
  @Test func everyLayerMakesTheTypeItPromises() throws {
    let model = try Model(input: [2, 3]) {
      Dense(4)
      LeakyReLU(0.1)
      Tanh()
      Sigmoid()
      GELU()
      GELU(.tanh)
      SiLU()
      LayerNorm()
      Flatten()
      ReLU()
      Softmax()
      LogSoftmax()
      Apply { x in x * 2.0 }
    }
    let shapes = model.summary.rows.map { "\($0.output.shape)" }
    #expect(
      shapes == Array(repeating: "[batch, 2, 4]", count: 8)
        + Array(repeating: "[batch, 8]", count: 5))
    #expect("\(model.input) \(model.output)" == "f32[batch, 2, 3] f32[batch, 8]")
  }

  @Test func nodesComeFromTheLineOfTheirLayer() throws {
    let line = #line + 2
    let model = try Model(input: [3]) {
      Dense(2)
      ReLU()
      Apply { x in
        x * 2.0
      }
    }
    let found = model.graph.nodes.dropFirst().map { "\($0.op.name) \($0.origin)" }
    #expect(
      found == [
        "parameter 0.Dense  LayerTests.swift:\(line)", "contract 0.Dense  LayerTests.swift:\(line)",
        "parameter 0.Dense  LayerTests.swift:\(line)",
        "broadcast 0.Dense  LayerTests.swift:\(line)", "add 0.Dense  LayerTests.swift:\(line)",
        "relu 1.ReLU  LayerTests.swift:\(line + 1)",
        "constant 2.Apply  LayerTests.swift:\(line + 2)",
        "broadcast 2.Apply  LayerTests.swift:\(line + 2)",
        "mul 2.Apply  LayerTests.swift:\(line + 2)",
      ])
  }

  @Test func partsOfAFunctionCarryTheirName() throws {
    let model = try Model(input: [4]) { Residual() }
    let layers = Set(model.graph.nodes.map(\.origin.layer))
    #expect(layers == ["", "0.Residual", "0.Residual.a.Dense", "0.Residual.b.Dense"])
  }

  @Test func conditionsChooseLayers() throws {
    func shapes(_ wide: Bool) throws -> [String] {
      let model = try Model(input: [3]) {
        if wide { Dense(9) } else { Dense(1) }
        if wide { ReLU() }
      }
      return model.summary.rows.map { "\($0.layer) \($0.output.shape)" }
    }
    #expect(try shapes(true) == ["0.Dense [batch, 9]", "1.ReLU [batch, 9]"])
    #expect(try shapes(false) == ["0.Dense [batch, 1]"])
  }

  @Test func initialisersReachTheParameters() throws {
    let model = try Model(input: [3]) {
      Dense(2)
      Dense(2, init: .heUniform)
    }
    let initial = model.graph.nodes.compactMap { node -> Initializer? in
      if case .leaf(.parameter(_, _, let initializer)) = node.op { initializer } else { nil }
    }
    #expect(initial == [.glorotUniform, .zeros, .heUniform, .zeros])
  }

  @Test func aModelWithoutLayersIsTheIdentity() throws {
    let model = try Model(input: [3]) {}
    #expect(model.graph.nodes.count == 1)
    #expect(model.output == model.input)
  }
}

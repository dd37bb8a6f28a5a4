import DescentGraph
import DescentLearning
import Testing

/// Dropout while training, and not while measuring.
@Suite struct DropoutTests {
  private func trainer(_ probability: Double, seed: UInt64 = 1) throws -> Trainer {
    let model = try Model("curve", input: [2]) {
      Dense(32)
      Dropout(probability)
      Dense(2)
    }
    return try Trainer(model, loss: .crossEntropy, optimizer: .adam(0.01), seed: seed)
  }

  @Test func measuringDropsNothing() throws {
    let data = try points(64)
    #expect(try trainer(0.5).evaluate(data) == trainer(0).evaluate(data))
    var dropping = try trainer(0.5)
    var whole = try trainer(0)
    try dropping.fit(data, epochs: 1, batch: 32, reporting: .silent)
    try whole.fit(data, epochs: 1, batch: 32, reporting: .silent)
    #expect(dropping.state["0.weight"] != whole.state["0.weight"])
    #expect(dropping.state["random.step"] == NDArray(.i64([2]), dimensions: []))
  }

  /// A ragged last batch is another plan, and draws from the same state.
  @Test func equalSeedsGiveEqualBits() throws {
    let data = try points(50)
    let states = try [1, 1, 2].map { (seed: UInt64) in
      var trainer = try trainer(0.3, seed: seed)
      try trainer.fit(data, epochs: 3, batch: 16, reporting: .silent)
      return trainer.state
    }
    #expect(states[0] == states[1])
    #expect(states[0] != states[2])
  }

  @Test func aMistakeHasItsLine() {
    expectError(
      "DropoutTests.swift:7: error: dropout: the probability is 1.0, not at least 0 and below 1\n  in layer 0.Dropout"
    ) {
      let model = try Model(input: [2]) {
        Dropout(1, file: "LearningTests/DropoutTests.swift", line: 7)
      }
      return try model.graph(loss: .mse)
    }
  }
}

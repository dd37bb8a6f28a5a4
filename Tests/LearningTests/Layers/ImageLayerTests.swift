import DescentGraph
import DescentLearning
import Testing

/// Pools and batch normalisation on images.
@Suite struct ImageLayerTests {
  private func images(_ count: Int) throws -> Dataset {
    let elements = (0..<count * 6 * 6).map { Float(($0 * 37) % 101) / 50 - 1 }
    return try Dataset(
      inputs: NDArray(elements, dimensions: [count, 6, 6, 1]),
      targets: NDArray((0..<Int32(count)).map { $0 % 2 }))
  }

  private func model() throws -> Model {
    try Model(input: [6, 6, 1]) {
      BatchNorm(momentum: 0.25)
      MaxPool2D(3, stride: 2, padding: 1)
      Dense(4)
      AveragePool2D(2, stride: 1)
      GlobalAveragePool2D()
      Dense(2)
    }
  }

  @Test func shapes() throws {
    #expect(
      try model().summary.rows.map { "\($0.output.shape)" } == [
        "[batch, 6, 6, 1]", "[batch, 3, 3, 1]", "[batch, 3, 3, 4]", "[batch, 2, 2, 4]",
        "[batch, 4]", "[batch, 2]",
      ])
    expectError(
      "T.swift:3: error: MaxPool2D: [batch, 6] is no batch of images\n  in layer 0.MaxPool2D\n  hint: images are [batch, height, width, channels]"
    ) { try Model(input: [6]) { MaxPool2D(2, file: "T.swift", line: 3) } }
  }

  /// After a step the state has gone a quarter of the way to the batch's statistics; measuring does not change it.
  @Test func runningMeansFollowTheBatch() throws {
    let data = try images(8)
    var trainer = try Trainer(try model(), loss: .crossEntropy, optimizer: .sgd(0.01))
    try trainer.fit(data, epochs: 1, batch: 8, reporting: .silent)
    let x = data.inputs.doubles
    let mean = x.reduce(0, +) / Double(x.count)
    let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(x.count - 1)
    let state = trainer.state
    let found = try (#require(state["0.mean"]).doubles[0], #require(state["0.variance"]).doubles[0])
    #expect(abs(found.0 - 0.25 * mean) < 1e-6)
    #expect(abs(found.1 - (0.75 + 0.25 * variance)) < 1e-6)
    let scores = try trainer.evaluate(data)
    #expect(trainer.state == state)
    #expect(try trainer.evaluate(data) == scores)
  }
}

import DescentFormats
import DescentGraph
import DescentLearning
import Testing

/// Points on the plane and whether they lie above a curve.
func points(_ count: Int) throws -> Dataset {
  var inputs: [Float] = []
  var labels: [Int32] = []
  for index in 0..<count {
    // Two irrational rotations spread over the square evenly.
    let x = (Float(index) * 0.754_877_7).truncatingRemainder(dividingBy: 1) * 2 - 1
    let y = (Float(index) * 0.569_840_3).truncatingRemainder(dividingBy: 1) * 2 - 1
    inputs += [x, y]
    labels.append(y > x * x - 0.3 ? 1 : 0)
  }
  return try Dataset(
    inputs: NDArray(inputs, dimensions: [count, 2]), targets: NDArray(labels))
}

func curveModel() throws -> Model {
  try Model("curve", input: [2]) {
    Dense(8)
    Tanh()
    Dense(2)
  }
}

func curveTrainer(seed: UInt64 = 1) throws -> Trainer {
  try Trainer(
    try curveModel(), loss: .crossEntropy, optimizer: .adam(0.05), metrics: [.accuracy], seed: seed)
}

@Suite struct TrainerTests {
  @Test func aSmallProblemIsLearnt() throws {
    var trainer = try curveTrainer()
    let (train, test) = try points(220).split(0.9, seed: 1)
    let before = try trainer.evaluate(test)
    try trainer.fit(train, validation: test, epochs: 60, batch: 32, reporting: .silent)
    let after = try trainer.evaluate(test)
    #expect(before.loss > 0.4)
    #expect(after.loss < 0.2)
    #expect(try #require(after["accuracy"]) >= 0.95)
    let last = try #require(trainer.history.epochs.last)
    #expect(last.number == 60)
    #expect(last.validation == after)
    #expect(trainer.epoch == 60)
  }

  @Test func equalSeedsGiveEqualBitsAndOthersDoNot() throws {
    let train = try points(50)
    let states = try [1, 1, 2].map { (seed: UInt64) in
      var trainer = try curveTrainer(seed: seed)
      try trainer.fit(train, epochs: 2, batch: 16, reporting: .silent)
      return trainer.state
    }
    #expect(states[0] == states[1])
    #expect(states[0]["0.weight"] != states[2]["0.weight"])
  }

  @Test func scoresOfRaggedBatchesAreMeansOverExamples() throws {
    var trainer = try curveTrainer()
    let set = try points(23)
    let whole = try trainer.evaluate(set, batch: 23)
    for size in [1, 5, 8, 22, 100] {
      let parts = try trainer.evaluate(set, batch: size)
      #expect(Swift.abs(parts.loss - whole.loss) < 1e-6)
      #expect(Swift.abs(parts.values[1] - whole.values[1]) < 1e-6)
    }
    // Without a step nothing changes, so an epoch of training measures the same.
    trainer.learningRate = 0
    let report = try trainer.fit(set, epochs: 1, batch: 8, reporting: .silent)
    #expect(Swift.abs(report.epochs[0].training.loss - whole.loss) < 1e-6)
  }

  @Test func everyExampleCountsOnceAnEpoch() throws {
    // With a mean over the examples as the model and one step an example, the sum of steps shows them all.
    let set = try Dataset(
      inputs: NDArray([1, 1, 1, 1, 1] as [Float], dimensions: [5, 1]),
      targets: NDArray([1, 10, 100, 1000, 10000] as [Float], dimensions: [5, 1]))
    let model = try Model(input: [1]) { Dense(1, bias: false, init: .zeros) }
    let loss = Loss.custom { prediction, target in (prediction * target).sum() }
    for size in [1, 2, 5] {
      var trainer = try Trainer(model, loss: loss, optimizer: .sgd(1), seed: 3)
      try trainer.fit(set, epochs: 2, batch: size, reporting: .silent)
      #expect(trainer.state["0.weight"]?.scalar == -22222)
    }
    // One trainer meets more sizes than it keeps plans for; all of them change the same parameters.
    var trainer = try Trainer(model, loss: loss, optimizer: .sgd(1), seed: 3)
    for (round, size) in [1, 2, 3, 4, 5, 2, 1].enumerated() {
      try trainer.fit(set, epochs: 1, batch: size, reporting: .silent)
      #expect(trainer.state["0.weight"]?.scalar == -11111 * Float(round + 1))
    }
    #expect(trainer.epoch == 7)
  }

  @Test func theStateHoldsParametersSlotsCountersAndSeed() throws {
    var trainer = try curveTrainer(seed: 9)
    try trainer.fit(try points(20), epochs: 3, batch: 8, reporting: .silent)
    let state = trainer.state
    let names = Set(state.entries.map(\.name))
    #expect(
      names.isSuperset(of: [
        "0.weight", "0.bias", "2.weight", "2.bias", "optimizer.rate", "optimizer.step",
        "trainer.epoch",
      ]))
    #expect(state.seed == 9)
    #expect(state["trainer.epoch"]?.scalar == 3)
    #expect(state["optimizer.step"]?.scalar == 9)
    #expect(trainer.learningRate == Double(Float(0.05)))
  }

  @Test func trainingGoesOnToTheVeryBit() throws {
    let train = try points(45)
    var straight = try curveTrainer(seed: 7)
    try straight.fit(train, epochs: 10, batch: 16, reporting: .silent)

    var first = try curveTrainer(seed: 7)
    try first.fit(train, epochs: 5, batch: 16, reporting: .silent)
    let saved = first.state
    let read = try withFile("half.safetensors", "") { path in
      try saved.save(to: path)
      return try State(path: path)
    }
    var second = try curveTrainer(seed: 1234)
    try second.load(read)
    #expect(second.seed == 7)
    let report = try second.fit(train, epochs: 5, batch: 16, reporting: .silent)
    #expect(report.epochs.map(\.number) == [6, 7, 8, 9, 10])
    #expect(second.state == straight.state)
    #expect(straight.state["0.weight"] != saved["0.weight"])
  }

  @Test func predictionsComeInAnyNumber() throws {
    var trainer = try curveTrainer()
    let set = try points(40)
    try trainer.fit(set, epochs: 20, batch: 8, reporting: .silent)
    let all = try trainer.predict(set.inputs, batch: 7)
    #expect(all.dimensions == [40, 2])
    #expect(try trainer.predict(set.inputs) == all)
    let right = (0..<40).filter { row in
      (all.floats[2 * row + 1] > all.floats[2 * row]) == (set.targets.doubles[row] == 1)
    }
    let accuracy = try #require(try trainer.evaluate(set)["accuracy"])
    #expect(Swift.abs(Double(right.count) / 40 - accuracy) < 1e-6)
  }

  @Test func theTableHasOneRowAnEpoch() throws {
    var trainer = try curveTrainer()
    let set = try points(20)
    var lines: [String] = []
    var progress: [String] = []
    try trainer.fit(
      set, validation: set, epochs: 2, batch: 8,
      reporting: Reporter(progress: { progress.append($0) }, row: { lines.append($0) }))
    #expect(lines.count == 3)
    #expect(
      lines[0]
        == "  epoch     loss  accuracy  val loss  val accuracy  examples/s  seconds")
    #expect(lines.dropFirst().map { $0.split(separator: " ").count } == [7, 7])
    #expect(lines.allSatisfy { $0.count == lines[0].count })
    #expect(progress.first?.hasPrefix("epoch 1/2  8/20  loss 0.") == true)
    #expect(progress.last == "")
  }

  @Test func imagesMayBeGivenAsRowsAndBytesAsNumbers() throws {
    let model = try Model(input: [2, 2, 1]) {
      Flatten()
      Dense(2)
    }
    var trainer = try Trainer(model, loss: .crossEntropy, optimizer: .sgd(0.1))
    let set = try Dataset(
      inputs: NDArray(.u8([1, 2, 3, 4, 5, 6, 7, 8]), dimensions: [2, 4]),
      targets: NDArray(.u8([0, 1]), dimensions: [2]))
    try trainer.fit(set, epochs: 1, reporting: .silent)
    #expect(try trainer.predict(set.inputs).dimensions == [2, 2])
  }

  @Test func wideNumbersAreRounded() throws {
    let model = try Model(input: [1]) { Dense(1, init: .ones) }
    var trainer = try Trainer(model, loss: .mse, optimizer: .sgd(0.1))
    let set = try Dataset(
      inputs: NDArray(.f64([1, 2]), dimensions: [2, 1]),
      targets: NDArray(.f64([1, 4]), dimensions: [2, 1]))
    let report = try trainer.fit(set, epochs: 1, reporting: .silent)
    #expect(report.epochs[0].training.loss == 2)
  }
}

import DescentGraph
import DescentLearning
import Testing

@Suite struct TrainerErrorTests {
  @Test func examplesMustFitTheModel() throws {
    var trainer = try curveTrainer()
    let wide = try Dataset(
      inputs: NDArray([1, 2, 3] as [Float], dimensions: [1, 3]), targets: NDArray([0] as [Int32]))
    expectError("an example is f32[3] but the model takes f32[2]") {
      try trainer.fit(wide, epochs: 1, reporting: .silent)
    }
    expectError("an example is f32[3] but the model takes f32[2]") {
      try trainer.fit(try points(3), validation: wide, epochs: 1, reporting: .silent)
    }
    expectError("an example is f32[] but the model takes f32[2]") {
      try trainer.predict(NDArray([1] as [Float]))
    }
    expectError("inputs of type f32[] have no axis of examples") {
      try trainer.predict(NDArray(scalar: 1))
    }
    expectError("batches: the size is 0, not at least 1") {
      try trainer.fit(try points(3), epochs: 1, batch: 0, reporting: .silent)
    }
    #expect(trainer.epoch == 0)
  }

  @Test(arguments: [2, -1, 2_000_000_000]) func classesMustExist(_ label: Int32) throws {
    var trainer = try curveTrainer()
    let set = try Dataset(
      inputs: NDArray([1, 2, 3, 4] as [Float], dimensions: [2, 2]),
      targets: NDArray([0, label] as [Int32]))
    expectError("example 1 is of class \(label) but there are 2 classes, counted from 0") {
      try trainer.fit(set, epochs: 1, reporting: .silent)
    }
    expectError("example 1 is of class \(label) but there are 2 classes, counted from 0") {
      try trainer.evaluate(set)
    }
  }

  @Test func labelsMustFitTheScores() throws {
    var trainer = try Trainer(
      try curveModel(), loss: .crossEntropy, optimizer: .adam(), file: "main.swift", line: 4)
    let set = try Dataset(
      inputs: NDArray([1, 2, 3, 4] as [Float], dimensions: [2, 2]),
      targets: NDArray([0, 1] as [Int32], dimensions: [2, 1]))
    expectError(
      """
      main.swift:4: error: crossEntropy: labels i32[batch, 1] do not fit scores f32[batch, 2]
        hint: give class indices i32[batch] or probabilities f32[batch, 2]
      """
    ) { try trainer.fit(set, epochs: 1, reporting: .silent) }
  }

  @Test func statesMustFitTheModel() throws {
    var trainer = try curveTrainer()
    let state = trainer.state
    var missing = state
    missing["0.weight"] = nil
    expectError("error: session: the state has no \"0.weight\"") { try trainer.load(missing) }
    var other = state
    other["0.weight"] = NDArray([1] as [Float])
    expectError("error: session: state \"0.weight\" is f32[1], expected f32[2, 8]") {
      try trainer.load(other)
    }
    var epoch = state
    epoch["trainer.epoch"] = NDArray(.i64([-1]), dimensions: [])
    expectError("error: trainer: \"trainer.epoch\" is i64[] -1, expected one count of type i64") {
      try trainer.load(epoch)
    }
    #expect(trainer.state == state)
  }
}

import DescentGraph
import DescentLearning
import Foundation
import Testing

/// Learning rates that change from step to step.
@Suite struct RateScheduleTests {
  @Test func ratesFollowTheirFormulas() {
    let cosine = RateSchedule.cosine(from: 0.5, to: 0.1, steps: 60)
    for step in 0...70 {
      let expected = 0.1 + 0.4 * (1 + Foundation.cos(Double.pi * Double(min(step, 60)) / 60)) / 2
      #expect(abs(cosine(step: step) - expected) < 1e-14, "step \(step)")
    }
    let steps = RateSchedule.steps(from: 1, factor: 0.5, every: 10)
    #expect([0, 9, 10, 25].map { steps(step: $0) } == [1, 1, 0.5, 0.25])
    let warm = steps.warmedUp(over: 4)
    #expect([0, 1, 3, 4, 14].map { warm(step: $0) } == [0.25, 0.5, 1, 1, 0.5])
  }

  @Test func trainingTakesTheRateOfEachStep() throws {
    var trainer = try curveTrainer()
    let schedule = RateSchedule { step in step < 3 ? 0.1 : 0.025 }
    try trainer.fit(try points(64), epochs: 1, batch: 32, schedule: schedule, reporting: .silent)
    #expect(trainer.step == 2)
    #expect(trainer.learningRate == Double(Float(0.1)))
    try trainer.fit(try points(64), epochs: 1, batch: 32, schedule: schedule, reporting: .silent)
    #expect(trainer.step == 4)
    #expect(trainer.learningRate == Double(Float(0.025)))
  }

  /// With a rate of 0 nothing is learnt, whatever the optimizer began with.
  @Test func aRateOfNothingTeachesNothing() throws {
    var trainer = try curveTrainer()
    let before = trainer.state["0.weight"]
    try trainer.fit(
      try points(64), epochs: 1, batch: 32, schedule: RateSchedule { _ in 0 }, reporting: .silent)
    #expect(trainer.state["0.weight"] == before)
  }
}

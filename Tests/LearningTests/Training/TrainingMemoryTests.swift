import DescentCompiler
import DescentGraph
import DescentLearning
import Testing

@Suite struct TrainingMemoryTests {
  /// The network of the digits example: its step needs hardly more memory than is live at once.
  @Test func theArenaIsNearItsLowerBound() throws {
    let model = try Model("digits", input: [64]) {
      Dense(128)
      ReLU()
      Dense(64)
      ReLU()
      Dense(10)
    }
    let trainer = try Trainer(
      model, loss: .crossEntropy, optimizer: .adam(1e-3), metrics: [.accuracy], seed: 42)
    for batch in [1, 29, 32, 64] {
      let plan = try trainer.plan(batch: batch)
      #expect(plan.arenaLowerBound > 0)
      #expect(Double(plan.arenaBytes) <= 1.05 * Double(plan.arenaLowerBound), "batch \(batch)")
    }
  }
}

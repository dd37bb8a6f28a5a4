import Descent
import Testing

@Suite struct SmokeTests {
  @Test func aLineIsFitted() throws {
    let graph = Graph("line") { g in
      let x = g.input("x", [.batch, 1])
      let y = g.input("y", [.batch, 1])
      let slope = g.parameter("slope", [1, 1], .zeros)
      let intercept = g.parameter("intercept", [1], .zeros)
      let prediction = x.matmul(slope) + intercept
      g.output("loss", mean(square(prediction - y)))
    }
    let plan = try graph.minimizing("loss", with: .sgd(0.1)).compile(batch: 4)
    let session = try plan.makeSession(seed: 1)
    let x = NDArray([0, 1, 2, 3], dimensions: [4, 1])
    let y = NDArray([1, 3, 5, 7], dimensions: [4, 1])
    for _ in 0..<500 { _ = try session(x: x, y: y) }
    #expect(abs(session.state["slope"]!.scalar - 2) < 1e-3)
    #expect(abs(session.state["intercept"]!.scalar - 1) < 1e-3)
  }
}

import DescentCodegen
import DescentCompiler
import DescentGraph
import DescentPasses
import DescentRuntime
import DescentTestSupport
import Testing

/// Elements among zeros are found by the step they are in, and agree with the interpreter in every bit.
@Suite struct StepTests {
  /// Two parts of an axis, each every so many places of it, and zeros elsewhere.
  private func merged(extent: Int, step: Int, channels: Int) -> Graph {
    Graph("merged") { g in
      let parts = (0..<2).map { part in
        let count = (extent - part + step - 1) / step
        let x = g.input("x\(part)", [2, Extent(offset: count), 3, Extent(offset: channels)])
        let last = part + (count - 1) * step
        let zeros = { (amount: Int) -> [Extent] in [0, Extent(offset: amount), 0, 0] }
        return x.apply(
          .movement(
            .pad(
              low: zeros(part), high: zeros(extent - 1 - last), interior: [0, step - 1, 0, 0],
              value: 0)))
      }
      g.output("y", parts[0] + parts[1] * 2)
    }
  }

  private func loop(_ graph: Graph) throws -> LoopKernel? {
    guard case .loop(let loop) = try graph.compile().program.kernels.last?.body else { return nil }
    return loop
  }

  /// The steps of each access along an axis.
  private func steps(_ loop: LoopKernel) -> [Int] {
    loop.stages[0].program.instructions.flatMap { $0.access?.guards.map(\.step) ?? [] }
  }

  @Test func anAxisIsDividedIntoSteps() throws {
    let divided = try #require(try loop(merged(extent: 12, step: 3, channels: 5)))
    #expect(divided.domain == [2, 4, 3, 15])
    #expect(divided.reduced == 4..<4)
    #expect(steps(divided).allSatisfy { $0 == 1 })
    // What is left of a step stays with it, so such an axis is not divided.
    let odd = try #require(try loop(merged(extent: 11, step: 3, channels: 5)))
    #expect(odd.domain == [2, 11, 15])
    #expect(steps(odd).contains(3))
  }

  @Test(arguments: [(12, 3, 5), (11, 3, 5), (8, 2, 16), (10, 5, 33), (6, 6, 1), (4, 2, 1)])
  func elementsAmongZeros(extent: Int, step: Int, channels: Int) throws {
    let graph = merged(extent: extent, step: step, channels: channels)
    try expectBits(threads: 1...3, sourceLocation: #_sourceLocation) {
      try graph.compile(
        options: CompileOptions(
          threads: $0, poison: $0 == 2, minimumWorkPerThread: 1, backend: $1))
    }
  }
}

import DescentGraph
import DescentTestSupport
import Testing

/// Pools of every kind and their gradients agree with the interpreter in every bit on every backend, and with
/// differences of what they are gradients of.
///
/// `DESCENT_RANDOM_WINDOWS` says how many shapes are drawn, `DESCENT_RANDOM_SEED` where to begin.
@Suite struct WindowShapeTests {
  @Test(arguments: RandomShapes.seeds(countedBy: "DESCENT_RANDOM_WINDOWS"))
  func everyShapeAgrees(seed: Int) throws {
    var random = SplitMix64(seed: UInt64(seed))
    let graph = try Self.drawn(&random).validated()
    try RandomShapes.expectAgreement(graph, seed: seed, using: &random)
    if graph.output("loss") != nil {
      try RandomShapes.expectSlope(graph, seed: seed, using: &random)
    }
  }

  /// A pool of one to four axes, with its gradient where it has one.
  private static func drawn(_ random: inout SplitMix64) -> Graph {
    let rank = random.int(1...4)
    var extents = (0..<rank).map { _ in random.int(1...(rank == 4 ? 7 : 11)) }
    if random.chance(30) { extents[rank - 1] = random.int(12...40) }
    let axes = extents.indices.filter { _ in random.chance(60) }
    var windows: [Int: Window] = [:]
    for axis in axes.isEmpty ? [rank - 1] : axes {
      windows[axis] = window(over: extents[axis], &random)
    }
    return Graph("pool") { g in
      let x = g.input("x", Shape(extents))
      switch random.int(0...5) {
      case 0: g.outputWithSlopes(sumPool(x, windows), of: [("x", x)])
      case 1: g.outputWithSlopes(averagePool(x, windows), of: [("x", x)])
      case 2:
        // The mean of no elements is no number.
        let reachesOver = windows.contains { $1.dilation > extents[$0] }
        g.outputWithSlopes(averagePool(x, windows, countsPadding: reachesOver), of: [("x", x)])
      case 3: g.output("y", maxPoolIndices(x, windows))
      default: g.outputWithSlopes(maxPool(x, windows), of: [("x", x)])
      }
    }
  }

  /// A window that fits an axis.
  private static func window(over extent: Int, _ random: inout SplitMix64) -> Window {
    while true {
      let (size, dilation) = (random.int(1...4), random.chance(70) ? 1 : random.int(2...3))
      let reach = (size - 1) * dilation + 1
      let most = random.chance(50) ? 0 : reach - 1
      let padding = (random.int(0...most), random.int(0...most))
      guard extent + padding.0 + padding.1 >= reach else { continue }
      return Window(
        size: size, stride: random.int(1...4), dilation: dilation, padding: padding,
        roundsUp: random.chance(40))
    }
  }
}

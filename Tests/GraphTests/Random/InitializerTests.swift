import DescentGraph
import Testing

@Suite struct InitializerTests {
  private let type = TensorType(.f32, [40, 5, 20])

  private func moments(_ array: NDArray) -> (mean: Double, variance: Double) {
    let elements = array.doubles
    let mean = elements.reduce(0, +) / Double(elements.count)
    return (mean, elements.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(elements.count))
  }

  @Test(arguments: [
    (Initializer.uniform(-1, 3), 1.0, 16.0 / 12), (.normal(mean: 2, deviation: 0.5), 2.0, 0.25),
    (.glorotUniform, 0.0, 2.0 / 220), (.glorotNormal, 0.0, 2.0 / 220), (.heUniform, 0.0, 0.01),
    (.heNormal, 0.0, 0.01),
  ])
  func randomElementsHaveTheirMoments(initializer: Initializer, mean: Double, variance: Double) {
    let array = initializer.makeArray(type: type, seed: 42, stream: 1)
    #expect(array.type == type)
    let found = moments(array)
    // The mean of 4,000 draws lies within four of its own deviations, a 63rd of the elements' each.
    #expect(abs(found.mean - mean) < 4 * (variance / 4000).squareRoot())
    #expect(abs(found.variance / variance - 1) < 0.1)
  }

  @Test func aUniformDrawStaysWithinItsBounds() {
    let array = Initializer.uniform(-1, 3).makeArray(type: type, seed: 1, stream: 0)
    #expect(array.floats.allSatisfy { $0 >= -1 && $0 <= 3 })
    #expect(array.floats.min()! < -0.98 && array.floats.max()! > 2.98)
  }

  @Test func fixedElements() {
    func make(_ initializer: Initializer, _ dataType: DataType) -> NDArray {
      initializer.makeArray(type: TensorType(dataType, [2]), seed: 0, stream: 0)
    }
    #expect(make(.zeros, .f32) == NDArray([0, 0] as [Float]))
    #expect(make(.ones, .i64) == NDArray(.i64([1, 1]), dimensions: [2]))
    #expect(make(.constant(0.1), .f32) == NDArray([0.1, 0.1] as [Float]))
    #expect(make(.constant(1e30), .u8) == NDArray(.u8([255, 255]), dimensions: [2]))
    #expect(make(.ones, .bool) == NDArray(.bool([true, true]), dimensions: [2]))
    let values = NDArray([1, 2] as [Float])
    #expect(make(.values(values), .f32) == values)
  }

  @Test func aVectorAndANumberHaveFans() {
    #expect(Initializer.fans([]) == (1, 1))
    #expect(Initializer.fans([7]) == (7, 7))
    #expect(Initializer.fans([3, 5]) == (3, 5))
    #expect(Initializer.fans([2, 3, 5]) == (6, 5))
  }

  /// These bits may never change: saved seeds would mean other networks.
  @Test func theBitsArePinned() {
    let uniform = Initializer.uniform(0, 1)
      .makeArray(type: TensorType(.f32, [4]), seed: 0, stream: 0)
    // The first block of key 0 and counter 0 begins 6627e8d5 e169c58d bc57ac4c 9b00dbd8.
    #expect(
      uniform.floats == [0x6627e8p-24, 0xe169c5p-24, 0xbc57acp-24, 0x9b00dbp-24])
    let normal = Initializer.normal(mean: 0, deviation: 1)
      .makeArray(type: TensorType(.f32, [4]), seed: 0, stream: 0)
    #expect(
      normal.floats.map(\.bitPattern) == [0x3F7D_BB34, 0xBF6C_B6AD, 0xBF1E_1BA1, 0xBEF6_D1A9])
    #expect(Initializer.stream(for: "weight") == 0x50A0_9EB9)
  }

  @Test func aGraphBeginsWithItsInitializers() {
    let graph = Graph("g") { g in
      g.output("x", g.input("x", [2]))
      g.output("a", g.parameter("a", [2, 3], .heNormal))
      g.output("b", g.parameter("b", [2, 3], .heNormal))
      g.output("n", g.state("n", [], .i64, .constant(7)))
    }
    let state = graph.initialState(seed: 3)
    #expect(state.entries.map(\.name) == ["a", "b", "n"])
    #expect(state.seed == 3)
    #expect(state["n"] == NDArray(.i64([7]), dimensions: []))
    #expect(state["a"] != state["b"])
    #expect(state == graph.initialState(seed: 3))
    #expect(state["a"] != graph.initialState(seed: 4)["a"])
  }
}

import DescentGraph
import Testing

/// A body repeated along an axis.
@Suite struct ScanTests {
  /// Sums so far and, as a second state, how many steps there were.
  private func running(_ x: Tensor, axis: Int, reversed: Bool = false) -> ScanStep {
    let first = x.element(0, axis: axis) * 0.0
    return scan([x], from: [first, first], axis: axis, reversed: reversed) { slices, states in
      let sum = states[0] + slices[0]
      return ScanStep(states: [sum, states[1] + 1.0], outputs: [sum, slices[0]])
    }
  }

  @Test func statesAndOutputs() throws {
    let x = counting([2, 3])
    #expect(try evaluate([x]) { running($0[0], axis: 1).outputs[0] }.floats == [0, 1, 3, 3, 7, 12])
    #expect(try evaluate([x]) { running($0[0], axis: -1).outputs[1] } == x)
    #expect(try evaluate([x]) { running($0[0], axis: 0).outputs[0] }.floats == [0, 1, 2, 3, 5, 7])
    #expect(try evaluate([x]) { running($0[0], axis: 1).states[0] }.floats == [3, 12])
    #expect(try evaluate([x]) { running($0[0], axis: 1).states[1] }.floats == [3, 3])
  }

  @Test func outputsStandWhereTheyWereMade() throws {
    let x = counting([2, 3])
    #expect(
      try evaluate([x]) { running($0[0], axis: 1, reversed: true).outputs[0] }.floats
        == [3, 3, 2, 12, 9, 5])
    #expect(try evaluate([x]) { running($0[0], axis: 1, reversed: true).outputs[1] } == x)
  }

  @Test func severalInputs() throws {
    let products = try evaluate([counting([3, 2]), counting([3])]) { inputs in
      scan(inputs, from: [inputs[1].sum()]) { slices, states in
        ScanStep(states: states, outputs: [slices[0] * slices[1] + states[0]])
      }.outputs[0]
    }
    #expect(products == NDArray([3, 3, 5, 6, 11, 13], dimensions: [3, 2]))
  }

  @Test func mistakesAreTold() {
    func keep(_ slices: [Tensor], _ states: [Tensor]) -> ScanStep {
      ScanStep(states: states, outputs: slices)
    }
    #expect(
      mistakes([[2, 3], [2, 4]]) { scan($0, from: [], axis: 1, keep).outputs[0] }
        == ["scan: [2, 4] has not as many steps along axis 1 as [2, 3]"])
    #expect(
      mistakes([[.batch, 3]]) { scan($0, from: [$0[0]], keep).states[0] }
        == ["scan: the steps along axis 0 of [batch, 3] are not a number above 0"])
    #expect(
      mistakes([[0, 3]]) { scan($0, from: [$0[0]], keep).states[0] }
        == ["scan: the steps along axis 0 of [0, 3] are not a number above 0"])
    #expect(
      mistakes([[2, 3], [2]]) { inputs in
        scan([inputs[0]], from: [inputs[1]]) { slices, _ in ScanStep(states: slices) }.states[0]
      } == ["scan: state 0 is f32[2] and becomes f32[3]"])
    #expect(
      mistakes([[2, 3]]) { inputs in
        scan(inputs, from: inputs) { _, _ in ScanStep(states: []) }.states[0]
      } == ["scan: the body makes 0 states of 1"])
    #expect(
      mistakes([[2, 3]]) { inputs in
        scan(inputs, from: inputs) { slices, states in
          ScanStep(states: [states[0].element(5)], outputs: slices)
        }.outputs[0]
      } == ["element: index 5 is not on axis 0 of [2, 3]"])
    var count = 0
    #expect(
      mistakes([[2, 3]]) { inputs in
        scan(inputs, from: inputs) { slices, states in
          count += 1
          return ScanStep(states: states, outputs: Array(slices.prefix(2 - count)))
        }.outputs[0]
      } == ["scan: the body makes 0 outputs after 1"])
  }
}

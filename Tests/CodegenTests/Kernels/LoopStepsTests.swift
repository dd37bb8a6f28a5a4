import DescentCodegen
import DescentGraph
import Testing

/// Axes that are divided into steps: every place finds what it found.
@Suite struct LoopStepsTests {
  private func loop(_ guards: [Access.Guard], extent: Int) -> LoopKernel {
    var program = VectorProgram()
    let registers = guards.map {
      program.append(
        .load(operand: 0, Access(offset: 7, strides: [100, 3, 1], guards: [$0]), .f32))
    }
    return LoopKernel(
      map: program, over: [2, extent, 4],
      stores: registers.enumerated().map { .init(register: $0.element, operand: 1 + $0.offset) })
  }

  /// The addresses that each load finds at the places of a domain in order, or nothing.
  private func addresses(_ loop: LoopKernel) -> [[Int?]] {
    let places = loop.domain.reduce([[]]) { outer, extent in
      outer.flatMap { place in (0..<extent).map { place + [$0] } }
    }
    return loop.stages[0].program.instructions.compactMap(\.access).map { access in
      places.map { place in
        var place = place
        for condition in access.guards {
          let distance = place[condition.axis] - condition.low
          guard distance >= 0, distance % condition.step == 0,
            distance / condition.step < condition.count
          else { return nil }
          place[condition.axis] = distance / condition.step
        }
        return zip(place, access.strides).reduce(access.offset) { $0 + $1.0 * $1.1 }
      }
    }
  }

  @Test(arguments: [(0, 4), (1, 4), (2, 3), (-1, 4), (-4, 5), (5, 2), (3, 0)])
  func everyPlaceFindsTheSame(low: Int, count: Int) {
    let steps = Access.Guard(axis: 1, low: low, step: 3, count: count)
    let whole = Access.Guard(axis: 1, low: 3, step: 1, count: 6)
    let before = loop([steps, whole], extent: 12)
    var after = before
    after.divideSteps()
    #expect(after.domain == [2, 4, 3, 4])
    #expect(after.reduced == 4..<4)
    #expect(addresses(after) == addresses(before))
  }

  /// Steps that do not fill the axis, differ, or are cut by what else is there stay as they are.
  @Test func othersStay() {
    let steps = Access.Guard(axis: 1, low: 0, step: 3, count: 4)
    for (other, extent) in [
      (steps, 11), (Access.Guard(axis: 1, low: 0, step: 2, count: 6), 12),
      (Access.Guard(axis: 1, low: 1, step: 1, count: 3), 12),
      (Access.Guard(axis: 1, low: 3, step: 1, count: 4), 12),
    ] {
      let before = loop([steps, other], extent: extent)
      var after = before
      after.divideSteps()
      #expect(after == before)
    }
    var last = loop([Access.Guard(axis: 2, low: 0, step: 2, count: 2)], extent: 12)
    last.divideSteps()
    #expect(last.domain == [2, 12, 4])
  }
}

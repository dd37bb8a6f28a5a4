import DescentGraph

// Where only every so many places along an axis exist, as among the zeros that are put between elements, a place would
// have to be divided to know which of them it is. Instead the axis is: into steps and the places within one, of which
// each access finds the same one in each step.

extension LoopKernel {
  /// Divides axes of a map along which accesses find every so many places, but the last, along which vectors run.
  package mutating func divideSteps() {
    guard reduced.isEmpty else { return }
    for axis in domain.indices.dropLast().reversed() where domain.count < Shape.maximumRank {
      guard let step = step(along: axis) else { continue }
      domain[axis] /= step
      domain.insert(step, at: axis + 1)
      reduced = domain.count..<domain.count
      for index in stages.indices {
        stages[index].program.mapAccesses {
          $0.divide(axis, into: step)
        } guards: {
          $0.flatMap { $0.divided(axis, into: step) }
        }
        for store in stages[index].stores.indices {
          stages[index].stores[store].access?.divide(axis, into: step)
        }
      }
    }
  }

  /// How far apart the places are that exist along an axis, if that is the same for all accesses and divides it.
  private func step(along axis: Int) -> Int? {
    let guards = stages.flatMap(\.program.guards).filter { $0.axis == axis }
    guard let step = guards.map(\.step).max(), step > 1, domain[axis] % step == 0,
      guards.allSatisfy({
        $0.step == step || $0.step == 1 && $0.low % step == 0 && $0.count % step == 0
      })
    else { return nil }
    return step
  }
}

extension Access {
  fileprivate mutating func divide(_ axis: Int, into step: Int) {
    let isStepped = guards.contains { $0.axis == axis && $0.step == step }
    let stride = strides[axis]
    strides[axis] = isStepped ? stride : stride * step
    // Only one place of a step exists, which is a whole step by itself.
    strides.insert(isStepped ? 0 : stride, at: axis + 1)
    guards = guards.flatMap { $0.divided(axis, into: step) }
  }
}

extension Access.Guard {
  fileprivate func divided(_ divided: Int, into parts: Int) -> [Access.Guard] {
    guard axis == divided else {
      return [
        Access.Guard(axis: axis > divided ? axis + 1 : axis, low: low, step: step, count: count)
      ]
    }
    guard step == parts else {
      return [Access.Guard(axis: axis, low: low / parts, step: 1, count: count / parts)]
    }
    let place = (low % parts + parts) % parts
    return [
      Access.Guard(axis: axis, low: (low - place) / parts, step: 1, count: count),
      Access.Guard(axis: axis + 1, low: place, step: 1, count: 1),
    ]
  }
}

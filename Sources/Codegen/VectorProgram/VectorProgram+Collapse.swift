extension VectorProgram {
  /// Returns the program over a domain with fewer axes that has the same places in the same order.
  ///
  /// Neighbouring axes merge where every access steps through them as through one.
  package func collapsing(_ domain: [Int]) -> (program: VectorProgram, domain: [Int]) {
    let stage = LoopKernel.Stage(isSweep: true, program: self, stores: [], accumulations: [])
    var loop = LoopKernel(
      domain: domain, reduced: domain.count..<domain.count, stages: [stage], locals: [])
    loop.collapse()
    return (loop.stages[0].program, loop.domain)
  }

  /// Whether every access steps through an axis and the one behind it, of some extent, as through one.
  func steps(through axis: Int, inStepsOf extent: Int) -> Bool {
    !guards(axis + 1) && !guards.contains { $0.axis == axis && $0.step != 1 }
      && instructions.lazy.compactMap(\.access).allSatisfy {
        $0.strides[axis] == $0.strides[axis + 1] * extent
      }
  }

  /// Whether only some places along an axis exist.
  func guards(_ axis: Int) -> Bool { guards.contains { $0.axis == axis } }

  /// All conditions on places, in no order.
  var guards: [Access.Guard] {
    instructions.flatMap { instruction in
      if case .exists(let guards) = instruction { guards } else { instruction.access?.guards ?? [] }
    }
  }

  /// Makes guards of an axis those of the one behind it, of some extent, with which it becomes one.
  mutating func widenGuards(of axis: Int, to inner: Int, by extent: Int) {
    let widened = { (condition: Access.Guard) in
      guard condition.axis == axis else { return condition }
      return Access.Guard(
        axis: inner, low: condition.low * extent, step: 1, count: condition.count * extent)
    }
    mapAccesses { access in
      access.guards = access.guards.map(widened)
    } guards: {
      $0.map(widened)
    }
  }

  /// Drops an axis from every access and guard.
  mutating func removeAxis(_ axis: Int) {
    mapAccesses { access in
      access.strides.remove(at: axis)
      access.guards = access.guards.map { $0.renumbered(without: axis) }
    } guards: {
      $0.map { $0.renumbered(without: axis) }
    }
  }
}

extension Access.Guard {
  fileprivate func renumbered(without removed: Int) -> Access.Guard {
    var copy = self
    if axis > removed { copy.axis -= 1 }
    return copy
  }
}

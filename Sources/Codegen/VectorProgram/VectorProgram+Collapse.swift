extension VectorProgram {
  /// Returns the program over a domain with fewer axes that has the same places in the same order.
  ///
  /// Neighbouring axes merge where every access steps through them as through one.
  package func collapsing(_ domain: [Int]) -> (program: VectorProgram, domain: [Int]) {
    var program = self
    var domain = domain
    var axis = domain.count - 1
    while axis >= 0 {
      if domain.count > 1, domain[axis] == 1, !program.guards(axis) {
        program.removeAxis(axis)
        domain.remove(at: axis)
      } else if axis + 1 < domain.count, !program.guards(axis), !program.guards(axis + 1),
        program.accesses.allSatisfy({ $0.strides[axis] == $0.strides[axis + 1] * domain[axis + 1] })
      {
        program.removeAxis(axis)
        domain[axis + 1] *= domain[axis]
        domain.remove(at: axis)
      }
      axis -= 1
    }
    return (program, domain)
  }

  private var accesses: [Access] { instructions.compactMap(\.access) }

  private func guards(_ axis: Int) -> Bool {
    instructions.contains { instruction in
      if case .exists(let guards) = instruction { return guards.contains { $0.axis == axis } }
      return instruction.access?.guards.contains { $0.axis == axis } ?? false
    }
  }

  /// Drops an axis from every access and guard.
  private mutating func removeAxis(_ axis: Int) {
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

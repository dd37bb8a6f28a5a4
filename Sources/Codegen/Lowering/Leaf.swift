import DescentGraph

extension KernelBuilder {
  /// Forms an element of a leaf that needs no memory.
  mutating func emit(_ leaf: Leaf, _ node: Node, _ map: IndexMap) -> VectorProgram.Register {
    switch leaf {
    case .constant(let array):
      return program.constant(bits: array.bits(at: 0), array.dataType)
    case .iota(let type, let axis):
      var access = Access(
        offset: map.axes[axis].offset, strides: map.axes[axis].coefficients, guards: map.guards)
      for guarded in access.guards where access.strides[guarded.axis] == 0 {
        access.guards.removeAll { $0 == guarded }
      }
      return program.append(.place(access, type.dataType))
    case .input, .parameter, .state, .size:
      preconditionFailure("\(leaf.name) is not formed in registers")
    }
  }
}

extension NDArray {
  /// Returns the bits of an element, in the low bytes.
  package func bits(at position: Int) -> UInt64 {
    switch storage {
    case .f32(let elements): UInt64(elements[position].bitPattern)
    case .f64(let elements): elements[position].bitPattern
    case .i32(let elements): UInt64(UInt32(bitPattern: elements[position]))
    case .i64(let elements): UInt64(bitPattern: elements[position])
    case .u8(let elements): UInt64(elements[position])
    case .bool(let elements): elements[position] ? 1 : 0
    }
  }
}

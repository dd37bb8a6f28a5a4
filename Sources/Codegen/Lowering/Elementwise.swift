import DescentGraph

extension KernelBuilder {
  /// Links the scalar program of an elementwise node.
  mutating func emit(_ op: Elementwise, _ node: Node) -> VectorProgram.Register {
    let arguments = node.operands.map { read($0, frame) }
    let scalar = op.program(for: node.operands.map { graph[$0].type.dataType })
    return program.link(scalar, arguments)
  }

  /// Adds y where a truth value holds, else z.
  mutating func select(
    _ condition: VectorProgram.Register, _ yes: VectorProgram.Register,
    _ no: VectorProgram.Register, _ type: DataType
  ) -> VectorProgram.Register {
    program.append(.scalar(ScalarInstruction(.select, type, to: type, condition, yes, no)))
  }
}

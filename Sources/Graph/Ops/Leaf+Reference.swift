extension Leaf {
  /// Returns the elements of a leaf that needs nothing from outside.
  ///
  /// - Precondition: The leaf is not an input, parameter or state: the interpreter supplies those.
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    switch self {
    case .constant(let array): return array
    case .iota(_, let axis):
      let strides = result.shape.dimensions.indices.map { $0 == axis ? 1 : 0 }
      let indices = stridedOffsets(result.shape.dimensions, strides: strides)
      return NDArray(bits: indices.map { result.dataType.bits(of: $0) }, type: result)
    case .size(let extents, let dataType):
      return NDArray(bits: [dataType.bits(of: Shape(extents).count)], type: result)
    case .input, .parameter, .state:
      preconditionFailure("\(name) \"\(leafName ?? "")\" is supplied from outside")
    }
  }
}

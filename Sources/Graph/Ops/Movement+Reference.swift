extension Movement {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let bits = operands[0].bits
    switch self {
    case .reshape:
      return operands[0].reshaped(result.shape.dimensions)
    case .pad(let low, _, let interior, let value):
      return padded(bits, operands[0].type.shape, low, interior, value, result)
    case .concatenate(let axis):
      return concatenated(operands, axis, result)
    case .transpose, .broadcast, .slice, .reverse, .window:
      let view = view(of: operands[0].type.shape, result: result.shape)
      let offsets = stridedOffsets(
        result.shape.dimensions, strides: view.strides, start: view.start)
      return NDArray(bits: offsets.map { bits[$0] }, type: result)
    }
  }

  /// Returns the result as a strided view of the operand.
  private func view(of shape: Shape, result: Shape) -> (strides: [Int], start: Int) {
    var strides = shape.strides
    var start = 0
    switch self {
    case .transpose(let permutation):
      strides = permutation.map { strides[$0] }
    case .broadcast:
      strides = shape.extents.indices.map { shape[$0] == 1 ? 0 : strides[$0] }
      strides = [Int](repeating: 0, count: result.rank - shape.rank) + strides
    case .slice(let starts, _, let steps):
      start = zip(Shape(starts).dimensions, strides).reduce(0) { $0 + $1.0 * $1.1 }
      strides = zip(strides, steps).map { $0 * $1 }
    case .reverse(let axes):
      for axis in axes {
        start += max(shape.dimensions[axis] - 1, 0) * strides[axis]
        strides[axis] = -strides[axis]
      }
    case .window(let axis, _, let stride, let dilation):
      let distance = strides[axis]
      strides[axis] = distance * stride
      strides.insert(distance * dilation, at: axis + 1)
    case .reshape, .pad, .concatenate: break
    }
    return (strides, start)
  }

  private func padded(
    _ bits: [UInt64], _ shape: Shape, _ low: [Extent], _ interior: [Int], _ value: Double,
    _ result: TensorType
  ) -> NDArray {
    var padded = [UInt64](
      repeating: result.dataType.bits(of: value), count: result.shape.count)
    let strides = result.shape.strides
    let start = zip(Shape(low).dimensions, strides).reduce(0) { $0 + $1.0 * $1.1 }
    let offsets = stridedOffsets(
      shape.dimensions, strides: zip(strides, interior).map { $0 * ($1 + 1) }, start: start)
    for (element, offset) in zip(bits, offsets) { padded[offset] = element }
    return NDArray(bits: padded, type: result)
  }

  private func concatenated(_ operands: [NDArray], _ axis: Int, _ result: TensorType) -> NDArray {
    var joined = [UInt64](repeating: 0, count: result.shape.count)
    let strides = result.shape.strides
    var position = 0
    for operand in operands {
      let offsets = stridedOffsets(
        operand.dimensions, strides: strides, start: position * strides[axis])
      for (element, offset) in zip(operand.bits, offsets) { joined[offset] = element }
      position += operand.dimensions[axis]
    }
    return NDArray(bits: joined, type: result)
  }
}

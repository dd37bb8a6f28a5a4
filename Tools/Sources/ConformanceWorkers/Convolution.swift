import Descent

/// A convolution over the last axes of `[batch, channels, …]`, as windows multiplied with weights and summed.
struct Convolution {
  var stride: [Int]
  var dilation: [Int]
  var groups = 1

  /// Returns the convolution of an already padded tensor with weights `[out, in / groups, …]`.
  func callAsFunction(_ x: Tensor, _ weights: Tensor) throws -> Tensor {
    let axes = stride.count
    guard x.rank == axes + 2, weights.rank == axes + 2, groups >= 1, stride.allSatisfy({ $0 > 0 }),
      dilation.allSatisfy({ $0 > 0 }), x.size(1) == weights.size(1) * groups,
      weights.size(0) % groups == 0
    else {
      throw WorkerError.refused("convolution of \(x.shape) with \(weights.shape), \(groups) groups")
    }
    let inputs = x.split(every: max(weights.size(1), 1), axis: 1)
    let kernels = weights.split(every: max(weights.size(0) / groups, 1), axis: 0)
    return concatenate(zip(inputs, kernels).map { one($0, $1) }, axis: 1)
  }

  /// Returns the convolution of one group.
  private func one(_ x: Tensor, _ weights: Tensor) -> Tensor {
    var windows = x
    for axis in stride.indices.reversed() {
      windows = windows.windows(
        axis: axis + 2, size: weights.size(axis + 2), stride: stride[axis],
        dilation: dilation[axis])
    }
    let (places, elements) = (Array("xyz").prefix(stride.count), Array("ijk").prefix(stride.count))
    let pairs = zip(places, elements).map { "\($0)\($1)" }.joined()
    return einsum(
      "bc\(pairs),dc\(String(elements))->bd\(String(places))", [windows, weights])
  }

  /// Returns elements with zeros between neighbours along the last axes.
  static func spread(_ x: Tensor, by steps: [Int]) -> Tensor {
    var result = x
    for (index, step) in steps.enumerated() where step > 1 {
      let axis = result.rank - steps.count + index
      var extents = result.shape.extents
      let count = result.size(axis)
      var high = [Int](repeating: 0, count: result.rank + 1)
      high[axis + 1] = step - 1
      extents[axis] = Extent(offset: count * step)
      result = result.expandAxis(axis + 1)
        .pad(low: [Int](repeating: 0, count: result.rank + 1), high: high)
        .reshape(Shape(extents))
        .slice(axis: axis, to: Extent(offset: max(0, (count - 1) * step + 1)))
    }
    return result
  }
}

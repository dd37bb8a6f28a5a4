/// Returns where the elements of a strided view lie, in the view's row-major order.
///
/// Each axis has an extent and a distance between neighbours; `start` is where the first element lies.
package func stridedOffsets(_ dimensions: [Int], strides: [Int], start: Int = 0) -> [Int] {
  var offsets = [start]
  for (dimension, stride) in zip(dimensions, strides) {
    var finer: [Int] = []
    finer.reserveCapacity(offsets.count * dimension)
    for offset in offsets {
      for index in 0..<dimension { finer.append(offset + index * stride) }
    }
    offsets = finer
  }
  return offsets
}

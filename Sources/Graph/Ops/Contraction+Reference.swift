extension Contraction {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let extents = extents(operands[0].type.shape, operands[1].type.shape)
    let dimensions = result.shape.dimensions
    switch (operands[0].storage, operands[1].storage) {
    case (.f32(let left), .f32(let right)):
      return NDArray(.f32(products(left, right, extents)), dimensions: dimensions)
    case (.f64(let left), .f64(let right)):
      return NDArray(.f64(products(left, right, extents)), dimensions: dimensions)
    default: preconditionFailure("contract has two operands of one float type")
    }
  }

  private func products<T: FloatingPoint>(_ left: [T], _ right: [T], _ e: Extents) -> [T] {
    var results: [T] = []
    results.reserveCapacity(e.batch * e.m * e.n)
    for b in 0..<e.batch {
      for i in 0..<e.m {
        let row = (0..<e.k).map {
          left[b * e.m * e.k + (transposeLeft ? $0 * e.m + i : i * e.k + $0)]
        }
        for j in 0..<e.n {
          let start = b * e.k * e.n + (transposeRight ? j * e.k : j)
          results.append(product(row, right, start: start, stride: transposeRight ? 1 : e.n))
        }
      }
    }
    return results
  }

  /// Returns one element: the products of each chunk in ascending order, then the chunks.
  private func product<T: FloatingPoint>(
    _ row: [T], _ right: [T], start: Int, stride: Int
  ) -> T {
    var total: T?
    for first in Swift.stride(from: 0, to: row.count, by: chunk) {
      var sum: T = 0
      for k in first..<min(first + min(chunk, row.count), row.count) {
        sum.addProduct(row[k], right[start + k * stride])
      }
      total = total.map { $0 + sum } ?? sum
    }
    return total ?? 0
  }
}

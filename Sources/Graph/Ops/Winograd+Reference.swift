extension Winograd {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let dimensions = result.shape.dimensions
    let shape = operands[0].type.shape
    switch operands[0].storage {
    case .f32(let elements):
      return NDArray(.f32(transformed(elements, shape, result.shape)), dimensions: dimensions)
    case .f64(let elements):
      return NDArray(.f64(transformed(elements, shape, result.shape)), dimensions: dimensions)
    default: preconditionFailure("\(name) has an operand of a float type")
    }
  }

  private func transformed<T: BinaryFloatingPoint>(
    _ elements: [T], _ operand: Shape, _ result: Shape
  ) -> [T] {
    let (planeSide, other) = transform.makesPlanes ? (result, operand) : (operand, result)
    let tiles = Array(planeSide.dimensions[(axis + 1)...(axis + 2)])
    let lines = Array(other.dimensions[axis...(axis + 1)])
    let outer = other.dimensions[..<axis].reduce(1, *)
    let inner = other.dimensions[(axis + 2)...].reduce(1, *)
    let planeSize = outer * tiles[0] * tiles[1] * inner
    var results = [T](repeating: 0, count: result.count)
    for block in 0..<outer {
      for row in 0..<tiles[0] {
        for column in 0..<tiles[1] {
          for channel in 0..<inner {
            let place = ((block * tiles[0] + row) * tiles[1] + column) * inner + channel
            /// The index of an element of the tile on the other side, or nothing outside of it.
            let index = { (i: Int, j: Int) -> Int? in
              let (y, x) = (row * stride + i - low[0], column * stride + j - low[1])
              guard (0..<lines[0]).contains(y), (0..<lines[1]).contains(x) else { return nil }
              return ((block * lines[0] + y) * lines[1] + x) * inner + channel
            }
            if transform.makesPlanes {
              let tile = square(extent) { i, j in index(i, j).map { elements[$0] } ?? 0 }
              for (plane, value) in applied(to: tile).joined().enumerated() {
                results[plane * planeSize + place] = value
              }
            } else {
              let tile = square(planesPerAxis) { i, j in
                elements[(i * planesPerAxis + j) * planeSize + place]
              }
              for (i, line) in applied(to: tile).enumerated() {
                for (j, value) in line.enumerated() { results[index(i, j)!] = value }
              }
            }
          }
        }
      }
    }
    return results
  }

  private func square<T>(_ extent: Int, _ element: (Int, Int) -> T) -> [[T]] {
    (0..<extent).map { i in (0..<extent).map { j in element(i, j) } }
  }

  /// Returns a tile after the map along its first axis and then along its second.
  private func applied<T: BinaryFloatingPoint>(to tile: [[T]]) -> [[T]] {
    applied(to: tile, multiply: { T($0) * $1 }, multiplyAdd: { $2.addingProduct(T($0), $1) })
  }

  /// Returns a square tile after the map along its first axis and then along its second, with the given arithmetic.
  package func applied<T>(
    to tile: [[T]], multiply: (Double, T) -> T, multiplyAdd: (Double, T, T) -> T
  ) -> [[T]] {
    let steps = steps
    let columns = tile[0].indices.map { j in
      steps.evaluate(tile.map { $0[j] }, multiply: multiply, multiplyAdd: multiplyAdd)
    }
    return steps.results.indices.map { i in
      steps.evaluate(columns.map { $0[i] }, multiply: multiply, multiplyAdd: multiplyAdd)
    }
  }
}

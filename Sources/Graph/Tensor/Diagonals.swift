// Diagonals and triangles of the last two axes of a matrix, or of a batch of them.

extension Tensor {
  /// Returns a diagonal of the last two axes, which become one; offset 1 is the one above the main diagonal.
  public func diagonal(
    offset: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "diagonal") {
      guard !isPlaceholder else { return self }
      guard rank >= 2, let rows = shape[rank - 2].fixed, let columns = shape[rank - 1].fixed else {
        return failure("diagonal: \(shape) is no matrix of fixed size")
      }
      let first =
        offset < 0 ? (row: -Swift.max(offset, -rows), column: 0) : (row: 0, column: offset)
      let length = Swift.max(0, Swift.min(rows - first.row, columns - first.column))
      // Elements of a diagonal lie one row and one column apart.
      let flat = flatten(from: rank - 2)
      let start = length == 0 ? 0 : first.row * columns + first.column
      let limit = length == 0 ? 0 : start + (length - 1) * (columns + 1) + 1
      return flat.slice(
        axis: -1, from: Extent(offset: start), to: Extent(offset: limit), by: columns + 1)
    }
  }

  /// Returns matrices with the last axis on a diagonal and 0 elsewhere.
  public func diagonalMatrix(
    offset: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    builder.at(Site(file, line), "diagonalMatrix") {
      guard !isPlaceholder else { return self }
      guard rank >= 1, rank < Shape.maximumRank, let extent = shape[rank - 1].fixed,
        offset.magnitude < 1 << 30
      else { return failure("diagonalMatrix: \(shape) has no last axis of fixed size") }
      let size = extent + Int(offset.magnitude)
      let leading = Array(shape.extents.dropLast())
      let (before, behind) = (Swift.max(offset, 0), Swift.max(-offset, 0))
      let none = [Int](repeating: 0, count: rank - 1)
      let columns = pad(low: none + [before], high: none + [behind])
        .reshaped(Shape(leading + [1, Extent(offset: size)]))
      let square = Shape(leading + [Extent(offset: size), Extent(offset: size)])
      let isOn = builder.places(square, rows: offset) { $0 .== $1 }
      return select(isOn, columns.broadcast(to: square), number(0))
    }
  }

  /// Returns the elements on and below a diagonal of the last two axes, 0 above.
  public func lowerTriangle(
    offset: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    triangle("lowerTriangle", offset, Site(file, line)) { $0 .>= $1 }
  }

  /// Returns the elements on and above a diagonal of the last two axes, 0 below.
  public func upperTriangle(
    offset: Int = 0, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    triangle("upperTriangle", offset, Site(file, line)) { $0 .<= $1 }
  }

  /// Returns the sum of the main diagonal of the last two axes.
  public func trace(file: String = #fileID, line: Int = #line) -> Tensor {
    builder.at(Site(file, line), "trace") { diagonal().reduce(.sum, [-1], false) }
  }

  private func triangle(
    _ name: String, _ offset: Int, _ site: Site, _ isKept: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    builder.at(site, name) {
      guard !isPlaceholder else { return self }
      guard rank >= 2, offset.magnitude < 1 << 30 else {
        return failure("\(name): \(shape) has no diagonal \(offset)")
      }
      let matrix = Shape(Array(shape.extents.suffix(2)))
      return select(builder.places(matrix, rows: offset, isKept), self, number(0))
    }
  }
}

extension GraphBuilder {
  /// Returns for each place of the last two axes a relation of its row, moved by an offset, and its column.
  fileprivate func places(
    _ shape: Shape, rows offset: Int, _ relation: (Tensor, Tensor) -> Tensor
  ) -> Tensor {
    let matrix = Shape(Array(shape.extents.suffix(2)))
    let rows = iota(matrix, axis: 0) + Double(offset)
    return relation(rows, iota(matrix, axis: 1))
  }
}

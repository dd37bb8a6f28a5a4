import Descent

extension OpTables {
  static let indexOps: OpTable = {
    var table: OpTable = [:]
    table["diag"] = { call in
      let (x, offset) = (try call.tensor(0, "input"), try call.integer(1, "diagonal", default: 0))
      guard x.rank == 1 || x.rank == 2 else { throw WorkerError.refused("diag of \(x.shape)") }
      return [x.rank == 1 ? x.diagonalMatrix(offset: offset) : x.diagonal(offset: offset)]
    }
    table["diagonal"] = { call in
      let (x, offset) = (try call.tensor(0, "input"), try call.integer(1, "offset", default: 0))
      let (first, second) = (
        try call.integer(2, "dim1", default: 0), try call.integer(3, "dim2", default: 1)
      )
      return [x.moveAxes([first, second], to: [-2, -1]).diagonal(offset: offset)]
    }
    table["diag_embed"] = { call in
      let x = try call.tensor(0, "input").diagonalMatrix(
        offset: try call.integer(1, "offset", default: 0))
      let (first, second) = (
        try call.integer(2, "dim1", default: -2), try call.integer(3, "dim2", default: -1)
      )
      return [x.moveAxes([-2, -1], to: [first, second])]
    }
    table["tril"] = {
      [try $0.tensor(0, "input").lowerTriangle(offset: try $0.integer(1, "diagonal", default: 0))]
    }
    table["triu"] = {
      [try $0.tensor(0, "input").upperTriangle(offset: try $0.integer(1, "diagonal", default: 0))]
    }
    table["flip"] = { call in
      let x = try call.tensor(0, "input")
      let axes = try call.integers(1, "dims")
      return [axes.isEmpty ? x : x.reverse(axes: try x.axes(axes) ?? [])]
    }
    table["fliplr"] = map { $0.reverse(axes: [1]) }
    table["flipud"] = map { $0.reverse(axes: [0]) }
    table["roll"] = { call in
      let (x, shifts) = (try call.tensor(0, "input"), try call.integers(1, "shifts"))
      let axes = try call.integers(2, "dims", default: [])
      guard !axes.isEmpty else { return [x.flatten().roll(shifts, axes: [0]).reshape(x.shape)] }
      return [x.roll(shifts, axes: axes)]
    }
    table["select"] = {
      [
        try $0.tensor(0, "input").element(
          try $0.integer(2, "index"), axis: try $0.integer(1, "dim"))
      ]
    }
    table["narrow"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let (start, length) = (try call.integer(2, "start"), try call.integer(3, "length"))
      guard let counted = try x.axes([axis])?.first, length >= 0 else {
        throw WorkerError.refused("narrow: axis \(axis) of \(x.shape)")
      }
      let first = start < 0 ? start + x.size(counted) : start
      return [
        x.slice(axis: counted, from: Extent(offset: first), to: Extent(offset: first + length))
      ]
    }
    table["gather"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let indices = try call.tensor(2, "index")
      return [x.lifted { x in indices.asVector { x.takeAlong($0, axis: axis) } }]
    }
    table["take_along_dim"] = { call in
      let (x, indices) = (try call.tensor(0, "input"), try call.tensor(1, "indices"))
      guard let axis = try call.optionalInteger(2, "dim") else {
        return [x.flatten().takeAlong(indices.flatten(), axis: 0)]
      }
      let counted = axis < 0 ? axis + x.rank : axis
      var (left, right) = (x.shape.extents, indices.shape.extents)
      guard left.count == right.count, left.indices.contains(counted) else {
        throw WorkerError.refused("take_along_dim: \(x.shape) and \(indices.shape)")
      }
      for other in left.indices where other != counted {
        let extent = left[other] == 1 ? right[other] : left[other]
        (left[other], right[other]) = (extent, extent)
      }
      return [
        x.broadcast(to: Shape(left)).takeAlong(indices.broadcast(to: Shape(right)), axis: counted)
      ]
    }
    table["index_select"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let indices = try call.tensor(2, "index")
      return [x.lifted { $0.gather(indices.vector, axis: axis) }]
    }
    table["index_add"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let (indices, source) = (try call.tensor(2, "index"), try call.tensor(3, "source"))
      guard source.rank == x.rank else {
        throw WorkerError.refused("index_add: \(source.shape) to \(x.shape)")
      }
      let scaled = try call.optionalNumber(nil, "alpha").map { source * $0 } ?? source
      return [
        x.lifted { x in
          x.scatterAdd(indices.vector, scaled.rank == 0 ? scaled.reshape([1]) : scaled, axis: axis)
        }
      ]
    }
    table["scatter"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let indices = try call.tensor(2, "index")
      var source = try call.operand(3, "src", like: x)
      if source.rank == 0, indices.rank > 0 { source = source.broadcast(to: indices.shape) }
      guard try call.word(nil, "reduce", default: "none") == "none" else {
        throw WorkerError.unsupported("scatter: reduce")
      }
      return [
        x.lifted { x in
          indices.asVector {
            x.putAlong($0, source.rank == 0 ? source.reshape([1]) : source, axis: axis)
          }
        }
      ]
    }
    table["scatter_add"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let (indices, source) = (try call.tensor(2, "index"), try call.tensor(3, "src"))
      return [
        x.lifted { x in
          indices.asVector {
            x.addAlong($0, source.rank == 0 ? source.reshape([1]) : source, axis: axis)
          }
        }
      ]
    }
    table["take"] = { call in
      let (x, indices) = (try call.tensor(0, "input"), try call.tensor(1, "index"))
      return [x.flatten().gather(indices, axis: 0)]
    }
    table["index_fill"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      let indices = try call.tensor(2, "index")
      let value = try call.operand(3, "value", like: x)
      return [
        x.lifted { x in
          let hits = indices.vector.oneHot(x.size(axis), .bool).any(axes: [0])
          var extents = [Int](repeating: 1, count: x.rank)
          extents[axis < 0 ? axis + x.rank : axis] = x.size(axis)
          return select(hits.reshape(Shape(extents)), value, x)
        }
      ]
    }
    table["select_scatter"] = { call in
      let (x, source) = (try call.tensor(0, "input"), try call.tensor(1, "src"))
      let (axis, index) = (try call.integer(2, "dim"), try call.integer(3, "index"))
      guard let counted = try x.axes([axis])?.first else { throw WorkerError.refused("dim") }
      let place = index < 0 ? index + x.size(counted) : index
      let isHit = call.builder.iota(x.shape, axis: counted) .== Double(place)
      return [select(isHit, source.expandAxis(counted), x)]
    }
    table["msort"] = { [try $0.tensor(0, "input").lifted { $0.sort(axis: 0).values }] }
    table["masked_fill"] = { call in
      let (x, mask) = (try call.tensor(0, "input"), try call.tensor(1, "mask"))
      let value = try call.operand(2, "value", like: x)
      guard value.rank == 0 else { throw WorkerError.refused("masked_fill: value \(value.shape)") }
      return [select(mask, value, x)]
    }
    table["where"] = { call in
      let x = try call.tensor(0, "self")
      return [select(try call.tensor(1, "condition"), x, try call.operand(2, "other", like: x))]
    }
    table["nn.functional.embedding"] = { call in
      // The call's first argument is the table in these cases.
      let (first, second) = (try call.tensor(0, "input"), try call.tensor(1, "weight"))
      let (weights, indices) = first.dataType == .f32 ? (first, second) : (second, first)
      guard try call.optionalNumber(3, "max_norm") == nil,
        try !call.flag(nil, "scale_grad_by_freq")
      else { throw WorkerError.unsupported("embedding: max_norm or scale_grad_by_freq") }
      _ = try call.flag(nil, "sparse")
      return [embedding(indices, weights, padding: try call.optionalInteger(2, "padding_idx"))]
    }
    table["nn.functional.one_hot"] = { call in
      [try call.tensor(0, "tensor").oneHot(try call.integer(1, "num_classes"), .i64)]
    }
    table["sort"] = { call in
      let x = try call.tensor(0, "input")
      let axis = try call.integer(1, "dim", default: -1)
      let descending = try call.flag(2, "descending")
      _ = try call.flag(nil, "stable")
      return x.pair { $0.sort(axis: axis, descending: descending) }
    }
    table["argsort"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim", default: -1))
      let descending = try call.flag(2, "descending")
      _ = try call.flag(nil, "stable")
      return [x.lifted { $0.argSort(axis: axis, descending: descending) }.cast(to: .i64)]
    }
    table["topk"] = { call in
      let (x, count) = (try call.tensor(0, "input"), try call.integer(1, "k"))
      let axis = try call.integer(2, "dim", default: -1)
      let largest = try call.flag(3, "largest", default: true)
      _ = try call.flag(4, "sorted", default: true)
      return x.pair { $0.topK(count, axis: axis, largest: largest) }
    }
    table["__getitem__"] = { [try IndexExpression($0).apply()] }
    return table
  }()
}

extension Tensor {
  /// The indices as a vector.
  fileprivate var vector: Tensor { rank == 0 ? reshape([1]) : self }

  /// Returns what a function gives for indices that have at least one axis.
  fileprivate func asVector(_ body: (Tensor) -> Tensor) -> Tensor { body(vector) }

  /// Returns values and indices, of a single number too.
  fileprivate func pair(_ body: (Tensor) -> (values: Tensor, indices: Tensor)) -> [Tensor] {
    let (values, indices) = body(vector)
    return [
      values.reshape(rank == 0 ? .scalar : values.shape),
      indices.cast(to: .i64).reshape(rank == 0 ? .scalar : indices.shape),
    ]
  }
}

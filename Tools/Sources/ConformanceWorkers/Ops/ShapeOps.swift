import Descent

extension OpTables {
  static let shapeOps: OpTable = {
    var table: OpTable = [:]
    table["broadcast_to"] = { call in
      let x = try call.tensor(0, "input")
      var sizes = try call.integers(1, "size")
      let missing = sizes.count - x.rank
      for index in sizes.indices where sizes[index] == -1 && index >= missing {
        sizes[index] = x.shape[index - missing].fixed ?? -1
      }
      return [x.broadcast(to: Shape(sizes))]
    }
    table["expand"] = table["broadcast_to"]
    table["expand_as"] = {
      [try $0.tensor(0, "input").broadcast(to: try $0.tensor(1, "other").shape)]
    }
    table["reshape"] = { call in
      let x = try call.tensor(0, "input")
      return [x.reshape(Shape(try x.resolved(call.integers(1, "shape"))))]
    }
    table["view"] = table["reshape"]
    table["reshape_as"] = { [try $0.tensor(0, "input").reshape(try $0.tensor(1, "other").shape)] }
    table["view_as"] = table["reshape_as"]
    table["flatten"] = { call in
      let (first, last) = (
        try call.integer(1, "start_dim", default: 0), try call.integer(2, "end_dim", default: -1)
      )
      return [try call.tensor(0, "input").flatten(from: first, through: last)]
    }
    table["ravel"] = map { $0.flatten() }
    table["permute"] = { call in
      let x = try call.tensor(0, "input")
      let axes = try call.integers(1, "dims")
      return [x.transpose(axes.map { $0 < 0 ? $0 + x.rank : $0 })]
    }
    table["transpose"] = { call in
      let x = try call.tensor(0, "input")
      let (first, second) = (try call.integer(1, "dim0"), try call.integer(2, "dim1"))
      return [x.lifted { $0.swapAxes(first, second) }]
    }
    table["swapaxes"] = table["transpose"]
    table["t"] = map { $0.rank < 2 ? $0 : $0.transpose() }
    table["mT"] = map { $0.transpose() }
    table["movedim"] = { call in
      [
        try call.tensor(0, "input").moveAxes(
          try call.integers(1, "source"), to: try call.integers(2, "destination"))
      ]
    }
    table["squeeze"] = { call in
      let x = try call.tensor(0, "input")
      guard let axes = try x.axes(call.optionalIntegers(1, "dim")) else {
        return [call.count > 1 ? x : x.squeeze()]
      }
      return [x.squeeze(axes.filter { x.shape[$0] == 1 })]
    }
    table["unsqueeze"] = { [try $0.tensor(0, "input").expandAxis(try $0.integer(1, "dim"))] }
    table["cat"] = { call in
      let tensors = try call.tensors(0, "tensors")
      let axis = try call.integer(1, "dim", default: 0)
      // A vector without elements joins anything, an old habit of the contract's author.
      let kept = tensors.filter { $0.shape != [0] }
      guard let first = kept.first ?? tensors.first else {
        throw WorkerError.refused("cat: there are no tensors")
      }
      return [concatenate(kept.isEmpty ? [first] : kept, axis: axis)]
    }
    table["concat"] = table["cat"]
    table["stack"] = { call in
      let tensors = try call.tensors(0, "tensors")
      guard !tensors.isEmpty else { throw WorkerError.refused("stack: there are no tensors") }
      return [stack(tensors, axis: try call.integer(1, "dim", default: 0))]
    }
    for (name, axis) in [("hstack", 1), ("vstack", 0), ("dstack", 2)] {
      table[name] = { call in
        let tensors = try call.tensors(0, "tensors").map { $0.atLeast(axis == 0 ? 2 : axis) }
        guard let first = tensors.first else { throw WorkerError.refused("\(name): no tensors") }
        return [concatenate(tensors, axis: min(axis, first.rank - 1))]
      }
    }
    table["chunk"] = { call in
      let (x, count) = (try call.tensor(0, "input"), try call.integer(1, "chunks"))
      let axis = try call.integer(2, "dim", default: 0)
      let counted = axis < 0 ? axis + x.rank : axis
      guard count > 0, x.shape.extents.indices.contains(counted) else {
        throw WorkerError.refused("chunk: \(count) of axis \(axis)")
      }
      let extent = x.shape[counted].fixed ?? 0
      return x.split(every: max(1, (extent + count - 1) / count), axis: axis)
    }
    table["split"] = { call in
      let x = try call.tensor(0, "tensor")
      let lengths = call.take(1, "split_size_or_sections")
      let axis = try call.integer(2, "dim", default: 0)
      if case .integer(let length)? = lengths { return x.split(every: length, axis: axis) }
      guard case .list(let elements)? = lengths else { throw WorkerError.refused("split: lengths") }
      return x.split(
        try elements.map {
          guard case .integer(let length) = $0 else { throw WorkerError.refused("split: lengths") }
          return length
        }, axis: axis)
    }
    table["split_with_sizes"] = table["split"]
    table["unbind"] = {
      try $0.tensor(0, "input").unstack(axis: try $0.integer(1, "dim", default: 0))
    }
    for count in 1...3 {
      table["atleast_\(count)d"] = map { x in
        guard count == 3, x.rank == 1 || x.rank == 2 else { return x.atLeast(count) }
        return x.rank == 1 ? x.expandAxis(0).expandAxis(-1) : x.expandAxis(-1)
      }
    }
    table["unflatten"] = { call in
      let (x, axis) = (try call.tensor(0, "input"), try call.integer(1, "dim"))
      var sizes = try call.integers(2, "sizes")
      guard let counted = try x.axes([axis])?.first else { throw WorkerError.refused("unflatten") }
      if let open = sizes.firstIndex(of: -1) {
        let known = sizes.enumerated().reduce(1) { $1.offset == open ? $0 : $0 * $1.element }
        guard known > 0 else { throw WorkerError.refused("unflatten: \(sizes)") }
        sizes[open] = x.size(counted) / known
      }
      var extents = x.shape.extents
      extents.replaceSubrange(counted...counted, with: sizes.map { Extent(offset: $0) })
      return [x.reshape(Shape(extents))]
    }
    table["rot90"] = { call in
      let (x, turns) = (try call.tensor(0, "input"), try call.integer(1, "k", default: 1))
      let axes = try call.integers(2, "dims", default: [0, 1])
      guard axes.count == 2, let (a, b) = try x.axes(axes).map({ ($0[0], $0[1]) }) else {
        throw WorkerError.refused("rot90: \(axes)")
      }
      switch (turns % 4 + 4) % 4 {
      case 1: return [x.reverse(axes: [b]).swapAxes(a, b)]
      case 2: return [x.reverse(axes: [a, b])]
      case 3: return [x.swapAxes(a, b).reverse(axes: [b])]
      default: return [x]
      }
    }
    table["nn.functional.channel_shuffle"] = { call in
      let (x, groups) = (try call.tensor(0, "input"), try call.integer(1, "groups"))
      guard x.rank >= 3, groups > 0, x.size(1) % groups == 0 else {
        throw WorkerError.refused("channel_shuffle: \(x.shape) in \(groups)")
      }
      var split = x.shape.extents
      split.replaceSubrange(
        1...1, with: [Extent(offset: groups), Extent(offset: x.size(1) / groups)])
      return [x.reshape(Shape(split)).swapAxes(1, 2).reshape(x.shape)]
    }
    table["tile"] = { [try $0.tensor(0, "input").tile(try $0.integers(1, "dims"))] }
    table["repeat"] = { call in
      let (x, counts) = (try call.tensor(0, "input"), try call.integers(1, "repeats"))
      guard counts.count >= x.rank else { throw WorkerError.refused("repeat: \(counts)") }
      return [x.tile(counts)]
    }
    table["repeat_interleave"] = { call in
      let x = try call.tensor(0, "input")
      guard case .integer(let count)? = call.take(1, "repeats") else {
        throw WorkerError.unsupported("repeat_interleave: repeats as data")
      }
      guard let axis = try call.optionalInteger(2, "dim") else {
        return [x.flatten().repeatElements(count, axis: 0)]
      }
      return [x.lifted { $0.repeatElements(count, axis: axis) }]
    }
    table["meshgrid"] = { call in
      var tensors: [Tensor]
      if case .list? = call.peek(0) {
        tensors = try call.tensors(0, "tensors")
      } else {
        tensors = try call.tensors(from: 0)
      }
      let isXY = try call.word(nil, "indexing", default: "ij") == "xy" && tensors.count > 1
      if isXY { tensors.swapAt(0, 1) }
      var grid = meshGrid(tensors)
      guard isXY else { return grid }
      grid = grid.map { $0.swapAxes(0, 1) }
      grid.swapAt(0, 1)
      return grid
    }
    table["constant_pad_nd"] = { call in
      let x = try call.tensor(0, "input")
      let amounts = try call.integers(1, "pad")
      return [try x.padded(amounts, .constant(try call.number(2, "value", default: 0)))]
    }
    table["nn.functional.pad"] = { call in
      let (x, amounts) = (try call.tensor(0, "input"), try call.integers(1, "pad"))
      let value = try call.number(3, "value", default: 0)
      let mode: PadMode =
        switch try call.word(2, "mode", default: "constant") {
        case "constant": .constant(value)
        case "replicate": .edge
        case "reflect": .reflect
        case "circular": .wrap
        case let mode: throw WorkerError.refused("pad: mode \(mode)")
        }
      return [try x.padded(amounts, mode)]
    }
    table["nn.functional.pixel_shuffle"] = { call in
      let (x, r) = (try call.tensor(0, "input"), try call.integer(1, "upscale_factor"))
      guard x.rank >= 3, r > 0, x.size(-3) % (r * r) == 0 else {
        throw WorkerError.refused("pixel_shuffle: \(x.shape) by \(r)")
      }
      let lead = x.shape.extents.dropLast(3).compactMap(\.fixed)
      let (c, h, w) = (x.size(-3) / (r * r), x.size(-2), x.size(-1))
      let n = lead.count
      return [
        x.reshape(Shape(lead + [c, r, r, h, w]))
          .transpose(Array(0..<n) + [n, n + 3, n + 1, n + 4, n + 2])
          .reshape(Shape(lead + [c, h * r, w * r]))
      ]
    }
    table["nn.functional.pixel_unshuffle"] = { call in
      let (x, r) = (try call.tensor(0, "input"), try call.integer(1, "downscale_factor"))
      guard x.rank >= 3, r > 0, x.size(-2) % r == 0, x.size(-1) % r == 0 else {
        throw WorkerError.refused("pixel_unshuffle: \(x.shape) by \(r)")
      }
      let lead = x.shape.extents.dropLast(3).compactMap(\.fixed)
      let (c, h, w) = (x.size(-3), x.size(-2) / r, x.size(-1) / r)
      let n = lead.count
      return [
        x.reshape(Shape(lead + [c, h, r, w, r]))
          .transpose(Array(0..<n) + [n, n + 2, n + 4, n + 1, n + 3])
          .reshape(Shape(lead + [c * r * r, h, w]))
      ]
    }
    return table
  }()
}

extension OpCall {
  /// Returns an argument without taking it.
  fileprivate func peek(_ place: Int) -> Argument? { take(place, "") }
}

extension Tensor {
  /// Returns the length of an axis, counted from the end where negative; 0 where it is not fixed.
  func size(_ axis: Int) -> Int { shape[axis < 0 ? axis + rank : axis].fixed ?? 0 }

  /// Returns the tensor with leading axes of extent 1 up to a number of axes.
  func atLeast(_ count: Int) -> Tensor {
    reshape(Shape([Extent](repeating: 1, count: Swift.max(0, count - rank)) + shape.extents))
  }

  /// Returns extents with the one that is −1 found from the others.
  fileprivate func resolved(_ extents: [Int]) throws -> [Int] {
    guard let open = extents.firstIndex(of: -1) else { return extents }
    let known = extents.enumerated().reduce(1) { $1.offset == open ? $0 : $0 * $1.element }
    let count = shape.extents.reduce(1) { $0 * ($1.fixed ?? 0) }
    guard known > 0, count % known == 0 else {
      throw WorkerError.refused("reshape: \(extents) does not fit \(shape)")
    }
    var extents = extents
    extents[open] = count / known
    return extents
  }

  /// Pads from the last axis on, two amounts an axis.
  fileprivate func padded(_ amounts: [Int], _ mode: PadMode) throws -> Tensor {
    guard amounts.count % 2 == 0, amounts.count <= 2 * rank else {
      throw WorkerError.refused("pad: \(amounts) for \(shape)")
    }
    var (low, high) = ([Int](repeating: 0, count: rank), [Int](repeating: 0, count: rank))
    for index in 0..<amounts.count / 2 {
      low[rank - 1 - index] = amounts[2 * index]
      high[rank - 1 - index] = amounts[2 * index + 1]
    }
    return pad(low: low, high: high, mode: mode)
  }
}

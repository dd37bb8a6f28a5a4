import Descent

extension OpTables {
  static let poolOps: OpTable = {
    var table: OpTable = [:]
    for axes in 1...3 {
      table["nn.functional.max_pool\(axes)d"] = { call in
        let x = try call.tensor(0, "input")
        try call.expectBatch(x, axes)
        let size = try call.integers(1, "kernel_size", count: axes)
        let stride = try call.integers(2, "stride", count: axes, default: size)
        let padding = try call.integers(3, "padding", count: axes, default: [0])
        let dilation = try call.integers(4, "dilation", count: axes, default: [1])
        let roundsUp = try call.flag(5, "ceil_mode")
        let windows = try call.windows(x, size, stride, padding, dilation, roundsUp: roundsUp)
        guard try call.flag(6, "return_indices") else { return [maxPool(x, windows)] }
        return [maxPool(x, windows), maxPoolIndices(x, windows).cast(to: .i64)]
      }
      table["nn.functional.avg_pool\(axes)d"] = { call in
        let x = try call.tensor(0, "input")
        try call.expectBatch(x, axes)
        let size = try call.integers(1, "kernel_size", count: axes)
        let stride = try call.integers(2, "stride", count: axes, default: size)
        let padding = try call.integers(3, "padding", count: axes, default: [0])
        let roundsUp = try call.flag(4, "ceil_mode")
        let countsPadding = try call.flag(5, "count_include_pad", default: true)
        let divisor = try call.optionalInteger(6, "divisor_override")
        let windows = try call.windows(x, size, stride, padding, [], roundsUp: roundsUp)
        return [averagePool(x, windows, countsPadding: countsPadding, divisor: divisor)]
      }
      table["nn.functional.adaptive_avg_pool\(axes)d"] = { call in
        let x = try call.tensor(0, "input")
        try call.expectBatch(x, axes)
        let counts = try call.counts(x, axes)
        return [counts.reduce(x) { $0.resample(axis: $1.axis, to: $1.count, .area) }]
      }
      table["nn.functional.adaptive_max_pool\(axes)d"] = { call in
        let x = try call.tensor(0, "input")
        try call.expectBatch(x, axes)
        let counts = Dictionary(
          uniqueKeysWithValues: try call.counts(x, axes).map { ($0.axis, $0.count) })
        let returnsIndices = try call.flag(2, "return_indices")
        guard returnsIndices else { return [x.adaptiveMaxPool(counts)] }
        return [x.adaptiveMaxPool(counts), x.adaptiveMaxPoolIndices(counts).cast(to: .i64)]
      }
    }
    table["nn.functional.unfold"] = { call in
      let x = try call.tensor(0, "input")
      let size = try call.integers(1, "kernel_size", count: 2)
      let dilation = try call.integers(2, "dilation", count: 2, default: [1])
      let padding = try call.integers(3, "padding", count: 2, default: [0])
      let stride = try call.integers(4, "stride", count: 2, default: [1])
      guard x.rank == 3 || x.rank == 4 else { throw WorkerError.refused("unfold: \(x.shape)") }
      let none = [Int](repeating: 0, count: x.rank - 2)
      var result = x.pad(low: none + padding, high: none + padding)
      for index in [1, 0] {
        result = result.windows(
          axis: x.rank - 2 + index, size: size[index], stride: stride[index],
          dilation: dilation[index])
      }
      // […, channels, places, rows, places, columns] to […, channels·rows·columns, places].
      let first = x.rank - 3
      return [
        result.moveAxes([first + 2, first + 4], to: [first + 1, first + 2])
          .flatten(from: first, through: first + 2).flatten(from: first + 1)
      ]
    }
    return table
  }()
}

extension OpCall {
  /// Throws unless a tensor has so many axes and channels, perhaps a batch, and elements along all but the batch.
  fileprivate func expectBatch(_ x: Tensor, _ axes: Int) throws {
    let rest = x.shape.extents.suffix(axes + 1)
    guard x.rank == axes + 1 || x.rank == axes + 2, !rest.contains(0) else {
      throw WorkerError.refused("\(op): \(x.shape)")
    }
  }

  fileprivate func windows(
    _ x: Tensor, _ size: [Int], _ stride: [Int], _ padding: [Int], _ dilation: [Int],
    roundsUp: Bool
  ) throws -> [Int: Window] {
    var windows: [Int: Window] = [:]
    for index in size.indices {
      guard padding[index] >= 0, padding[index] <= size[index] / 2 else {
        throw WorkerError.refused("\(op): padding is more than half a window")
      }
      windows[index - size.count] = Window(
        size: size[index], stride: stride[index], dilation: dilation.isEmpty ? 1 : dilation[index],
        padding: padding[index], roundsUp: roundsUp)
    }
    return windows
  }

  /// Returns how many parts each of the last axes gets; none means as many as it has elements.
  fileprivate func counts(_ x: Tensor, _ axes: Int) throws -> [(axis: Int, count: Int)] {
    let first = x.rank - axes
    switch take(1, "output_size") {
    case .integer(let count)?: return (0..<axes).map { (first + $0, count) }
    case .list(let elements)? where elements.count == axes:
      return try elements.enumerated().map { index, element in
        switch element {
        case .integer(let count): (first + index, count)
        case .none: (first + index, x.size(first + index))
        default: throw WorkerError.refused("\(op): output_size")
        }
      }
    case .list(let elements)? where elements.count == 1:
      guard case .integer(let count) = elements[0] else { break }
      return (0..<axes).map { (first + $0, count) }
    case nil: return (0..<axes).map { (first + $0, x.size(first + $0)) }
    default: break
    }
    throw WorkerError.refused("\(op): output_size")
  }
}

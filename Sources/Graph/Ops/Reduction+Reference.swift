extension Reduction {
  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    let (outer, extent, inner) = view(of: operands[0].type.shape)
    let elements = operands[0].bits
    let dataType = operands[0].dataType
    var results: [UInt64] = []
    results.reserveCapacity(outer * inner)
    for o in 0..<outer {
      for i in 0..<inner {
        let line = (0..<extent).map { elements[(o * extent + $0) * inner + i] }
        results.append(
          kind.isIndex
            ? Self.bits(of: position(line, dataType))
            : inner == 1 ? row(line, dataType) : column(line, dataType))
      }
    }
    return NDArray(bits: results, type: result)
  }

  private static func bits(of position: Int) -> UInt64 { DataType.i32.bits(of: position) }

  private func row(_ line: [UInt64], _ dataType: DataType) -> UInt64 {
    let step = combination(dataType)
    let chunks = stride(from: 0, to: line.count, by: Self.rowChunk).map { start in
      let chunk = line[start..<min(start + Self.rowChunk, line.count)]
      var lanes = [UInt64](repeating: identity(dataType), count: Self.laneCount(chunk.count))
      for (i, element) in chunk.enumerated() {
        lanes[i % lanes.count] = step.evaluate(lanes[i % lanes.count], element)
      }
      return Self.tree(lanes) { step.evaluate($0, $1) } ?? identity(dataType)
    }
    return Self.tree(chunks) { step.evaluate($0, $1) } ?? identity(dataType)
  }

  private func column(_ line: [UInt64], _ dataType: DataType) -> UInt64 {
    let step = combination(dataType)
    let chunks = stride(from: 0, to: line.count, by: Self.columnChunk).map { start in
      line[start..<min(start + Self.columnChunk, line.count)]
        .reduce(identity(dataType)) { step.evaluate($0, $1) }
    }
    return Self.tree(chunks) { step.evaluate($0, $1) } ?? identity(dataType)
  }

  /// Returns how many lanes a chunk of elements is dealt to: the power of two at or above, at most 64.
  package static func laneCount(_ elements: Int) -> Int {
    var lanes = 1
    while lanes < elements, lanes < maximumLanes { lanes *= 2 }
    return lanes
  }

  /// Returns values combined as a tree (see `Reduction`), or nil where there is none.
  package static func tree<T>(_ values: [T], _ combine: (T, T) -> T) -> T? {
    var values = values
    var count = values.count
    while count > 1 {
      var half = 1
      while half * 2 < count { half *= 2 }
      for i in 0..<count - half { values[i] = combine(values[i], values[i + half]) }
      count = half
    }
    return values.first
  }

  /// Returns how an element, the second operand, meets what was gathered so far, the first.
  ///
  /// - Precondition: The reduction is not `argMax` or `argMin`.
  package func combination(_ dataType: DataType) -> ScalarInstruction {
    let op: ScalarOp =
      switch kind {
      case .sum: .add
      case .product: .mul
      case .max: .maximum
      case .min: .minimum
      case .any: .or
      case .all: .and
      case .argMax, .argMin: preconditionFailure("\(name) has no combination")
      }
    return ScalarInstruction(op, dataType, to: dataType, 0, 1)
  }

  /// Returns the bits every line begins with.
  ///
  /// - Precondition: The reduction is not `argMax` or `argMin`.
  package func identity(_ dataType: DataType) -> UInt64 {
    switch kind {
    case .sum, .any: dataType.bits(of: 0.0)
    case .product, .all: dataType.bits(of: 1.0)
    // Conversion to integers saturates, so that these are the least and greatest of each type.
    case .max: dataType.bits(of: -Double.infinity)
    case .min: dataType.bits(of: Double.infinity)
    case .argMax, .argMin: preconditionFailure("\(name) has no identity")
    }
  }

  private func position(_ line: [UInt64], _ dataType: DataType) -> Int {
    let less = ScalarInstruction(.less, dataType, to: .bool)
    let equal = ScalarInstruction(.equal, dataType, to: .bool)
    func isNaN(_ element: UInt64) -> Bool { equal.evaluate(element, element) == 0 }
    var best = 0
    for candidate in line.indices.dropFirst() {
      let (old, new) = (line[best], line[candidate])
      let beats = kind == .argMax ? less.evaluate(old, new) : less.evaluate(new, old)
      if beats != 0 || (isNaN(new) && !isNaN(old)) { best = candidate }
    }
    return best
  }
}

extension Index {
  /// An index that lies outside the axis it is for.
  package struct Fault: Hashable, Sendable {
    /// Where among the indices it stands, in row-major order.
    package let position: Int
    /// The index.
    package let index: Int
    /// What it should be below.
    package let limit: Int
  }

  /// Returns the first index that is out of range, if any is.
  package func firstFault(_ operands: [NDArray]) -> Fault? {
    if case .argSort = self { return nil }
    let limit = limit(operands)
    for (position, index) in indices(operands).enumerated()
    where index < 0 || index >= limit {
      return Fault(position: position, index: index, limit: limit)
    }
    return nil
  }

  package func reference(_ operands: [NDArray], result: TensorType) -> NDArray {
    if case .argSort(let axis, let descending) = self {
      return sorted(operands[0], axis, descending)
    }
    let last = limit(operands) - 1
    let indices = indices(operands).map { min(max($0, 0), last) }
    switch self {
    case .gather(let axis): return gathered(operands[0], indices, axis, result)
    case .scatterAdd(let axis):
      return scattered(operands[0], operands[2], indices, axis, result)
    case .oneHot(let depth, let dataType):
      var bits = [UInt64](repeating: dataType.bits(of: 0.0), count: indices.count * depth)
      for (position, index) in indices.enumerated() {
        bits[position * depth + index] = dataType.bits(of: 1.0)
      }
      return NDArray(bits: bits, type: result)
    case .argSort: preconditionFailure("\(name) has no indices")
    }
  }

  private func indices(_ operands: [NDArray]) -> [Int] {
    let array: NDArray =
      switch self {
      case .gather, .scatterAdd: operands[1]
      case .oneHot, .argSort: operands[0]
      }
    switch array.storage {
    case .i32(let elements): return elements.map { Int($0) }
    case .i64(let elements): return elements.map { Int($0) }
    case .f32, .f64, .u8, .bool: preconditionFailure("\(name): indices are i32 or i64")
    }
  }

  private func limit(_ operands: [NDArray]) -> Int {
    switch self {
    case .gather(let axis), .scatterAdd(let axis): operands[0].dimensions[axis]
    case .oneHot(let depth, _): depth
    case .argSort: preconditionFailure("\(name) has no indices")
    }
  }

  private func gathered(
    _ source: NDArray, _ indices: [Int], _ axis: Int, _ result: TensorType
  ) -> NDArray {
    let (outer, extent, inner) = Reduction(.sum, axes: [axis]).view(of: source.type.shape)
    let elements = source.bits
    var bits: [UInt64] = []
    bits.reserveCapacity(outer * indices.count * inner)
    for o in 0..<outer {
      for index in indices {
        let start = (o * extent + index) * inner
        bits += elements[start..<start + inner]
      }
    }
    return NDArray(bits: bits, type: result)
  }

  private func scattered(
    _ source: NDArray, _ updates: NDArray, _ indices: [Int], _ axis: Int, _ result: TensorType
  ) -> NDArray {
    let (outer, extent, inner) = Reduction(.sum, axes: [axis]).view(of: source.type.shape)
    let add = ScalarInstruction(.add, result.dataType, to: result.dataType)
    let added = updates.bits
    var bits = source.bits
    for o in 0..<outer {
      for (position, index) in indices.enumerated() {
        for i in 0..<inner {
          let target = (o * extent + index) * inner + i
          bits[target] = add.evaluate(
            bits[target], added[(o * indices.count + position) * inner + i])
        }
      }
    }
    return NDArray(bits: bits, type: result)
  }

  private func sorted(_ source: NDArray, _ axis: Int, _ descending: Bool) -> NDArray {
    let (outer, extent, inner) = Reduction(.sum, axes: [axis]).view(of: source.type.shape)
    let keys = source.orderKeys
    var indices = [Int32](repeating: 0, count: keys.count)
    for o in 0..<outer {
      for i in 0..<inner {
        let key = { (place: Int) in keys[(o * extent + place) * inner + i] }
        let order = (0..<extent).sorted {
          let (a, b) = descending ? (key($1), key($0)) : (key($0), key($1))
          return a == b ? $0 < $1 : a < b
        }
        for (place, index) in order.enumerated() {
          indices[(o * extent + place) * inner + i] = Int32(index)
        }
      }
    }
    return NDArray(.i32(indices), dimensions: source.dimensions)
  }
}

extension NDArray {
  /// Whole numbers in the order of the elements: the greatest for NaN, and the same for both zeros.
  fileprivate var orderKeys: [Int64] {
    switch storage {
    case .f32(let elements): elements.map { Self.orderKey(Double($0)) }
    case .f64(let elements): elements.map(Self.orderKey)
    case .i32(let elements): elements.map { Int64($0) }
    case .i64(let elements): elements
    case .u8(let elements): elements.map { Int64($0) }
    case .bool(let elements): elements.map { $0 ? 1 : 0 }
    }
  }

  private static func orderKey(_ x: Double) -> Int64 {
    guard !x.isNaN else { return .max }
    // The bits of numbers above 0 are in their order, those of numbers below 0 in the opposite one.
    let bits = Int64(bitPattern: (x + 0).bitPattern)
    return bits >= 0 ? bits : .min - bits
  }
}

import DescentGraph

extension Graph {
  /// The outputs for given inputs, node by node; leaves with memory count as inputs.
  func evaluated(_ inputs: [String: NDArray]) -> [NDArray] {
    var results: [NDArray] = []
    for node in nodes {
      if case .leaf(let leaf) = node.op, let name = leaf.leafName {
        results.append(
          inputs[name] ?? NDArray(zeros: leaf.type.dataType, dimensions: leaf.type.shape.dimensions)
        )
      } else {
        results.append(
          node.op.definition.reference(
            node.operands.map { results[Int($0.index)] }, result: node.type))
      }
    }
    return outputs.map { results[Int($0.value.index)] }
      + updates.map { results[Int($0.value.index)] }
  }
}

extension NDArray {
  /// Whether two arrays agree in every bit, any NaN being any other.
  func sameBits(_ other: NDArray) -> Bool {
    guard type == other.type else { return false }
    switch (storage, other.storage) {
    case (.f32(let a), .f32(let b)):
      return zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
    case (.f64(let a), .f64(let b)):
      return zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern || $0.isNaN && $1.isNaN }
    default: return self == other
    }
  }

  /// Creates an array that mixes ordinary numbers with those that break equations.
  init(extremes dataType: DataType, _ dimensions: [Int], seed: inout UInt64) {
    let count = dimensions.reduce(1, *)
    func draw<T>(_ list: [T]) -> [T] {
      (0..<count).map { _ in
        seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return list[Int((seed >> 33) % UInt64(list.count))]
      }
    }
    let numbers: [Float] = [
      0, -0.0, 1, -1, 2.5, -0.3, 1e30, -3.4e38, .infinity, -.infinity, .nan, .leastNonzeroMagnitude,
      -.leastNormalMagnitude / 3,
      .leastNormalMagnitude, 0.5, 16_777_216, 300, -129,
    ]
    let integers: [Int32] = [0, 1, -1, 2, -7, .min, .max, .min + 1, 255, 256, 65_536]
    let storage: Storage =
      switch dataType {
      case .f32: .f32(draw(numbers))
      case .f64: .f64(draw(numbers.map { Double($0) }))
      case .i32: .i32(draw(integers))
      case .i64: .i64(draw(integers.map { Int64($0) }))
      case .u8: .u8(draw([0, 1, 2, 128, 255]))
      case .bool: .bool(draw([false, true]))
      }
    self.init(storage, dimensions: dimensions)
  }
}

extension Graph {
  /// An array of extremes for each leaf with a name.
  func extremes(seed: UInt64) -> [String: NDArray] {
    var seed = seed
    var inputs: [String: NDArray] = [:]
    for node in nodes {
      guard case .leaf(let leaf) = node.op, let name = leaf.leafName else { continue }
      inputs[name] = NDArray(
        extremes: leaf.type.dataType, leaf.type.shape.dimensions, seed: &seed)
    }
    return inputs
  }
}

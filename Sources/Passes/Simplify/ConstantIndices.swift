import DescentGraph

extension Graph {
  /// Throws every constant index of `gather`, `scatterAdd` and `oneHot` that is out of range.
  func checkConstantIndices() throws(GraphErrors) {
    var errors: [GraphError] = []
    for node in nodes {
      guard case .index(let op) = node.op,
        let (position, count) = op.indexOperand(node.operands.map { self[$0].type })
      else { continue }
      guard let count, let array = constant(node.operands[position]),
        let fault = array.firstIndex(outside: count)
      else { continue }
      let place = array.count == 1 ? "" : " at position \(array.place(of: fault.position))"
      errors.append(
        GraphError(
          "\(op.name): index \(fault.index)\(place) is outside 0..<\(count)", at: node.origin))
    }
    guard errors.isEmpty else { throw GraphErrors(errors) }
  }

  /// Returns the constant that a value is or repeats, if there is one.
  private func constant(_ value: Value) -> NDArray? {
    var node = self[value]
    if case .movement(.broadcast(let shape)) = node.op {
      guard !shape.extents.contains(0) else { return nil }
      node = self[node.operands[0]]
    }
    guard case .leaf(.constant(let array)) = node.op else { return nil }
    return array
  }
}

extension Index {
  /// Returns which operand holds indices, if one does, and how many values each may take, if that is known.
  fileprivate func indexOperand(_ operands: [TensorType]) -> (position: Int, count: Int?)? {
    switch self {
    case .gather(let axis), .scatterAdd(let axis): (1, operands[0].shape[axis].fixed)
    case .oneHot(let depth, _): (0, depth)
    case .argSort: nil
    }
  }
}

extension NDArray {
  /// Returns the first element that is not in 0..<count, and its position.
  fileprivate func firstIndex(outside count: Int) -> (position: Int, index: Int)? {
    switch storage {
    case .i32(let elements): NDArray.first(elements, outside: count)
    case .i64(let elements): NDArray.first(elements, outside: count)
    case .f32, .f64, .u8, .bool: nil
    }
  }

  private static func first(
    _ elements: [some FixedWidthInteger], outside count: Int
  ) -> (position: Int, index: Int)? {
    guard let position = elements.firstIndex(where: { $0 < 0 || Int($0) >= count }) else {
      return nil
    }
    return (position, Int(elements[position]))
  }

  /// Returns a position as one number in a vector, else as one number for each axis.
  fileprivate func place(of position: Int) -> String {
    guard dimensions.count != 1 else { return "\(position)" }
    var rest = position
    var places: [String] = []
    for dimension in dimensions.reversed() {
      places.insert("\(rest % dimension)", at: 0)
      rest /= dimension
    }
    return "[" + places.joined(separator: ", ") + "]"
  }
}

extension Graph {
  /// Returns the graph for one batch size: every type and attribute is fixed, every value keeps its number.
  ///
  /// - Parameter batch: What `.batch` stands for, at least 1.
  /// - Returns: The same nodes without `.batch`; a `size` becomes a constant.
  /// - Throws: Every node that has no size, or breaks its type rule, for this batch size.
  public func bound(batch: Int) throws(GraphErrors) -> Graph {
    guard batch >= 1 else {
      throw GraphErrors([GraphError("compile: the batch size is \(batch), not at least 1")])
    }
    return try rewritten(interning: false) { value, operands, builder throws(GraphError) in
      let node = self[value]
      let op = try node.op.bound(batch: batch)
      return try builder.insert(op, operands, origin: node.origin)
    }
  }
}

extension Op {
  /// Returns the operation for one batch size.
  fileprivate func bound(batch: Int) throws(GraphError) -> Op {
    switch self {
    case .leaf(let leaf): .leaf(try leaf.bound(batch: batch))
    case .movement(let movement): .movement(try movement.bound(batch: batch))
    case .elementwise, .reduction, .contraction, .convolution, .winograd, .index: self
    }
  }
}

extension Leaf {
  fileprivate func bound(batch: Int) throws(GraphError) -> Leaf {
    switch self {
    case .input(let name, let type):
      .input(name: name, try type.bound(batch: batch, for: self.name))
    case .parameter(let name, let type, let initializer):
      .parameter(name: name, try type.bound(batch: batch, for: self.name), initializer)
    case .state(let name, let type, let initializer):
      .state(name: name, try type.bound(batch: batch, for: self.name), initializer)
    case .constant: self
    case .iota(let type, let axis):
      .iota(try type.bound(batch: batch, for: name), axis: axis)
    case .size(let extents, let dataType):
      .constant(try Leaf.size(try extents.bound(batch: batch, for: name), dataType))
    }
  }

  /// Returns the product of fixed extents as an array without axes.
  private static func size(_ extents: [Extent], _ dataType: DataType) throws(GraphError) -> NDArray
  {
    guard let count = Shape.product(extents)?.fixed else {
      throw GraphError("size: the product of \(Shape(extents)) overflows")
    }
    let storage: NDArray.Storage? =
      switch dataType {
      case .f32: .f32([Float(count)])
      case .f64: .f64([Double(count)])
      case .i32: Int32(exactly: count).map { .i32([$0]) }
      case .i64: .i64([Int64(count)])
      case .u8: UInt8(exactly: count).map { .u8([$0]) }
      case .bool: nil
      }
    guard let storage else { throw GraphError("size: \(count) is not a value of type \(dataType)") }
    return NDArray(storage, dimensions: [])
  }
}

extension Movement {
  fileprivate func bound(batch: Int) throws(GraphError) -> Movement {
    func bound(_ extents: [Extent]) throws(GraphError) -> [Extent] {
      try extents.bound(batch: batch, for: name)
    }
    switch self {
    case .reshape(let shape): return .reshape(Shape(try bound(shape.extents)))
    case .broadcast(let shape): return .broadcast(Shape(try bound(shape.extents)))
    case .slice(let starts, let limits, let strides):
      return .slice(starts: try bound(starts), limits: try bound(limits), strides: strides)
    case .pad(let low, let high, let interior, let value):
      return .pad(
        low: try bound(low), high: try bound(high), interior: interior, value: value)
    case .transpose, .concatenate, .reverse, .window: return self
    }
  }
}

extension TensorType {
  fileprivate func bound(batch: Int, for name: String) throws(GraphError) -> TensorType {
    TensorType(dataType, Shape(try shape.extents.bound(batch: batch, for: name)))
  }
}

extension [Extent] {
  fileprivate func bound(batch: Int, for name: String) throws(GraphError) -> [Extent] {
    var result: [Extent] = []
    result.reserveCapacity(count)
    for extent in self {
      guard let fixed = extent.bound(batch: batch) else {
        throw GraphError("\(name): \(extent) overflows for a batch size of \(batch)")
      }
      guard fixed >= 0 else {
        throw GraphError("\(name): \(extent) is \(fixed) for a batch size of \(batch)")
      }
      result.append(Extent(offset: fixed))
    }
    return result
  }
}

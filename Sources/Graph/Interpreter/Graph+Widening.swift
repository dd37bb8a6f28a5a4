extension Graph {
  /// Returns the same computation in double precision: every `f32` becomes `f64`.
  ///
  /// Gradient checks run in it, where finite differences still have digits left.
  ///
  /// - Returns: A graph with the same numbers for its values.
  /// - Throws: The mistakes made while building this graph.
  public func widened() throws(GraphErrors) -> Graph {
    try rewritten(interning: false) { value, operands, builder throws(GraphError) in
      let node = self[value]
      return try builder.insert(node.op.widened, operands, origin: node.origin)
    }
  }
}

extension Op {
  fileprivate var widened: Op {
    switch self {
    case .leaf(let leaf): .leaf(leaf.widened)
    case .elementwise(.cast(let dataType)): .elementwise(.cast(dataType.widened))
    case .index(.oneHot(let depth, let dataType)):
      .index(.oneHot(depth: depth, dataType.widened))
    case .elementwise, .reduction, .movement, .contraction, .convolution, .winograd, .index: self
    }
  }
}

extension Leaf {
  fileprivate var widened: Leaf {
    switch self {
    case .input(let name, let type): .input(name: name, type.widened)
    case .parameter(let name, let type, let initializer):
      .parameter(name: name, type.widened, initializer.widened)
    case .state(let name, let type, let initializer):
      .state(name: name, type.widened, initializer.widened)
    case .constant(let array): .constant(array.widened)
    case .iota(let type, let axis): .iota(type.widened, axis: axis)
    case .size(let extents, let dataType): .size(extents, dataType.widened)
    }
  }
}

extension Initializer {
  fileprivate var widened: Initializer {
    if case .values(let array) = self { .values(array.widened) } else { self }
  }
}

extension TensorType {
  fileprivate var widened: TensorType { TensorType(dataType.widened, shape) }
}

extension DataType {
  fileprivate var widened: DataType { self == .f32 ? .f64 : self }
}

extension NDArray {
  /// The array with `f64` elements where it had `f32`.
  package var widened: NDArray {
    dataType == .f32 ? NDArray(.f64(doubles), dimensions: dimensions) : self
  }
}

extension Graph {
  /// Creates a graph from a body that declares inputs, parameters and outputs.
  ///
  /// Mistakes in the body do not stop it; `compile` reports them all.
  public init(_ name: String, _ body: (GraphBuilder) -> Void) {
    let builder = GraphBuilder(name: name)
    body(builder)
    self = builder.build()
  }
}

extension GraphBuilder {
  /// Declares data the caller supplies at each run.
  public func input(
    _ name: String, _ shape: Shape, _ dataType: DataType = .f32, file: String = #fileID,
    line: Int = #line
  ) -> Tensor {
    leaf(.input(name: name, TensorType(dataType, shape)), Site(file, line))
  }

  /// Declares a tensor that training changes.
  public func parameter(
    _ name: String, _ shape: Shape, _ initializer: Initializer = .zeros, file: String = #fileID,
    line: Int = #line
  ) -> Tensor {
    fixedLeaf(.parameter(name: name, TensorType(.f32, shape), initializer), Site(file, line))
  }

  /// Declares a tensor the plan updates but does not train.
  public func state(
    _ name: String, _ shape: Shape, _ dataType: DataType = .f32,
    _ initializer: Initializer = .zeros,
    file: String = #fileID, line: Int = #line
  ) -> Tensor {
    fixedLeaf(.state(name: name, TensorType(dataType, shape), initializer), Site(file, line))
  }

  /// Adds elements known now.
  public func constant(
    _ array: NDArray, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    leaf(.constant(array), Site(file, line))
  }

  /// Adds one number known now, rounded to the element type.
  public func constant(
    _ value: Double, _ dataType: DataType = .f32, file: String = #fileID, line: Int = #line
  ) -> Tensor {
    at(Site(file, line)) { scalar(value, dataType) }
  }

  /// Adds a tensor whose elements are their own index along an axis.
  public func iota(
    _ shape: Shape, axis: Int, _ dataType: DataType = .i32, file: String = #fileID,
    line: Int = #line
  ) -> Tensor {
    leaf(
      .iota(TensorType(dataType, shape), axis: axis < 0 ? axis + shape.rank : axis),
      Site(file, line))
  }

  /// Declares a named result.
  public func output(
    _ name: String, _ tensor: Tensor, file: String = #fileID, line: Int = #line
  ) {
    at(Site(file, line)) { output(name, tensor.value) }
  }

  /// Declares what a parameter or state becomes at the end of a run.
  public func update(
    _ leaf: Tensor, to tensor: Tensor, file: String = #fileID, line: Int = #line
  ) {
    at(Site(file, line)) { update(leaf.value, to: tensor.value) }
  }

  /// Adds one number of a type; a number the type cannot hold is a mistake.
  package func scalar(_ value: Double, _ dataType: DataType) -> Tensor {
    let array: NDArray? =
      switch dataType {
      case .f32: NDArray(.f32([Float(value)]), dimensions: [])
      case .f64: NDArray(.f64([value]), dimensions: [])
      case .i32: Int32(exactly: value).map { NDArray(.i32([$0]), dimensions: []) }
      case .i64: Int64(exactly: value).map { NDArray(.i64([$0]), dimensions: []) }
      case .u8: UInt8(exactly: value).map { NDArray(.u8([$0]), dimensions: []) }
      case .bool: value == 0 || value == 1 ? NDArray(.bool([value == 1]), dimensions: []) : nil
      }
    guard let array else {
      record(GraphError("constant: \(value) is not a value of type \(dataType)"))
      return Tensor(self, nil)
    }
    return Tensor(self, add(.leaf(.constant(array)), []))
  }

  private func leaf(_ leaf: Leaf, _ site: Site) -> Tensor {
    at(site) { Tensor(self, add(.leaf(leaf), [])) }
  }

  private func fixedLeaf(_ leaf: Leaf, _ site: Site) -> Tensor {
    guard !leaf.type.shape.isSymbolic else {
      return at(site) {
        record(
          GraphError(
            "\(leaf.name): \"\(leaf.leafName ?? "")\" cannot have the batch size in its shape \(leaf.type.shape)"
          ))
        return Tensor(self, nil)
      }
    }
    return self.leaf(leaf, site)
  }
}

public import DescentGraph

/// Where a layer is being built: gives its parameters their names.
public struct LayerScope {
  /// The file the layer was written in, to hand on to operations.
  public var file: String { site.file }
  /// The line the layer was written on, to hand on to operations.
  public var line: Int { site.line }

  /// Whether the graph is one that trains.
  public var isTraining: Bool { builder.isTraining }

  private let builder: GraphBuilder
  private let site: Site

  init(_ builder: GraphBuilder, _ site: Site) {
    self.builder = builder
    self.site = site
  }

  /// Returns the parameter of a name within the layer; the same tensor each time the layer is called.
  public func parameter(
    _ name: String, _ shape: Shape, _ initializer: Initializer = .zeros
  ) -> Tensor {
    let name = joined(builder.frames.last?.path ?? "", name)
    let leaf = Leaf.parameter(name: name, TensorType(.f32, shape), initializer)
    return known(leaf) ?? builder.parameter(name, shape, initializer, file: file, line: line)
  }

  /// Returns the state of a name within the layer, which the plan updates but does not train.
  public func state(
    _ name: String, _ shape: Shape, _ initializer: Initializer = .zeros
  ) -> Tensor {
    let name = joined(builder.frames.last?.path ?? "", name)
    let leaf = Leaf.state(name: name, TensorType(.f32, shape), initializer)
    return known(leaf)
      ?? builder.state(name, shape, .f32, initializer, file: file, line: line)
  }

  /// Declares what a state becomes at the end of a run; a layer that is called again does so once.
  public func update(_ state: Tensor, to tensor: Tensor) {
    guard !builder.updates.contains(where: { $0.leaf == state.value }) else { return }
    builder.update(state, to: tensor, file: file, line: line)
  }

  /// Returns the leaf that an earlier call of the layer declared.
  private func known(_ leaf: Leaf) -> Tensor? {
    guard let name = leaf.leafName, let value = builder.leaf(name),
      builder.nodes[Int(value.index)].op == .leaf(leaf)
    else { return nil }
    return Tensor(builder, value)
  }
}

/// Returns two parts of a path with a dot between them, or the one that is not empty.
func joined(_ path: String, _ name: String) -> String {
  path.isEmpty || name.isEmpty ? path + name : "\(path).\(name)"
}

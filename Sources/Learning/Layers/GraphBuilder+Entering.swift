import DescentGraph

extension GraphBuilder {
  /// Runs a body as the call of a module whose place the caller knows.
  func entering(
    _ module: any Module, path: String, label: String, _ body: () -> Tensor
  ) -> Tensor {
    frames.append(LayerFrame(path: path, parts: ModuleParts.paths(in: module)))
    if !label.isEmpty { layers.append(label) }
    defer {
      frames.removeLast()
      if !label.isEmpty { layers.removeLast() }
    }
    return body()
  }

  /// Runs a body as the call of a module whose place is looked up among the parts of those being called.
  func entering(_ module: any Module, _ body: () -> Tensor) -> Tensor {
    let key = ModuleParts.key(of: module)
    // The module the innermost frame was made for is in its place already.
    if frames.last?.parts[key] == [""] { return body() }
    let (path, name) = place(of: module, key)
    let isWhole = path.isEmpty && module is Model
    return entering(
      module, path: path, label: isWhole ? "" : joined(name, typeName(module)), body)
  }

  /// Returns the path of a module and its part behind the frame it was found in.
  private func place(of module: any Module, _ key: String) -> (path: String, name: String) {
    for index in frames.indices.reversed() {
      guard let names = frames[index].parts[key] else { continue }
      let calls = frames[index].calls[key, default: 0]
      frames[index].calls[key] = calls + 1
      // Equal parts take turns, in the order in which they were declared.
      let name = names[calls % names.count]
      return (joined(frames[index].path, name), name)
    }
    if frames.isEmpty { frames.append(LayerFrame(path: "")) }
    let name = newName(for: module)
    frames[frames.count - 1].parts[key] = [name]
    return (joined(frames[frames.count - 1].path, name), "")
  }

  /// Returns a name for a module that is no property: that of its type, counted from the second on.
  ///
  /// The first model needs none, so that its parameters are called in any graph as they are in its own.
  private func newName(for module: any Module) -> String {
    let name = typeName(module)
    let count = frames[frames.count - 1].calls[name, default: 0] + 1
    frames[frames.count - 1].calls[name] = count
    return count > 1 ? "\(name)\(count)" : module is Model ? "" : name
  }
}

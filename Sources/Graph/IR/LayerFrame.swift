/// One module that is being called: the path of its parameters, and how its parts are told apart.
///
/// Tensors know their builder and nothing else, so what a layer has to know about its place in a model travels
/// with the builder.
package struct LayerFrame {
  /// What stands in front of the names of its parameters, such as `5.a`; empty for a whole model.
  package let path: String
  /// The paths of its parts behind its own, by key; parts that cannot be told apart share a key.
  package var parts: [String: [String]]
  /// How often each key was called.
  package var calls: [String: Int] = [:]

  /// Creates a frame.
  package init(path: String, parts: [String: [String]] = [:]) {
    self.path = path
    self.parts = parts
  }
}

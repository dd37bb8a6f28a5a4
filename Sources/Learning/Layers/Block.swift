public import DescentGraph

/// Modules one after the other: each takes what the one before it made.
public struct Block: Module, Identified {
  /// The modules, in order.
  public let modules: [any Module]
  let identity: LayerIdentity

  /// Creates a block from a list of layers.
  public init(
    file: String = #fileID, line: Int = #line, @LayerBuilder _ layers: () -> Block
  ) {
    self.init(layers().modules, LayerIdentity(file: file, line: line))
  }

  /// Creates a block from modules.
  public init(_ modules: [any Module], file: String = #fileID, line: Int = #line) {
    self.init(modules, LayerIdentity(file: file, line: line))
  }

  private init(_ modules: [any Module], _ identity: LayerIdentity) {
    self.modules = modules
    self.identity = identity
  }

  /// Returns what the modules make of a tensor, one after the other.
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x.builder.entering(self) { run(x) }
  }

  /// Calls the modules at their positions and shows each result to an observer.
  func run(_ x: Tensor, observing: (Int, Tensor) -> Void = { _, _ in }) -> Tensor {
    let builder = x.builder
    let path = builder.frames.last?.path ?? ""
    var result = x
    for (position, module) in modules.enumerated() {
      result = builder.entering(
        module, path: joined(path, "\(position)"), label: "\(position).\(typeName(module))"
      ) { module(result) }
      observing(position, result)
    }
    return result
  }

  /// The body of a module that has none.
  static let missing: Block = Block([])

  /// Whether this is the body of a module that has none.
  var isMissing: Bool { identity.number == Block.missing.identity.number }
}
